import { resolve } from 'node:path'
import type { Config } from '../../config.ts'
import { chooseDevice, libcameraFiles } from '../../sources/camera.ts'
import { Accounts, hasRights, joinGroupFix } from '../accounts.ts'
import { configuredStreams } from '../configured.ts'
import { error, type Finding, ok, warning } from '../finding.ts'
import { holdersOf, nameOf } from '../open-files.ts'
import { printedBy, type System } from '../system.ts'

const classFolder = '/sys/class/video4linux'
const readWrite = 6
const plugIn = 'Plug a USB camera in; on a Raspberry Pi, list its own cameras with: rpicam-hello --list-cameras'

interface Camera {
  readonly path: string
  readonly name: string
}

/** V4L2 cameras, their rights and who holds them; and whether every camera that a pipeline names is there. */
export async function checkCameras(system: System, config: Config): Promise<Finding[]> {
  const cameras = await findCameras(system)
  const wanted = configuredStreams(config).filter((stream) => 'source' in stream && stream.source === 'camera')
  const findings = (await Promise.all(cameras.map((camera) => checkCamera(system, camera)))).flat()
  for (const { path, options } of wanted) findings.push(...(await checkWanted(system, path, options)))
  const boards = await findBoardCameras(system)
  if (boards !== undefined && boards.length > 0)
    findings.push(ok('cameras', `${boards.join(', ')} (of the board, by libcamera)`))
  if (cameras.length + (boards?.length ?? 0) > 0) return findings
  const auto = wanted.some(({ options }) => (options.device ?? 'auto') === 'auto')
  if (!auto) return [...findings, ok('cameras', 'none found, and no pipeline asks for one')]
  const clip = (await hasClip(system, config, wanted)) ? ': a clip plays in its place' : ''
  return [
    ...findings,
    warning('cameras', { detail: `No camera found, and a pipeline asks for one${clip}`, fix: plugIn }),
  ]
}

/** Cameras that libcamera finds; undefined where it cannot be asked. Lines: `0 : imx708 [4608x2592 10-bit RGGB] (/base/…)`. */
async function findBoardCameras(system: System): Promise<string[] | undefined> {
  const files = await Promise.all(libcameraFiles.map((file) => system.stat(file)))
  if (files.every((file) => file === undefined)) return undefined
  const told = printedBy(await system.run(['rpicam-hello', '--list-cameras']))
  return told === undefined ? undefined : [...told.matchAll(/^\d+ : (\S+)/gm)].map(([, name = '']) => name)
}

/** Whether every camera stream that would be without a picture has a clip that is there. */
async function hasClip(system: System, { state }: Config, wanted: readonly Wanted[]): Promise<boolean> {
  const files = wanted.map(({ options }) => resolve(state, 'media', String(options.otherwise ?? '')))
  const found = await Promise.all(files.map((file) => system.stat(file)))
  return found.every((file) => file?.kind === 'file')
}

type Wanted = ReturnType<typeof configuredStreams>[number]

/** A camera's first node is for pictures, further ones are for what is told beside them. */
async function findCameras(system: System): Promise<Camera[]> {
  const nodes = ((await system.list(classFolder)) ?? []).filter((name) => /^video\d+$/.test(name))
  const cameras: Camera[] = []
  for (const node of nodes.sort((a, b) => Number(a.slice(5)) - Number(b.slice(5)))) {
    const path = `/dev/${node}`
    const driver = (await system.read(`${classFolder}/${node}/name`))?.trim() ?? ''
    const index = (await system.read(`${classFolder}/${node}/index`))?.trim() ?? '0'
    if (index === '0' && chooseDevice([{ path, driver }], false) === path) cameras.push({ path, name: driver })
  }
  return cameras
}

async function checkCamera(system: System, { path, name }: Camera): Promise<Finding[]> {
  const device = await system.stat(path)
  if (device === undefined)
    return [
      warning('cameras', { detail: `The kernel has ${name}, but ${path} is not there`, fix: 'sudo udevadm trigger' }),
    ]
  const accounts = await Accounts.read(system)
  const group = accounts.groupName(device.gid)
  const users = accounts.engineUsers()
  const locked = users.filter((person) => !hasRights(device, person, readWrite))
  const { holders } = await holdersOf(system, [path])
  const others = holders.filter(({ ours }) => !ours)
  const findings = locked.map((person) => {
    const detail = `${person.name} may not use ${name} (${path}, group ${group})`
    return (person === users[0] ? error : warning)('cameras', { detail, fix: joinGroupFix(person, group) })
  })
  for (const holder of others) {
    const detail = `${nameOf(holder)} has ${name} (${path}) open: one program at a time can use it`
    findings.push(warning('cameras', { detail, fix: holder.stop }))
  }
  return findings.length > 0 ? findings : [ok('cameras', `${name} (${path})`)]
}

async function checkWanted(
  system: System,
  stream: string,
  options: Readonly<Record<string, unknown>>,
): Promise<Finding[]> {
  const { device, otherwise } = options
  if (typeof device !== 'string' || !device.startsWith('/') || (await system.stat(device)) !== undefined) return []
  const tell = otherwise === undefined ? error : warning
  const detail = `Stream ${stream} asks for the camera ${device}, which is not there`
  return [tell('cameras', { detail, fix: `Plug it in, or set device: auto at the stream; there are: ls /dev/video*` })]
}

import type { Config } from '../../config.ts'
import { configuredStreams } from '../configured.ts'
import { error, type Finding, ok, warning } from '../finding.ts'
import { isRaspberryPi } from '../machine.ts'
import { printedBy, type System } from '../system.ts'
import { failure, rebuildFix, runScript } from './program.ts'

/** An element that our sources' descriptions name, or that GStreamer takes for what they play. */
interface Element {
  readonly name: string
  readonly package: string
  /** What does not work without it. */
  readonly purpose: string
}

const base = 'gstreamer1.0-plugins-base'
const good = 'gstreamer1.0-plugins-good'
const bad = 'gstreamer1.0-plugins-bad'

/** Without these no source of that kind opens. */
const required: readonly Element[] = [
  ...['appsink', 'videoconvert', 'videoscale', 'videorate'].map((name) => ({
    name,
    package: base,
    purpose: 'any source',
  })),
  { name: 'gdppay', package: bad, purpose: 'any source' },
  { name: 'videotestsrc', package: base, purpose: 'test pictures' },
  { name: 'v4l2src', package: good, purpose: 'cameras' },
  { name: 'uridecodebin', package: base, purpose: 'files' },
  { name: 'decodebin', package: base, purpose: 'network cameras (RTSP)' },
  { name: 'rtspsrc', package: good, purpose: 'network cameras (RTSP)' },
  { name: 'rtph264depay', package: good, purpose: 'network cameras (RTSP)' },
  { name: 'souphttpsrc', package: good, purpose: 'network cameras (HTTP)' },
  { name: 'multipartdemux', package: good, purpose: 'network cameras (HTTP)' },
  { name: 'qtdemux', package: good, purpose: 'MP4 files' },
  { name: 'h264parse', package: bad, purpose: 'H.264' },
  { name: 'avdec_h264', package: 'gstreamer1.0-libav', purpose: 'H.264' },
]
const libcamera: Element = {
  name: 'libcamerasrc',
  package: 'gstreamer1.0-libcamera',
  purpose: 'the cameras of a Raspberry Pi',
}

/** Whether GStreamer loads, and has every element that the sources use. A broken plug-in ends only the process that tries it. */
export async function checkGstreamer(system: System, config: Config): Promise<Finding[]> {
  const outcome = await runScript(system, scriptFor([...required, libcamera]))
  const told = printedBy(outcome)
  if (told === undefined)
    return [
      error('gstreamer', { detail: failure('GStreamer', outcome), fix: await rebuildFix(system, 'node_modules') }),
    ]
  const missing = told.split(/\s+/)
  const lacking = required.filter(({ name }) => missing.includes(name))
  const version = printedBy(await system.run(['dpkg-query', '-W', '-f', '${Version}', 'libgstreamer1.0-0']))
  const found = `GStreamer ${version ?? ''} with all ${required.length} elements that sources need`
  const findings = lacking.length === 0 ? [ok('gstreamer', found)] : [tellLacking(lacking)]
  return [...findings, ...(await checkLibcamera(system, config, missing))]
}

function tellLacking(lacking: readonly Element[]): Finding {
  const named = lacking.map(({ name, purpose }) => `${name} (${purpose})`).join(', ')
  return error('gstreamer', { detail: `GStreamer lacks ${named}`, fix: installOf(lacking) })
}

async function checkLibcamera(system: System, config: Config, missing: readonly string[]): Promise<Finding[]> {
  if (!missing.includes(libcamera.name)) return [ok('gstreamer-libcamera', 'libcamerasrc is there')]
  const asked = configuredStreams(config).some(({ options }) => String(options.device ?? '').startsWith('libcamera'))
  const detail = `GStreamer lacks ${libcamera.name}, for ${libcamera.purpose}`
  if (asked) return [error('gstreamer-libcamera', { detail, fix: installOf([libcamera]) })]
  if (await isRaspberryPi(system)) return [warning('gstreamer-libcamera', { detail, fix: installOf([libcamera]) })]
  return []
}

function installOf(elements: readonly Element[]): string {
  const packages = new Set(elements.map((element) => element.package))
  return `sudo apt update && sudo apt install ${[...packages].join(' ')} && rm -rf ~/.cache/gstreamer-1.0`
}

/** Prints the elements that cannot be made. Two of them, since a description of one makes no pipeline. */
function scriptFor(elements: readonly Element[]): string {
  const names = JSON.stringify(elements.map(({ name }) => name))
  const load = `(await import('node:module')).createRequire(process.cwd() + '/')('gstreamer-superficial')`
  const lacks = `(name) => { try { new Pipeline('identity ' + name); return false } catch { return true } }`
  return `const { Pipeline } = ${load}; console.log(${names}.filter(${lacks}).join(' ')); process.exit(0)`
}

import type { Config } from '../../config.ts'
import { error, type Finding, ok, warning } from '../finding.ts'
import {
  type Card,
  findCards,
  findLibraries,
  type Generation,
  hailoDevice,
  installedVersion,
  installFix,
  readDriver,
  toVersion,
} from '../hailo.ts'
import { printedBy, type System } from '../system.ts'

/** A control call that was lost costs 10 s. */
const identifyDeadlineMs = 15_000

/** Library, driver and firmware: each new enough, and all of one release. */
export async function checkHailoVersions(system: System, { hailo }: Config): Promise<Finding[]> {
  const [card] = await findCards(system)
  const libraries = await findLibraries(system)
  if (hailo.enabled === false || (card === undefined && libraries.length === 0)) return []
  const library = await checkLibrary(system, libraries, card)
  if (card === undefined || (await system.stat(hailoDevice)) === undefined) return library
  return [...library, ...(await checkTogether(system, libraries, card))]
}

type Libraries = Awaited<ReturnType<typeof findLibraries>>

async function checkLibrary(system: System, libraries: Libraries, card: Card | undefined): Promise<Finding[]> {
  const [first] = libraries
  const generation = card?.generation
  if (first === undefined) {
    const detail = 'Expected the library of HailoRT (libhailort.so) for the device, found none'
    return [error('hailo-library', { detail, fix: await installFix(system, generation) })]
  }
  const others = libraries.filter(({ version }) => version !== first.version)
  if (others.length > 0) {
    const detail = `Expected one version of HailoRT, found ${libraries.map(({ path }) => path).join(' and ')}`
    const fix = `sudo rm ${older(libraries)} && sudo ldconfig`
    return [error('hailo-library', { detail, fix })]
  }
  const problem = generation && tooOld(first.version, generation)
  if (problem === undefined) return [ok('hailo-library', `HailoRT ${first.version} (${first.path})`)]
  return [error('hailo-library', { detail: problem, fix: await installFix(system, generation) })]
}

/** The file of the older one, which packages that were removed by hand leave behind. */
function older(libraries: Libraries): string {
  const [oldest] = [...libraries].sort((a, b) => a.version.localeCompare(b.version, 'en', { numeric: true }))
  return oldest?.path ?? ''
}

function tooOld(version: string, { product, major, minor }: Generation): string | undefined {
  const [hasMajor = 0, hasMinor = 0] = version.split('.').map(Number)
  if (hasMajor === major && hasMinor >= minor) return undefined
  return `Expected HailoRT ${major}.${minor} or a later ${major}.x for ${product}, found ${version}`
}

async function checkTogether(system: System, libraries: Libraries, { generation }: Card): Promise<Finding[]> {
  const [driver, firmware] = [await readDriver(system, generation.driver), await askFirmware(system)]
  const findings = 'findings' in firmware ? firmware.findings : [ok('hailo-firmware', firmware.version)]
  const versions = [
    { part: 'library', version: libraries[0]?.version },
    { part: 'driver', version: driver.version },
    { part: 'firmware', version: 'version' in firmware ? firmware.version : undefined },
  ].filter(({ version }) => version !== undefined)
  const told = versions.map(({ part, version }) => `${part} ${version}`).join(', ')
  if (new Set(versions.map(({ version }) => version)).size <= 1) return [...findings, ok('hailo-versions', told)]
  const detail = `Expected library, driver and firmware of one release, found ${told}`
  const waits = (await installedVersion(system, generation.driver)) === libraries[0]?.version
  const fix = waits ? 'sudo reboot' : 'sudo apt update && sudo apt full-upgrade && sudo reboot'
  return [...findings, error('hailo-versions', { detail, fix })]
}

/** Asks the device by `hailortcli`, whose exit status says nothing: it is 0 without a device too. */
async function askFirmware(system: System): Promise<{ readonly version: string } | { readonly findings: Finding[] }> {
  const outcome = await system.run(['hailortcli', 'fw-control', 'identify'], { deadlineMs: identifyDeadlineMs })
  const told = (detail: string, fix: string) => ({ findings: [warning('hailo-firmware', { detail, fix })] })
  if (outcome.end === 'missing')
    return told('The firmware cannot be asked for: hailortcli is not there', await installFix(system))
  if (outcome.end === 'late')
    return told(`The device did not answer within ${identifyDeadlineMs / 1000} s: it hangs`, 'sudo reboot')
  const version = toVersion(/Firmware Version: (\S+)/.exec(printedBy(outcome) ?? '')?.[1])
  if (version !== undefined) return { version }
  const reason = outcome.stderr.trim().split('\n').at(-1)?.trim() || 'hailortcli printed nothing'
  return told(
    `The device did not tell its firmware: ${reason}`,
    'sudo hailortcli fw-control identify  # if it prints no version either: sudo reboot',
  )
}

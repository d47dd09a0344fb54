import { printedBy, type System } from './system.ts'

/** The device file of the first accelerator. */
export const hailoDevice = '/dev/hailo0'
const pciFolder = '/sys/bus/pci/devices'
const hailoVendor = '0x1e60'
const libraryFolders = ['/usr/lib', '/usr/lib/aarch64-linux-gnu', '/usr/lib/x86_64-linux-gnu', '/usr/local/lib']

/** A generation of accelerators: Hailo-8 and 8L go with HailoRT 4, Hailo-10H with 5. */
export interface Generation {
  readonly product: string
  readonly driver: 'hailo1x_pci' | 'hailo_pci'
  /** What we need of HailoRT: major version, and the least minor version. */
  readonly major: number
  readonly minor: number
}

const hailo10: Generation = { product: 'Hailo-10H', driver: 'hailo1x_pci', major: 5, minor: 1 }
const hailo8: Generation = { product: 'Hailo-8', driver: 'hailo_pci', major: 4, minor: 20 }
const hailo8Device = '0x2864'

/** An accelerator that the PCIe bus shows, with or without a driver. */
export interface Card {
  /** `0001:01:00.0` */
  readonly address: string
  readonly folder: string
  readonly generation: Generation
}

/** Accelerators on the PCIe bus, by address. */
export async function findCards(system: System): Promise<Card[]> {
  const cards: Card[] = []
  for (const address of [...((await system.list(pciFolder)) ?? [])].sort()) {
    const folder = `${pciFolder}/${address}`
    if ((await system.read(`${folder}/vendor`))?.trim() !== hailoVendor) continue
    const device = (await system.read(`${folder}/device`))?.trim()
    cards.push({ address, folder, generation: device === hailo8Device ? hailo8 : hailo10 })
  }
  return cards
}

/** Versions of `libhailort` that are installed, each with its file. The library has no SONAME version, so its file's name tells it. */
export async function findLibraries(system: System): Promise<{ readonly path: string; readonly version: string }[]> {
  const found = []
  for (const folder of libraryFolders)
    for (const name of (await system.list(folder)) ?? []) {
      const version = /^libhailort\.so\.(\d+\.\d+\.\d+)$/.exec(name)?.[1]
      if (version !== undefined) found.push({ path: `${folder}/${name}`, version })
    }
  return found
}

/** A kernel module: loaded now, or only installed for this kernel. */
export interface Driver {
  readonly state: 'loaded' | 'installed' | 'absent'
  readonly version?: string
}

/** The state of a kernel module. */
export async function readDriver(system: System, name: string): Promise<Driver> {
  const folder = `/sys/module/${name}`
  if ((await system.stat(folder)) !== undefined) {
    const version = toVersion(await system.read(`${folder}/version`)) ?? (await installedVersion(system, name))
    return { state: 'loaded', ...(version === undefined ? {} : { version }) }
  }
  const installed = await system.run(['modinfo', '-F', 'filename', name])
  return printedBy(installed) === undefined ? { state: 'absent' } : { state: 'installed' }
}

/** `5.2.0` out of a text that holds it. */
export function toVersion(text: string | undefined): string | undefined {
  return /\d+\.\d+\.\d+/.exec(text ?? '')?.[0]
}

/** The command that installs library, driver and firmware of one release: by the package that apt knows here. */
export async function installFix(system: System, { major }: Pick<Generation, 'major'> = hailo10): Promise<string> {
  const policy = printedBy(await system.run(['apt-cache', 'policy', 'hailo-h10-all', 'hailo-all'])) ?? ''
  const [own, common] = ['hailo-h10-all', 'hailo-all'].map((name) => candidateOf(policy, name))
  const install = (name: string) => `sudo apt update && sudo apt install dkms ${name} && sudo reboot`
  if (major === 4) return install(common?.startsWith('4.') ? `hailo-all=${common}` : 'hailo-all')
  if (own !== undefined) return install('hailo-h10-all')
  // From HailoRT 5.3.0 on one package serves both generations.
  if (common !== undefined && !common.startsWith('4.')) return install('hailo-all')
  const elsewhere = 'from HailoRT 5.3.0 on: hailo-all. On other machines than a Raspberry Pi: hailo.ai/developer-zone'
  return `${install('hailo-h10-all')}  # ${elsewhere}`
}

function candidateOf(policy: string, name: string): string | undefined {
  const version = new RegExp(`^${name}:\\n(?:.*\\n)?\\s+Candidate: (\\S+)`, 'm').exec(policy)?.[1]
  return version === '(none)' ? undefined : version
}

/** Of the kernel module's file, which is loaded at the next start. */
export async function installedVersion(system: System, name: string): Promise<string | undefined> {
  return toVersion(printedBy(await system.run(['modinfo', '-F', 'version', name])))
}

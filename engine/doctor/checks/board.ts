import { join } from 'node:path'
import { projectRoot } from '../../root.ts'
import { Accounts, joinGroupFix } from '../accounts.ts'
import { error, type Finding, ok, warning } from '../finding.ts'
import { boardModel, hasSystemd, isRaspberryPi } from '../machine.ts'
import { printedBy, type System } from '../system.ts'

const warmCelsius = 75
const hotCelsius = 85
const cool = 'Give it air or a cooler (on a Raspberry Pi 5: the Active Cooler), or run fewer streams'
const bootLine = '/boot/firmware/cmdline.txt'

/** What Debian's and Raspberry Pi's systems call themselves, and the versions that we know. */
export async function checkOs(system: System): Promise<Finding[]> {
  const release = (await system.read('/etc/os-release')) ?? ''
  const value = (name: string) => new RegExp(`^${name}="?([^"\n]*)"?$`, 'm').exec(release)?.[1] ?? ''
  const kernel = (await system.read('/proc/sys/kernel/osrelease'))?.trim() ?? 'unknown'
  const found = `${value('PRETTY_NAME') || 'a system without a name'}, kernel ${kernel}`
  if (['debian', 'raspbian'].includes(value('ID')) && ['12', '13'].includes(value('VERSION_ID')))
    return [ok('os', found)]
  const detail = `Expected Debian 12 or 13, or Raspberry Pi OS of the same, found ${found}: packages may have other names`
  return [warning('os', { detail, fix: 'Install Debian 12 or 13, or Raspberry Pi OS (64 bit)' })]
}

/** Whether the processor can what models need to be fast. */
export async function checkCpu(system: System): Promise<Finding[]> {
  const text = (await system.read('/proc/cpuinfo')) ?? ''
  const features = (/^(?:Features|flags)\s*: (.*)$/m.exec(text)?.[1] ?? '').split(' ')
  const cores = [...text.matchAll(/^processor\s*:/gm)].length
  const model = (await boardModel(system)) ?? /^model name\s*: (.*)$/m.exec(text)?.[1] ?? 'a processor without a name'
  const found = `${model}, ${cores} ${cores === 1 ? 'core' : 'cores'}`
  const wanted = system.own.architecture === 'arm64' ? 'asimddp' : 'avx2'
  if (features.includes(wanted)) return [ok('cpu', `${found}, ${wanted}`)]
  const detail = `${found}, which lacks ${wanted}: models run several times slower on it`
  return [
    warning('cpu', {
      detail,
      fix: 'Use small models (yolov8n), a low rate, or a newer machine such as a Raspberry Pi 5',
    }),
  ]
}

/** An engine that runs as root needs no rights, and has too many. */
export async function checkUser(system: System): Promise<Finding[]> {
  const [runner] = (await Accounts.read(system)).engineUsers()
  if (runner.uid !== 0) return [ok('user', `the engine runs as ${runner.name}`)]
  const detail = 'This is root: an engine started like this runs with all rights, and its files are root’s'
  return [
    warning('user', {
      detail,
      fix: `Install it as a service, which has a user of its own: sudo sh ${join(projectRoot, 'systemd/install.sh')}`,
    }),
  ]
}

/** The hottest of the machine's own sensors and the accelerator's, where its driver shows one. */
export async function checkTemperature(system: System): Promise<Finding[]> {
  const sensors = [...(await zones(system)), ...(await monitors(system))].filter(
    ({ celsius }) => celsius > 0 && celsius < 150,
  )
  const [hottest] = sensors.sort((a, b) => b.celsius - a.celsius)
  if (hottest === undefined) return [ok('temperature', 'no sensor here')]
  const found = `${hottest.celsius.toFixed(0)} °C (${hottest.name})`
  if (hottest.celsius < warmCelsius) return [ok('temperature', found)]
  if (hottest.celsius < hotCelsius)
    return [warning('temperature', { detail: `${found}: it slows down from ${hotCelsius} °C on`, fix: cool })]
  return [error('temperature', { detail: `${found}: it slows down now`, fix: cool })]
}

interface Sensor {
  readonly name: string
  readonly celsius: number
}

async function zones(system: System): Promise<Sensor[]> {
  const folder = '/sys/class/thermal'
  const names = ((await system.list(folder)) ?? []).filter((name) => name.startsWith('thermal_zone'))
  return Promise.all(names.map((name) => readSensor(system, `${folder}/${name}/type`, `${folder}/${name}/temp`)))
}

async function monitors(system: System): Promise<Sensor[]> {
  const folder = '/sys/class/hwmon'
  const names = (await system.list(folder)) ?? []
  const found = await Promise.all(
    names.map((name) => readSensor(system, `${folder}/${name}/name`, `${folder}/${name}/temp1_input`)),
  )
  return found.filter(({ name }) => name.startsWith('hailo'))
}

async function readSensor(system: System, name: string, value: string): Promise<Sensor> {
  const celsius = Number((await system.read(value)) ?? Number.NaN) / 1000
  return { name: (await system.read(name))?.trim() ?? '?', celsius }
}

/** Bits of the firmware's answer; the same 16 higher: since the start. */
const underVoltage = 1
const slowed = 2 | 4 | 8
const powerFix = 'Use the official 27 W supply, with a short cable'

/** Whether a Raspberry Pi has power enough, by its firmware. */
export async function checkPower(system: System): Promise<Finding[]> {
  if (!(await isRaspberryPi(system))) return []
  const outcome = await system.run(['vcgencmd', 'get_throttled'])
  if (outcome.end === 'missing') {
    const fix = 'sudo apt install raspi-utils'
    return [
      warning('power', { detail: 'The firmware cannot be asked for the power supply: vcgencmd is not there', fix }),
    ]
  }
  const bits = Number.parseInt(/throttled=0x([0-9a-f]+)/i.exec(printedBy(outcome) ?? '')?.[1] ?? '', 16)
  if (Number.isNaN(bits)) {
    const caller = (await Accounts.read(system)).caller()
    return [warning('power', { detail: 'The firmware did not answer vcgencmd', fix: joinGroupFix(caller, 'video') })]
  }
  return [describePower(bits)]
}

function describePower(bits: number): Finding {
  const told = `throttled=0x${bits.toString(16)}`
  if (bits & underVoltage)
    return error('power', {
      detail: `The supply's voltage is too low now (${told}): devices fail by it`,
      fix: powerFix,
    })
  if (bits & slowed) return warning('power', { detail: `The processor is slowed down now (${told})`, fix: cool })
  if ((bits >> 16) & underVoltage)
    return warning('power', { detail: `The supply's voltage was too low since the start (${told})`, fix: powerFix })
  if ((bits >> 16) & slowed)
    return warning('power', { detail: `The processor was slowed down since the start (${told})`, fix: cool })
  return ok('power', `enough, not slowed down (${told})`)
}

/** Accelerator buffers are aligned to it; every size is right. */
export async function checkPageSize(system: System): Promise<Finding[]> {
  const bytes = Number(printedBy(await system.run(['getconf', 'PAGESIZE'])))
  return [ok('page-size', bytes > 0 ? `${bytes / 1024} KiB` : 'not told here')]
}

/** Whether the kernel can hold the service to its MemoryMax. */
export async function checkMemoryCgroup(system: System): Promise<Finding[]> {
  const controllers = (await system.read('/sys/fs/cgroup/cgroup.controllers'))?.trim().split(' ')
  if (controllers?.includes('memory')) return [ok('memory-cgroup', 'on')]
  if (!(await hasSystemd(system))) return [ok('memory-cgroup', 'not needed: no systemd here to set limits')]
  const detail =
    'The memory controller is off: MemoryMax of the service means nothing, and a leak takes the whole machine'
  return [warning('memory-cgroup', { detail, fix: await memoryFix(system) })]
}

async function memoryFix(system: System): Promise<string> {
  const line = await system.read(bootLine)
  if (line === undefined)
    return `sudo sed -i 's/^GRUB_CMDLINE_LINUX="/&cgroup_enable=memory systemd.unified_cgroup_hierarchy=1 /' /etc/default/grub && sudo update-grub && sudo reboot`
  if (/\bcgroup_enable=memory\b/.test(line)) return 'sudo reboot'
  return `sudo sed -i '1s/[[:space:]]*$/ cgroup_enable=memory/' ${bootLine} && sudo reboot`
}

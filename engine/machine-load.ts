import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'

/** Kinds of thermal zones that measure a processor: of boards with Arm, and of Intel's and AMD's. */
const processorZone = /cpu|soc|pkg|package|core|k10temp/i
/** Intel's and AMD's processors run warmer than those of boards: they slow themselves down shortly before 100 °C. */
const pcZone = /x86|k10temp/i
const [boardHotCelsius, pcHotCelsius] = [80, 95]
/** Bits of a Raspberry Pi's `get_throttled`: what is so now. */
const throttledBits = { underVoltage: 1, capped: 2, throttled: 4, softLimit: 8 } as const

/** How the machine is, as far as it says. */
export interface MachineReading {
  /** Share of all cores since the last reading, 0 to 1; null for the first one, and where the system does not tell. */
  readonly cpu: number | null
  /** Of the part of the processor that is nearest to its limit, in °C; null where there is no sensor. */
  readonly temperature: number | null
  /** That limit, in °C: from there on it slows itself down. A Raspberry Pi 5 begins at 80 °C, and slows hard at 85. */
  readonly hotAt: number
  /** Whether the firmware slows the processor because of heat; null where it does not tell. */
  readonly throttled: boolean | null
}

/** CPU time since the start of the machine, in its ticks, all cores together. */
export interface CpuTimes {
  readonly busy: number
  readonly total: number
}

/** Reads how busy and how warm the machine is. What is not there is null; nothing throws. */
export class MachineLoad {
  readonly #root: string
  #places: Promise<Places> | undefined
  #last: CpuTimes | undefined

  /** `root`: where `proc` and `sys` lie. */
  constructor(root = '/') {
    this.#root = root
  }

  async read(): Promise<MachineReading> {
    this.#places ??= findPlaces(this.#root)
    const { zones, throttled } = await this.#places
    const [stat, flags] = await Promise.all([join(this.#root, 'proc/stat'), throttled].map(readText))
    const parts = await Promise.all(zones.map(readZone))
    return {
      cpu: this.#share(stat),
      ...nearestToLimit(parts.flatMap((part) => part ?? [])),
      throttled: flags === undefined ? null : isThrottledByHeat(flags),
    }
  }

  #share(stat: string | undefined): number | null {
    const times = stat === undefined ? undefined : parseCpuTimes(stat)
    const last = this.#last
    this.#last = times
    if (times === undefined || last === undefined || times.total <= last.total) return null
    return Math.min(1, Math.max(0, (times.busy - last.busy) / (times.total - last.total)))
  }
}

/** Of the text of `/proc/stat`: the line `cpu`, without `guest`, which `user` has in it. Waiting for a disk is idle. */
export function parseCpuTimes(text: string): CpuTimes | undefined {
  const fields = /^cpu +(\d[\d ]*)$/m.exec(text)?.[1]?.split(' ').map(Number)
  if (fields === undefined || fields.length < 4) return undefined
  const [user = 0, nice = 0, system = 0, idle = 0, waiting = 0, interrupts = 0, softInterrupts = 0, stolen = 0] = fields
  const busy = user + nice + system + interrupts + softInterrupts + stolen
  return { busy, total: busy + idle + waiting }
}

/** Of the text of `get_throttled`, hexadecimal. A weak power supply slows a processor as well: that is not heat. */
export function isThrottledByHeat(text: string): boolean {
  const flags = Number.parseInt(text, 16) || 0
  const has = (bit: keyof typeof throttledBits) => (flags & throttledBits[bit]) !== 0
  return has('softLimit') || ((has('throttled') || has('capped')) && !has('underVoltage'))
}

/** A sensor of the processor. */
interface Zone {
  /** With thousandths of °C. */
  readonly file: string
  readonly hotAt: number
}

type Warmth = Pick<MachineReading, 'temperature' | 'hotAt'> & { readonly temperature: number }

interface Places {
  readonly zones: readonly Zone[]
  readonly throttled: string | undefined
}

/** Once: sensors do not come and go. */
async function findPlaces(root: string): Promise<Places> {
  const thermal = join(root, 'sys/class/thermal')
  const zones = (await list(thermal)).filter((name) => name.startsWith('thermal_zone'))
  const kinds = await Promise.all(zones.map(async (zone) => (await readText(join(thermal, zone, 'type'))) ?? ''))
  const all = zones.map((zone, i) => ({
    file: join(thermal, zone, 'temp'),
    hotAt: pcZone.test(kinds[i] ?? '') ? pcHotCelsius : boardHotCelsius,
  }))
  return {
    zones: all.filter((_, i) => processorZone.test(kinds[i] ?? '')),
    throttled: await findThrottled(join(root, 'sys/devices/platform')),
  }
}

/** On a Raspberry Pi, below `soc/soc:firmware` or, on newer ones, below the same with an address. */
async function findThrottled(platform: string): Promise<string | undefined> {
  for (const soc of (await list(platform)).filter((name) => name.startsWith('soc'))) {
    const firmware = (await list(join(platform, soc))).find((name) => name.endsWith(':firmware'))
    const file = firmware && join(platform, soc, firmware, 'get_throttled')
    if (file && (await readText(file)) !== undefined) return file
  }
  return undefined
}

async function readZone({ file, hotAt }: Zone): Promise<Warmth | undefined> {
  const text = (await readText(file))?.trim() ?? ''
  return /^-?\d+$/.test(text) ? { temperature: Number(text) / 1000, hotAt } : undefined
}

function nearestToLimit(parts: readonly Warmth[]): Pick<MachineReading, 'temperature' | 'hotAt'> {
  const [nearest] = parts.toSorted((a, b) => b.temperature - b.hotAt - (a.temperature - a.hotAt))
  return nearest ?? { temperature: null, hotAt: boardHotCelsius }
}

async function list(folder: string): Promise<string[]> {
  // Not there on most machines.
  return readdir(folder).catch(() => [])
}

async function readText(file: string | undefined): Promise<string | undefined> {
  // A sensor that is asleep or gone answers with an error.
  return file === undefined ? undefined : readFile(file, 'utf8').catch(() => undefined)
}

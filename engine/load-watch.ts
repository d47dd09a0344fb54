import {
  type LoadChange,
  LoadGovernor,
  type LoadLevelName,
  type LoadLimits,
  type LoadSample,
} from './inference/load-governor.ts'
import type { Logger } from './log.ts'
import type { MachineReading } from './machine-load.ts'
import type { Problems } from './problems.ts'

const lookEveryMs = 1000
/** So far below its limit a processor is cool again. */
const marginCelsius = 5

/** What is watched, and who is told. */
export interface LoadWatchOptions {
  readonly machine: { read(): Promise<MachineReading> }
  /** Of the live sessions that are open: which streams can be slowed. */
  readonly ranks: () => readonly number[]
  /** Told what may run how fast, after every look: streams come and go. */
  readonly limit: (limits: LoadLimits) => void
  readonly problems: Problems
  readonly log: Logger
}

/** How busy and warm the machine is, and what is slowed for it. */
export interface LoadStatus {
  readonly level: number
  readonly name: LoadLevelName
  /** Share of the whole machine over the last second, 0 to 1; null before it is known. */
  readonly cpu: number | null
  /** Of the processor, in °C; null where there is no sensor. */
  readonly temperature: number | null
}

/** Looks every second at how busy and how warm the machine is, and slows what may be slowed. Disposing ends it. */
export class LoadWatch implements Disposable {
  readonly #options: LoadWatchOptions
  readonly #governor = new LoadGovernor()
  readonly #timer: NodeJS.Timeout
  #reading: MachineReading = { cpu: null, temperature: null, hotAt: 0, throttled: null }
  #heat: LoadSample['heat'] = 'cool'
  #looking = false
  #closed = false

  constructor(options: LoadWatchOptions) {
    this.#options = options
    this.#timer = setInterval(() => void this.look(), lookEveryMs).unref()
  }

  get status(): LoadStatus {
    const { level, name } = this.#governor.limits
    const { cpu, temperature } = this.#reading
    return { level, name, cpu, temperature }
  }

  [Symbol.dispose](): void {
    this.#closed = true
    clearInterval(this.#timer)
  }

  /** One look; left out while the last one hangs. */
  async look(): Promise<void> {
    if (this.#looking) return
    this.#looking = true
    try {
      this.#reading = await this.#options.machine.read()
      if (!this.#closed) this.#take(this.#reading)
    } finally {
      this.#looking = false
    }
  }

  #take(reading: MachineReading): void {
    this.#heat = heatOf(reading)
    this.#tellHeat(reading)
    const ranks = this.#options.ranks()
    const change = this.#governor.take({ at: performance.now(), cpu: reading.cpu, heat: this.#heat, ranks })
    this.#options.limit(this.#governor.limits)
    if (change) this.#tellChange(change, ranks)
  }

  #tellHeat({ temperature, hotAt, throttled }: MachineReading): void {
    const { problems } = this.#options
    if (this.#heat === 'cool') problems.clear('heat', 'load watch')
    if (this.#heat !== 'hot') return
    const found = temperature === null ? 'The processor' : `The processor is at ${Math.round(temperature)} °C, and`
    const slows = throttled ? 'slows itself down' : 'slows itself down if this goes on'
    const detail = `${found} ${slows}: batch work and live streams are slowed until it is below ${hotAt - marginCelsius} °C. Give it air or a fan, or run fewer streams`
    problems.report('heat', { source: 'load watch', detail })
  }

  #tellChange({ from, limits, why, cpu }: LoadChange, ranks: readonly number[]): void {
    const { level, name, batchShare } = limits
    const slowed = [...new Set(ranks)].sort((a, b) => a - b).filter((rank) => limits.shareOf(rank) < 1)
    const live = Object.fromEntries(slowed.map((rank) => [`priority ${rank}`, limits.shareOf(rank)]))
    const { temperature } = this.#reading
    const found = { why, cpu: cpu === null ? null : Number(cpu.toFixed(2)), temperature }
    this.#options.log.info(
      { from, to: level, name, ...found, batchShare, live },
      messages[from < level ? 'up' : 'down'],
    )
  }
}

const messages = {
  up: 'the machine is too busy or too hot: work is slowed',
  down: 'work is slowed less',
} as const

function heatOf({ temperature, hotAt, throttled }: MachineReading): LoadSample['heat'] {
  if (throttled || (temperature ?? 0) >= hotAt) return 'hot'
  return (temperature ?? 0) < hotAt - marginCelsius ? 'cool' : 'warm'
}

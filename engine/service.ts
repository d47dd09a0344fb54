import { messageOf } from './errors.ts'
import type { Logger } from './log.ts'
import type { Health } from './routes/health.ts'

/** How often the line that `systemctl status` shows is made anew. */
const statusEveryMs = 5000

export interface ServiceOptions {
  /** Sends a state by the sd_notify protocol; false when nobody supervises. May throw. */
  readonly notify: (state: string) => boolean
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly pid: number
  readonly health: () => Promise<Health>
  readonly log: Logger
}

/**
 * What systemd is told about the engine: that it listens, a line on how it is, that its event loop runs, that it stops. Silent
 * where no service manager asked for it. Whoever made it disposes it, which ends the timers.
 */
export class Service implements Disposable {
  readonly #options: ServiceOptions
  readonly #timers: NodeJS.Timeout[] = []
  #status = ''
  #refused = false
  #stopped = false

  /** Call it when the engine listens: says READY and starts the watchdog's pings and the status line. */
  constructor(options: ServiceOptions) {
    this.#options = options
    if (!this.#send('READY=1')) return
    const watchdogMs = watchdogOf(options)
    if (watchdogMs !== undefined) this.#every(watchdogMs / 2, () => this.#send('WATCHDOG=1'))
    this.#every(statusEveryMs, () => this.#tellStatus())
    void this.#tellStatus()
  }

  /** The stop has begun: from here on systemd waits for the end. The pings go on until then. */
  stopping(): void {
    this.#stopped = true
    this.#send('STOPPING=1\nSTATUS=stopping')
  }

  [Symbol.dispose](): void {
    for (const timer of this.#timers) clearInterval(timer)
  }

  #every(ms: number, work: () => void): void {
    this.#timers.push(setInterval(work, ms).unref())
  }

  async #tellStatus(): Promise<void> {
    const status = await this.#options
      .health()
      .then(statusLine, (error) => `health cannot be told: ${messageOf(error)}`)
    if (status === this.#status || this.#stopped) return
    this.#status = status
    this.#send(`STATUS=${status}`)
  }

  /** A full or vanished socket costs one message, no more: the next one is tried again. */
  #send(state: string): boolean {
    try {
      return this.#options.notify(state)
    } catch (error) {
      if (!this.#refused) this.#options.log.warn({ error: messageOf(error) }, 'systemd does not take messages')
      this.#refused = true
      return true
    }
  }
}

/** One line without line breaks, as `ok: 2 of 5 streams live, 3 hosts up`. */
export function statusLine({ status, pipelines, hosts, problems }: Health): string {
  const streams = pipelines.flatMap((pipeline) => pipeline.streams)
  const up = hosts.filter((host) => host.state === 'up').length
  const live = streams.filter(({ state }) => state === 'live').length
  const troubled = streams.filter(({ state }) => state === 'stalled' || state === 'restarting' || state === 'failed')
  const names = troubled.map(({ name, state }) => `, ${name} ${state}`).join('')
  const lacks = problems.length === 0 ? '' : `; problems: ${problems.map(({ name }) => name).join(', ')}`
  return `${status}: ${live} of ${streams.length} streams live, ${up} hosts up${names}${lacks}`
}

/** WATCHDOG_USEC in milliseconds; undefined where no watchdog waits for this process. */
function watchdogOf({ environment, pid }: ServiceOptions): number | undefined {
  const { WATCHDOG_USEC: microseconds, WATCHDOG_PID: watched } = environment
  if (microseconds === undefined || !/^[1-9]\d*$/.test(microseconds)) return undefined
  if (watched !== undefined && watched !== String(pid)) return undefined
  return Number(microseconds) / 1000
}

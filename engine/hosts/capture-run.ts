import type { Logger } from 'pino'
import { EngineError } from '../errors.ts'
import { Host, type HostStatus, type OnHostStart, type SharedPool } from './host.ts'
import type { CaptureProtocol } from './protocol.ts'

/** The first start of GStreamer on a machine scans all plug-ins. */
const readyMs = 30_000
const openMs = 10_000

/** What is asked of a host that captures, and how it went. */
export interface CaptureRunOptions {
  readonly name: string
  readonly pool: SharedPool
  readonly log: Logger
  readonly onStart?: OnHostStart
  /** gst-launch descriptions, tried in order until one gives something. */
  readonly launches: readonly string[]
  /** Before the host starts: hears what it gives of this description. */
  listen(host: Host<CaptureProtocol>, launch: string): void
  /** The host is up: has it open the description within `deadlineMs`. */
  open(host: Host<CaptureProtocol>, launch: string, limits: OpenLimits): Promise<unknown>
  /** Whether a description has given something; no other is tried then. */
  hasGiven(): boolean
  /** Not after it was disposed. `undefined`: what was captured has come to its end. */
  onEnd(error: unknown): void
  restarts(): number
}

export interface OpenLimits {
  readonly signal: AbortSignal
  readonly deadlineMs: number
}

/** One opening of a source in capture hosts, one after the other: a host for each description until one gives something, ends or breaks. */
export class CaptureRun implements AsyncDisposable {
  readonly #options: CaptureRunOptions
  readonly #closed = new AbortController()
  #host: Host<CaptureProtocol> | undefined
  #running: Promise<void> = Promise.resolve()

  constructor(options: CaptureRunOptions) {
    this.#options = options
  }

  /** The one that captures now. */
  get host(): Host<CaptureProtocol> | undefined {
    return this.#host
  }

  get isClosed(): boolean {
    return this.#closed.signal.aborted
  }

  get status(): HostStatus {
    const { name } = this.#options
    const restarts = this.#options.restarts()
    return { name, pid: this.#host?.pid ?? null, state: this.#host?.state ?? 'starting', restarts }
  }

  /** Captures until it is disposed, ends or fails; `before` is waited for first. */
  run(before: Promise<void> | undefined): Promise<void> {
    this.#running = this.#run(before)
    return this.#running
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed.abort()
    await this.#host?.[Symbol.asyncDispose]()
    await this.#running
  }

  async #run(before: Promise<void> | undefined): Promise<void> {
    await before
    const { launches, log, hasGiven, onEnd } = this.#options
    let outcome: unknown
    for (const launch of launches) {
      if (this.isClosed) return
      outcome = await this.#capture(launch)
      if (hasGiven()) break
      log.debug({ error: String(outcome) }, 'capture gave nothing')
    }
    if (!this.isClosed) onEnd(outcome)
  }

  /** Captures with one host until the source ends or breaks; gives the reason. */
  async #capture(launch: string): Promise<unknown> {
    const { name, pool, log, onStart, listen, open } = this.#options
    const host = new Host<CaptureProtocol>({
      ...{ name, entry: 'capture', pool, log, restart: false, onStart },
      env: { UV_THREADPOOL_SIZE: '6', GST_DEBUG_NO_COLOR: '1' },
      // A camera that opens slowly blocks the main thread meanwhile. One that stands still is seen sooner: no frames come.
      timing: { readyMs, pingMs: openMs },
    })
    this.#host = host
    listen(host, launch)
    const over = endOf(host)
    try {
      await host.start()
      await open(host, launch, { signal: this.#closed.signal, deadlineMs: openMs })
      return await over
    } catch (error) {
      return error
    } finally {
      await host[Symbol.asyncDispose]()
    }
  }
}

/** Resolves with the reason when the source has broken, or its host; with undefined when it has ended. */
function endOf(host: Host<CaptureProtocol>): Promise<EngineError | undefined> {
  return new Promise((resolve) => {
    host.on('ended', ({ reason, message }) =>
      resolve(reason === 'end' ? undefined : new EngineError('unavailable', message)),
    )
    host.onExit(() => resolve(new EngineError('unavailable', `Host ${host.name} died`)))
  })
}

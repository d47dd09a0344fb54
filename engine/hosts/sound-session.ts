import { createPacket, type PacketOf } from '../core/packet.ts'
import { StampClock } from '../core/stamp-clock.ts'
import { EngineError } from '../errors.ts'
import type { CaptureTools } from './capture-session.ts'
import { Host, type HostStatus, type OnHostStart, type SharedPool } from './host.ts'
import type { CapturedSound, CaptureProtocol } from './protocol.ts'

/** The first start of GStreamer on a machine scans all plug-ins. */
const readyMs = 30_000
const openMs = 10_000
/** Pieces on their way to the engine: a second of them. The channel is the only other place where they could pile up. */
const window = 50

/** What sound a source wants captured. */
export interface SoundRequest {
  /** gst-launch descriptions (see `sound-launch.ts`), tried in order until one gives sound; the one that did is first the next time. */
  readonly launches: readonly string[]
  /** At the end of the sound start it anew. */
  readonly loop: boolean
  /** Nobody has taken the pieces before: `skip` one (and count it), or let the source `wait` until they are let go. */
  readonly whenFull: 'skip' | 'wait'
}

/** One opening of a source of sound, and who hears of it. */
export interface SoundSessionOptions {
  readonly name: string
  readonly pool: SharedPool
  readonly request: SoundRequest
  readonly tools: CaptureTools
  readonly onStart?: OnHostStart
  /** The packet is the listener's. */
  onPacket(packet: PacketOf<'audio'>): void
  /** `undefined`: the sound has ended. */
  onEnd(error: unknown): void
  /** This one of the request's descriptions gives sound. */
  onChosen(launch: string): void
  restarts(): number
}

/** One opening of a source of sound, from subscription to unsubscription: a capture host, and packets made from its pieces. */
export class SoundSession implements AsyncDisposable {
  readonly #options: SoundSessionOptions
  readonly #clock = new StampClock()
  readonly #closed = new AbortController()
  #host: Host<CaptureProtocol> | undefined
  #running: Promise<void> = Promise.resolve()
  #pieces = 0

  constructor(options: SoundSessionOptions) {
    this.#options = options
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
    let outcome: unknown
    for (const launch of this.#options.request.launches) {
      if (this.#closed.signal.aborted) return
      outcome = await this.#capture(launch)
      if (this.#pieces > 0) break
      this.#options.tools.log.debug({ error: String(outcome) }, 'capture gave no sound')
    }
    if (!this.#closed.signal.aborted) this.#options.onEnd(outcome)
  }

  async #capture(launch: string): Promise<unknown> {
    const { name, pool, tools, onStart, request } = this.#options
    const host = new Host<CaptureProtocol>({
      name,
      entry: 'capture',
      pool,
      log: tools.log,
      restart: false,
      onStart,
      env: { GST_DEBUG_NO_COLOR: '1' },
      timing: { readyMs, pingMs: openMs },
    })
    this.#host = host
    host.on('sound', (sound) => this.#take(sound, launch))
    host.on('skipped', ({ count }) => this.#countLost(count))
    const over = endOf(host)
    try {
      await host.start()
      host.tell('more', { pieces: window })
      const params = { launch, loop: request.loop, whenFull: request.whenFull }
      await host.call('openSound', params, { signal: this.#closed.signal, deadlineMs: openMs })
      return await over
    } catch (error) {
      return error
    } finally {
      await host[Symbol.asyncDispose]()
    }
  }

  #take({ samples, sampleRate, channels, stamp, arrivedAt }: CapturedSound, launch: string): void {
    if (this.#closed.signal.aborted) return
    if (this.#pieces++ === 0) this.#options.onChosen(launch)
    const { tools, request, onPacket } = this.#options
    const { stream } = tools
    const ask = () => this.#host?.tell('more', { pieces: 1 })
    const waits = request.whenFull === 'wait'
    if (!waits) ask()
    tools.edge.counts.in++
    tools.edge.counts.out++
    const capturedAt = this.#clock.map(stamp, arrivedAt)
    const payload = { kind: 'audio', samples, sampleRate, channels, ...(waits && { release: ask }) } as const
    onPacket(createPacket({ stream, source: stream, seq: tools.nextSeq(), capturedAt, payload }))
  }

  #countLost(count: number): void {
    const { counts } = this.#options.tools.edge
    counts.in += count
    counts.dropped += count
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

import { createPacket, type PacketOf } from '../core/packet.ts'
import { StampClock } from '../core/stamp-clock.ts'
import { CaptureRun } from './capture-run.ts'
import type { CaptureTools } from './capture-session.ts'
import type { HostStatus, OnHostStart, SharedPool } from './host.ts'
import type { CapturedSound } from './protocol.ts'

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
  readonly #capture: CaptureRun
  #pieces = 0

  constructor(options: SoundSessionOptions) {
    this.#options = options
    const { request, tools, onEnd, ...shared } = options
    const { launches, loop, whenFull } = request
    this.#capture = new CaptureRun({
      ...shared,
      log: tools.log,
      launches,
      listen: (host, launch) => {
        host.on('sound', (sound) => this.#take(sound, launch))
        host.on('skipped', ({ count }) => this.#countLost(count))
      },
      open: (host, launch, limits) => {
        host.tell('more', { pieces: window })
        return host.call('openSound', { launch, loop, whenFull }, limits)
      },
      hasGiven: () => this.#pieces > 0,
      onEnd,
    })
  }

  get status(): HostStatus {
    return this.#capture.status
  }

  /** Captures until it is disposed, ends or fails; `before` is waited for first. */
  run(before: Promise<void> | undefined): Promise<void> {
    return this.#capture.run(before)
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#capture[Symbol.asyncDispose]()
  }

  #take({ samples, sampleRate, channels, stamp, arrivedAt }: CapturedSound, launch: string): void {
    if (this.#capture.isClosed) return
    if (this.#pieces++ === 0) this.#options.onChosen(launch)
    const { tools, request, onPacket } = this.#options
    const { stream } = tools
    const ask = () => this.#capture.host?.tell('more', { pieces: 1 })
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

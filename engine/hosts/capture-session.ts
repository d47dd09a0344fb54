import type { Logger } from 'pino'
import type { Clock } from '../core/clock.ts'
import type { Edge } from '../core/edge.ts'
import { createPacket, type ImagePayload, type PacketOf, type PixelFormat } from '../core/packet.ts'
import { StampClock } from '../core/stamp-clock.ts'
import { EngineError } from '../errors.ts'
import { CaptureRun, type OpenLimits } from './capture-run.ts'
import { drawCounter } from './counter.ts'
import type { Host, HostStatus, OnHostStart, SharedPool } from './host.ts'
import type { CapturedFrame, CaptureProtocol } from './protocol.ts'

/** Empty slots that lie ready in a host: 200 ms of frames at 30 fps, more than the engine ever needs to refill. */
const maxReady = 6

/** What a source wants captured. */
export interface CaptureRequest {
  /** gst-launch descriptions (see `launch.ts`), tried in order until one gives a frame; the one that did is first the next time. */
  readonly launches: readonly string[]
  /** JPEG frames are decoded into this format. */
  readonly format: PixelFormat
  /** At the end of the stream start it anew. */
  readonly loop: boolean
  /** No free slot for a frame: `skip` it (and count it), or let the source `wait`. */
  readonly whenFull: 'skip' | 'wait'
  /** Frames that mark a packet as `unchanged` when they come again; the `previous` one when left out. */
  readonly again?: 'recent'
  /** Draws each packet's `seq` into its I420 image, so that it can be read off the picture. */
  readonly drawSeq: boolean
}

/** What a capture needs of the stream that it serves: a part of `Tools`. */
export interface CaptureTools {
  readonly stream: string
  readonly clock: Clock
  readonly log: Logger
  readonly edge: Edge
  nextSeq(): number
}

/** One opening of a source, and who hears of it. */
export interface CaptureSessionOptions {
  readonly name: string
  readonly pool: SharedPool
  readonly maxSize: { readonly width: number; readonly height: number }
  readonly request: CaptureRequest
  readonly tools: CaptureTools
  readonly onStart?: OnHostStart
  /** Slots that this source may have now. */
  share(): number
  /** The packet is the listener's. */
  onPacket(packet: PacketOf<'image'>): void
  onError(error: unknown): void
  /** This one of the request's descriptions gives frames. */
  onChosen(launch: string): void
  restarts(): number
}

/** One opening of a source, from subscription to unsubscription: a capture host, its slots, and packets made from its frames. */
export class CaptureSession implements AsyncDisposable {
  readonly #options: CaptureSessionOptions
  readonly #clock = new StampClock()
  readonly #capture: CaptureRun
  readonly #stopListening: () => void
  /** Slots at the host that it has not filled yet. */
  #ready = 0
  #refilling: NodeJS.Immediate | undefined
  #frames = 0

  constructor(options: CaptureSessionOptions) {
    this.#options = options
    const { request, tools, onError, ...shared } = options
    this.#capture = new CaptureRun({
      ...shared,
      log: tools.log,
      launches: request.launches,
      listen: (host, launch) => {
        this.#ready = 0
        host.on('frame', (frame) => this.#take(frame, launch))
        host.on('skipped', ({ count }) => this.#countLost(count))
      },
      open: (host, launch, limits) => this.#open(host, launch, limits),
      hasGiven: () => this.#frames > 0,
      onEnd: (error) => onError(error ?? new EngineError('unavailable', 'The source ended')),
    })
    this.#stopListening = options.pool.ledger.onFree(() => this.#refill())
  }

  get status(): HostStatus {
    return this.#capture.status
  }

  /** Captures until it is disposed or fails; `before` is waited for first. */
  run(before: Promise<void> | undefined): Promise<void> {
    return this.#capture.run(before)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopListening()
    await this.#capture[Symbol.asyncDispose]()
  }

  #open(host: Host<CaptureProtocol>, launch: string, limits: OpenLimits): Promise<unknown> {
    const { request, maxSize } = this.#options
    const { format, loop, whenFull, again = 'previous' } = request
    const params = {
      launch,
      format,
      loop,
      whenFull,
      again,
      maxWidth: maxSize.width,
      maxHeight: maxSize.height,
    } as const
    this.#refill()
    return host.call('open', params, limits)
  }

  #take(frame: CapturedFrame, launch: string): void {
    if (this.#capture.isClosed) return
    const { pool, tools, request } = this.#options
    const { width, height, format, bytes } = frame
    const image = pool.ledger.filled(frame.loan, { width, height, format, bytes })
    this.#ready--
    if (image) {
      if (this.#frames++ === 0) this.#options.onChosen(launch)
      const seq = tools.nextSeq()
      if (request.drawSeq) drawCounter(pool.memory, image.slot, image, seq)
      tools.edge.counts.in++
      tools.edge.counts.out++
      const capturedAt = this.#clock.map(frame.stamp, frame.arrivedAt)
      const { stream } = tools
      const payload: ImagePayload = { kind: 'image', image, ...(frame.unchanged && { unchanged: true }) }
      this.#options.onPacket(createPacket({ stream, source: stream, seq, capturedAt, payload }))
    }
    this.#refillSoon()
  }

  /** After what the packet set going: a message takes a quarter of a millisecond to send, and the question about this frame is more urgent. */
  #refillSoon(): void {
    this.#refilling ??= setImmediate(() => {
      this.#refilling = undefined
      this.#refill()
    })
  }

  #countLost(count: number): void {
    const { counts } = this.#options.tools.edge
    counts.in += count
    counts.dropped += count
  }

  #refill(): void {
    const { host, isClosed } = this.#capture
    if (host?.state !== 'up' || isClosed) return
    const { ledger } = this.#options.pool
    const share = this.#options.share()
    while (this.#ready < maxReady && ledger.ownedBy(host.borrower) < share) {
      const loan = ledger.lend(host.borrower)
      if (!loan) return
      this.#ready++
      host.tell('lend', loan)
    }
  }
}

import { defer, Observable, Subject, startWith, takeUntil } from 'rxjs'
import { EngineError, messageOf } from '../errors.ts'
import type { Clock } from './clock.ts'
import { type Edge, emit, onDemand } from './edge.ts'
import { restartForever } from './lifecycle.ts'
import type { Packet } from './packet.ts'
import type { StreamKind } from './plugin.ts'
import { StillPicture } from './still-picture.ts'
import { StreamMeter, silenceLimits } from './stream-meter.ts'

/** How a stream is; `idle` while nobody watches, `failed` when trying again cannot help. */
export type StreamState = 'idle' | 'opening' | 'live' | 'stalled' | 'restarting' | 'failed'

/** A stream as `/api/health` shows it. */
export interface StreamStatus {
  readonly name: string
  readonly state: StreamState
  /** Packets per second over the last 2 s. */
  readonly fps: number
  /** Since the moment of the last packet; null before the first one since somebody watches. */
  readonly lastFrameAgeMs: number | null
  /** Whether a live source has given the same picture for 5 s. */
  readonly frozen: boolean
  /** Openings after the first, since the start of the engine. */
  readonly restarts: number
  /** At the stream's edge, with its join's: in = out + dropped + failed + waiting. */
  readonly in: number
  readonly out: number
  readonly dropped: number
  readonly failed: number
  readonly waiting: number
  /** Why the stream is not live, or what the last failed packet failed with. */
  readonly error?: string
}

/** A named stream of a pipeline that runs. */
export interface RunningStream {
  readonly name: string
  readonly kind: StreamKind
  /** Name of the source or node that makes it, or of the sink that ends it. */
  readonly plugin: string
  /** Shared: opened by the first subscriber, closed `linger` ms after the last. Each subscriber owns its packets. */
  readonly packets: Observable<Packet>
  /** The status now, and at each change of `state` or `frozen`; subscribing does not open the stream. */
  readonly changes: Observable<StreamStatus>
  status(): StreamStatus
}

/** The part of a pino logger that the graph uses. */
export interface GraphLog {
  debug(fields: object, message: string): void
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
}

/** What a running stream is made of. */
export interface StreamParts {
  readonly name: string
  readonly kind: StreamKind
  readonly plugin: string
  readonly edge: Edge
  /** Before a node with several inputs: what pairs them. */
  readonly joinEdge: Edge | undefined
  readonly opened: Observable<Packet>
  readonly linger: number
  /** What silence means: a source that should talk is said to have stalled early, and opened anew. */
  readonly onSilence: 'reopen' | 'wait'
  /** What is done about a picture that stands still for long. */
  readonly onFrozen: 'reopen' | 'wait'
  readonly closed: Observable<unknown>
  readonly clock: Clock
  readonly log: GraphLog
}

/** How often an open stream looks whether it is silent. A stall must be told within 2 s, on a busy machine too. */
const lookEveryMs = 100
/** How often it logs its losses. */
const logEveryMs = 1000

/** Opens, watches and restarts one stream, and says how it is. */
export class SupervisedStream implements RunningStream {
  readonly name: string
  readonly kind: StreamKind
  readonly plugin: string
  readonly packets: Observable<Packet>
  readonly changes: Observable<StreamStatus>
  readonly #changed = new Subject<StreamStatus>()
  readonly #still = new StillPicture()
  readonly #parts: StreamParts
  #meter: StreamMeter | undefined
  #lastCapturedAt: bigint | undefined
  #state: StreamState = 'idle'
  #error: string | undefined
  #restarts = 0
  #told: { readonly state: StreamState; readonly frozen: boolean } = { state: 'idle', frozen: false }
  #loggedLosses = { dropped: 0, failed: 0 }

  constructor(parts: StreamParts) {
    this.name = parts.name
    this.kind = parts.kind
    this.plugin = parts.plugin
    this.#parts = parts
    const now = () => parts.clock.now()
    this.changes = defer(() => this.#changed.pipe(startWith(this.status()), takeUntil(parts.closed)))
    this.packets = this.#supervise(
      this.#watch().pipe(restartForever({ now, onRestart: (error, delayMs) => this.#onRestart(error, delayMs) })),
    )
  }

  status(): StreamStatus {
    const { edge, joinEdge, clock } = this.#parts
    const { in: arrived, out, dropped, failed, waiting } = edge.counts
    const { dropped: unpaired, waiting: unjoined } = joinEdge?.counts ?? noneJoined
    const now = clock.now()
    return {
      name: this.name,
      state: this.#state,
      fps: Math.round((this.#meter?.fps(now) ?? 0) * 10) / 10,
      lastFrameAgeMs: this.#lastFrameAgeMs(now),
      frozen: this.#frozen,
      restarts: this.#restarts,
      in: arrived + unpaired + unjoined,
      out,
      dropped: dropped + unpaired,
      failed,
      waiting: waiting + unjoined,
      ...(this.#error === undefined ? {} : { error: this.#error }),
    }
  }

  get #frozen(): boolean {
    return this.#state === 'live' && this.#still.frozen
  }

  /** Tells when state or frozen is another than told last. */
  #tellChange(): void {
    const now = { state: this.#state, frozen: this.#frozen }
    if (now.state === this.#told.state && now.frozen === this.#told.frozen) return
    if (now.frozen !== this.#told.frozen && now.state === 'live') {
      const { log } = this.#parts
      if (now.frozen) log.warn({ stream: this.name }, 'the picture stands still')
      else log.info({ stream: this.name }, 'the picture moves again')
    }
    this.#told = now
    this.#changed.next(this.status())
  }

  #lastFrameAgeMs(now: bigint): number | null {
    if (this.#lastCapturedAt === undefined) return null
    return Math.max(0, Math.round(Number(now - this.#lastCapturedAt) / 1e6))
  }

  /** What all openings have in common: shared, idle when nobody watches, ended with the pipeline. */
  #supervise(restarting: Observable<Packet>): Observable<Packet> {
    const opened = new Observable<Packet>((subscriber) => {
      this.#state = 'opening'
      this.#tellChange()
      const timer = setInterval(() => this.#logLosses(), logEveryMs)
      subscriber.add(() => {
        clearInterval(timer)
        this.#logLosses()
        this.#state = 'idle'
        this.#meter = undefined
        this.#lastCapturedAt = undefined
        this.#error = undefined
        this.#tellChange()
      })
      subscriber.add(restarting.subscribe(subscriber))
    })
    return opened.pipe(takeUntil(this.#parts.closed), onDemand(this.#parts.linger))
  }

  /** One opening: measured, told as stalled when it is silent, and ended when a source that should talk is so for long. */
  #watch(): Observable<Packet> {
    const { clock, opened, onFrozen } = this.#parts
    return defer(() => {
      const meter = new StreamMeter(clock.now())
      this.#meter = meter
      this.#still.open()
      return new Observable<Packet>((subscriber) => {
        subscriber.add(this.#watchSilence(meter, (stall) => subscriber.error(stall)))
        const next = (packet: Packet) => {
          meter.add(clock.now())
          this.#lastCapturedAt = packet.capturedAt
          this.#look(packet)
          this.#goLive()
          this.#tellChange()
          emit(subscriber, packet)
          if (onFrozen === 'reopen' && this.#still.takeReopening()) subscriber.error(stillError(this.#still))
        }
        const error = (cause: unknown) => subscriber.error(cause)
        subscriber.add(opened.subscribe({ next, error, complete: () => subscriber.complete() }))
      })
    })
  }

  #watchSilence(meter: StreamMeter, giveUp: (stall: EngineError) => void): () => void {
    const { clock, onSilence } = this.#parts
    const check = () => {
      const silentMs = meter.silentMs(clock.now())
      const { stallMs, reopenMs } = silenceLimits(meter, onSilence)
      if (silentMs >= stallMs) this.#stall(silentMs, stallMs)
      if (silentMs >= reopenMs && onSilence === 'reopen') giveUp(stallError(silentMs, reopenMs))
    }
    const timer = setInterval(check, lookEveryMs)
    return () => clearInterval(timer)
  }

  #stall(silentMs: number, limitMs: number): void {
    if (this.#state !== 'live') return
    this.#state = 'stalled'
    this.#error = stallError(silentMs, limitMs).message
    this.#parts.log.info({ stream: this.name, error: this.#error }, 'stream is silent')
    this.#tellChange()
  }

  /** Only the source of a picture knows whether it has changed. */
  #look(packet: Packet): void {
    const { payload } = packet
    if (payload.kind !== 'image' || packet.source !== this.name) return
    this.#still.saw(payload.unchanged === true, this.#parts.clock.now())
  }

  #goLive(): void {
    if (this.#state === 'live') return
    if (this.#state !== 'opening') this.#parts.log.info({ stream: this.name }, 'stream is live again')
    this.#state = 'live'
    this.#error = undefined
  }

  #onRestart(cause: unknown, delayMs: number): void {
    const error = cause === undefined ? 'The stream ended' : messageOf(cause)
    const level = error === this.#error ? 'debug' : 'warn'
    this.#error = error
    this.#restarts++
    if (cause instanceof EngineError && cause.code === 'invalid') this.#state = 'failed'
    else this.#state = 'restarting'
    this.#tellChange()
    this.#parts.log[level]({ stream: this.name, error, delayMs }, 'stream broke off and is opened anew')
  }

  #logLosses(): void {
    const { edge, log } = this.#parts
    const { dropped, failed } = this.status()
    const newly = { dropped: dropped - this.#loggedLosses.dropped, failed: failed - this.#loggedLosses.failed }
    this.#loggedLosses = { dropped, failed }
    if (newly.dropped > 0) log.debug({ stream: this.name, packets: newly.dropped }, 'packets dropped')
    if (newly.failed === 0) {
      if (this.#state === 'live') this.#error = undefined
      return
    }
    this.#error = messageOf(edge.lastError)
    log.warn({ stream: this.name, packets: newly.failed, error: this.#error }, 'packets failed')
  }
}

const noneJoined = { dropped: 0, waiting: 0 }

function stillError({ stillMs }: StillPicture): EngineError {
  const seconds = Math.round(stillMs / 1000)
  return new EngineError('unavailable', `Expected a picture that moves, received the same one for ${seconds} s`)
}

function stallError(silentMs: number, limitMs: number): EngineError {
  return new EngineError(
    'unavailable',
    `Expected a packet within ${Math.round(limitMs)} ms, received none for ${Math.round(silentMs)} ms`,
  )
}

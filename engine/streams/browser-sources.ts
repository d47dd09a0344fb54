import { Observable, type Subscriber } from 'rxjs'
import type { Clock } from '../core/clock.ts'
import { StampClock } from '../core/stamp-clock.ts'
import { EngineError } from '../errors.ts'
import { type FrameHead, maxUnacknowledgedFrames } from './wire.ts'

/** What a browser source is sent: encoded pictures, or sound, signed 16 bit and interleaved. */
export type FrameType = 'image/jpeg' | 'audio/pcm'

/** One frame that a page sent: a picture, or a piece of sound. */
export interface BrowserFrame {
  /** The encoded picture, or the samples; the receiver's own. */
  readonly bytes: Uint8Array
  readonly type: string
  /** As the page says; the picture itself decides. */
  readonly width?: number
  readonly height?: number
  /** Of sound. */
  readonly sampleRate?: number
  readonly channels?: number
  /** The page's own count. */
  readonly seq: number
  /** Nanoseconds of CLOCK_MONOTONIC, mapped from the page's clock. */
  readonly capturedAt: bigint
  /** The frame was taken over or dropped: the page may send one more. Unsubscribing does it too; later calls do nothing. */
  done(): void
}

/** Frames that web pages send, by the name of their source. */
export interface BrowserSources {
  /** Declares the name, so that pages may publish it; they send frames of that type only. Subscribing asks the page for frames, unsubscribing pauses it; a page may come and go meanwhile. */
  open(name: string, type?: FrameType): Observable<BrowserFrame>
}

/** What a page's socket is told. */
export interface Publisher {
  pause(): void
  resume(): void
  acknowledge(seq: number): void
}

/** A page's right to be a source. */
export interface Publication {
  /** Whether anybody wants frames now; changes are told to the publisher. */
  readonly wanted: boolean
  /** Takes over the bytes. Throws `busy` when too many are unacknowledged already, `invalid` for a type that the source does not take; the frame is dropped then. */
  frame(head: FrameHead, bytes: Uint8Array): void
  /** Gives the name back. Frames under way are no longer acknowledged. May be called twice. */
  close(): void
}

/** One subscription of a source. */
interface Receiver {
  readonly subscriber: Subscriber<BrowserFrame>
  /** What it has not done yet; at most the window. */
  readonly open: Set<() => void>
}

interface Entry {
  readonly type: FrameType
  readonly receivers: Set<Receiver>
  publisher: Publisher | undefined
}

/** The names that pipelines declare, and the pages that publish them. */
export class BrowserSourceRegistry implements BrowserSources {
  readonly #clock: Clock
  readonly #entries = new Map<string, Entry>()
  #dropped = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Frames that nobody wanted, or that came above the window. */
  get dropped(): number {
    return this.#dropped
  }

  open(name: string, type: FrameType = 'image/jpeg'): Observable<BrowserFrame> {
    const entry = this.#entries.get(name) ?? { type, receivers: new Set(), publisher: undefined }
    if (entry.type !== type)
      throw new EngineError(
        'conflict',
        `Expected a browser source of ${type} to have a name of its own, but ${name} is one of ${entry.type}`,
      )
    this.#entries.set(name, entry)
    return new Observable((subscriber) => {
      const receiver: Receiver = { subscriber, open: new Set() }
      entry.receivers.add(receiver)
      if (entry.receivers.size === 1) entry.publisher?.resume()
      return () => {
        entry.receivers.delete(receiver)
        for (const done of [...receiver.open]) done()
        if (entry.receivers.size === 0) entry.publisher?.pause()
      }
    })
  }

  /** Makes a page the source of that name. Throws `not-found` for a name that no pipeline declares, `conflict` for a second page. */
  claim(name: string, publisher: Publisher): Publication {
    const entry = this.#entries.get(name)
    if (entry === undefined) {
      const names = [...this.#entries.keys()].join(', ') || 'none'
      throw new EngineError('not-found', `Expected a browser source of a running pipeline (${names}), received ${name}`)
    }
    if (entry.publisher !== undefined) {
      throw new EngineError('conflict', `Expected a source without a publisher, but another page publishes ${name}`)
    }
    entry.publisher = publisher
    return this.#publication(entry, publisher)
  }

  #publication(entry: Entry, publisher: Publisher): Publication {
    const stamps = new StampClock()
    let unacknowledged = 0
    const acknowledge = (seq: number) => {
      unacknowledged--
      if (entry.publisher === publisher) publisher.acknowledge(seq)
    }
    return {
      get wanted() {
        return entry.receivers.size > 0
      },
      frame: (head, bytes) => {
        if (head.type !== entry.type) {
          this.#dropped++
          throw new EngineError(
            'invalid',
            `Expected ${entry.type} for the source ${head.source}, received ${head.type}`,
          )
        }
        if (unacknowledged >= maxUnacknowledgedFrames) {
          this.#dropped++
          throw new EngineError(
            'busy',
            `Expected at most ${maxUnacknowledgedFrames} unacknowledged frames; frame ${head.seq} was dropped. Wait for an acknowledgement`,
          )
        }
        unacknowledged++
        if (entry.receivers.size === 0) this.#dropped++
        const arrivedAt = this.#clock.now()
        const capturedAt = stamps.map(BigInt(Math.round(head.capturedAt * 1e6)), arrivedAt)
        share(entry.receivers, head, capturedAt, bytes, () => acknowledge(head.seq))
      },
      close: () => {
        if (entry.publisher === publisher) entry.publisher = undefined
      },
    }
  }
}

/** Hands the frame to every receiver; `onDone` once all have done, at once where there is none. */
function share(
  receivers: ReadonlySet<Receiver>,
  head: FrameHead,
  capturedAt: bigint,
  bytes: Uint8Array,
  onDone: () => void,
): void {
  const { type, seq, width, height, sampleRate, channels } = head
  const size = width === undefined || height === undefined ? {} : { width, height }
  const format = sampleRate === undefined || channels === undefined ? {} : { sampleRate, channels }
  let pending = receivers.size
  if (pending === 0) onDone()
  for (const { subscriber, open } of [...receivers]) {
    const done = () => {
      if (open.delete(done) && --pending === 0) onDone()
    }
    open.add(done)
    subscriber.next({ bytes, type, seq, ...size, ...format, capturedAt, done })
  }
}

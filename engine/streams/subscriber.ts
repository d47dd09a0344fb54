import type { EncodedMessage } from './encode.ts'
import type { Listener } from './hub.ts'

/** Beyond this many bytes waiting in its socket, a client misses messages. */
export const maxBufferedBytes = 1_048_576

/** One client's way out. */
export interface Outlet {
  /** Takes the message for sending; false when it was dropped. */
  send(message: EncodedMessage): boolean
  /** Bytes taken and not yet with the kernel. */
  readonly bufferedBytes: number
}

/** How much a client wants to be sent. */
export interface Flow {
  /** Messages that may be unacknowledged, 1 to 1024; absent: acknowledgements play no part. */
  readonly credits?: number
  /** Messages a second, above 0; absent: all. */
  readonly rate?: number
}

/**
 * One client of one topic. With credits or a rate only the newest message waits, and older ones are dropped and counted;
 * without, a message is dropped when too many bytes are buffered. `close` ends its timer.
 */
export class Subscriber implements Listener {
  readonly size = 1
  readonly #outlet: Outlet
  readonly #flow: Flow
  readonly #onEnded: (() => void) | undefined
  /** Counters `n` sent and not yet acknowledged, in order. */
  #unacknowledged: number[] = []
  #waiting: EncodedMessage | undefined
  #notBeforeMs = 0
  #timer: NodeJS.Timeout | undefined
  #dropped = 0

  constructor(outlet: Outlet, flow: Flow, onEnded?: () => void) {
    this.#outlet = outlet
    this.#flow = flow
    this.#onEnded = onEnded
  }

  ended(): void {
    this.#onEnded?.()
  }

  /** Messages that this client did not get. */
  get dropped(): number {
    return this.#dropped
  }

  deliver(message: EncodedMessage): void {
    if (this.#waiting !== undefined) this.#dropped++
    this.#waiting = message
    this.flush()
    if (this.#waiting === undefined || this.#flow.credits !== undefined || this.#flow.rate !== undefined) return
    this.#waiting = undefined
    this.#dropped++
  }

  /** Acknowledges all up to `n`; what is unknown or repeated is ignored. */
  acknowledge(n: number): void {
    const at = this.#unacknowledged.indexOf(n)
    if (at < 0) return
    this.#unacknowledged = this.#unacknowledged.slice(at + 1)
    this.flush()
  }

  /** Sends what waits if it may go now. Called by whoever learns that the socket has drained. */
  flush(): void {
    const message = this.#waiting
    if (message === undefined || !this.#hasRoom()) return
    const waitMs = this.#flow.rate === undefined ? 0 : this.#notBeforeMs - performance.now()
    if (waitMs > 0) {
      this.#timer ??= setTimeout(() => this.#onTime(), waitMs)
      return
    }
    this.#waiting = undefined
    this.#send(message)
  }

  close(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#waiting = undefined
  }

  #hasRoom(): boolean {
    const { credits } = this.#flow
    return (
      (credits === undefined || this.#unacknowledged.length < credits) && this.#outlet.bufferedBytes <= maxBufferedBytes
    )
  }

  #onTime(): void {
    this.#timer = undefined
    this.flush()
  }

  #send(message: EncodedMessage): void {
    const { credits, rate } = this.#flow
    if (!this.#outlet.send(message)) {
      this.#dropped++
      return
    }
    if (credits !== undefined) this.#unacknowledged.push(message.n)
    // From the time that was due, so that a timer's lateness does not lower the rate.
    if (rate !== undefined) this.#notBeforeMs = Math.max(performance.now() - 1, this.#notBeforeMs) + 1000 / rate
  }
}

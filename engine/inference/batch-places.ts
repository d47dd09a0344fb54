/** The longest pause of batch works, however long the last one took. */
const maxPauseMs = 60_000

/**
 * How many batch works a device may run at once, and when. One place is never theirs where there are two: however long they take, live
 * frames and requests go on.
 */
export class BatchPlaces implements Disposable {
  readonly #most: number
  readonly #onFree: () => void
  #running = 0
  #share = 1
  #pause: NodeJS.Timeout | undefined

  /** `depth`: places of the device. `onFree`: told when a place is free without a work having ended. */
  constructor(depth: number, onFree: () => void) {
    this.#most = Math.max(1, depth - 1)
    this.#onFree = onFree
  }

  /** Whether one more may start. */
  get free(): boolean {
    return this.#pause === undefined && this.#running < (this.#share < 1 ? 1 : this.#most)
  }

  take(): void {
    this.#running++
  }

  /** A work is over after so many milliseconds. At less than full share a pause follows, so that work is that share of both together. */
  giveBack(tookMs: number): void {
    this.#running--
    if (this.#share >= 1) return
    clearTimeout(this.#pause)
    this.#pause = setTimeout(() => this.#resume(), Math.min(maxPauseMs, tookMs * (1 / this.#share - 1)))
  }

  /** Above 0, up to 1. */
  pace(share: number): void {
    this.#share = share
    if (share >= 1) this.#resume()
  }

  /** Ends the pause; none follows what runs still. */
  [Symbol.dispose](): void {
    this.#share = 1
    clearTimeout(this.#pause)
    this.#pause = undefined
  }

  #resume(): void {
    clearTimeout(this.#pause)
    this.#pause = undefined
    this.#onFree()
  }
}

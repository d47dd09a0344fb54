/** Measurements of sounds that differ less say nothing about what more sound costs. */
const leastApartMs = 500

interface Measured {
  readonly soundMs: number
  readonly tookMs: number
}

/**
 * How long a recogniser will take, from the last times that it worked: some take as long for any sound, as Whisper with its fixed window, others
 * longer the longer it is. All in milliseconds.
 */
export class WorkEstimate {
  #last: Measured | undefined
  /** One of another length. */
  #before: Measured | undefined

  learn(soundMs: number, tookMs: number): void {
    if (this.#last && Math.abs(this.#last.soundMs - soundMs) >= leastApartMs) this.#before = this.#last
    this.#last = { soundMs, tookMs }
  }

  /** 0 while nothing is known. */
  expectMs(soundMs: number): number {
    if (!this.#last) return 0
    const { soundMs: lastMs, tookMs } = this.#last
    const before = this.#before
    const perMs = before && before.soundMs !== lastMs ? (tookMs - before.tookMs) / (lastMs - before.soundMs) : 0
    return Math.max(0, tookMs + Math.max(0, perMs) * (soundMs - lastMs))
  }
}

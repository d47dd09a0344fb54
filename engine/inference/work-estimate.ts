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
  #shortest: Measured | undefined

  learn(soundMs: number, tookMs: number): void {
    this.#last = { soundMs, tookMs }
    if (!this.#shortest || soundMs <= this.#shortest.soundMs) this.#shortest = this.#last
  }

  /** 0 while nothing is known. */
  expectMs(soundMs: number): number {
    if (!this.#last) return 0
    return Math.max(0, this.#last.tookMs + this.#perMs() * (soundMs - this.#last.soundMs))
  }

  #perMs(): number {
    const [last, shortest] = [this.#last, this.#shortest]
    if (!last || !shortest || last.soundMs - shortest.soundMs < leastApartMs) return 0
    return Math.max(0, (last.tookMs - shortest.tookMs) / (last.soundMs - shortest.soundMs))
  }
}

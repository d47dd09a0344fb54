/**
 * The same bytes for so long are a frozen picture: a live one has noise. Longer than the seconds between key frames of an
 * encoder that repeats a quiet scene in full.
 */
const frozenAfterMs = 5000
/** A source whose picture stands still for so long is opened anew; twice as long each time that it was in vain. */
const reopenAfterMs = 30_000
const maxReopenAfterMs = 960_000

/** Watches whether a source's picture stands still, over all its openings. Times are monotonic nanoseconds of packets' arrival. */
export class StillPicture {
  #since: bigint | undefined
  #lastAt = 0n
  #first = true
  #reopenAfterMs = reopenAfterMs

  /** The source is opened: its first picture says nothing about those before. */
  open(): void {
    this.#since = undefined
    this.#first = true
  }

  /** A packet came; `unchanged`: with a picture that its source has given before. */
  saw(unchanged: boolean, now: bigint): void {
    this.#lastAt = now
    if (unchanged) this.#since ??= now
    else this.#since = undefined
    if (!unchanged && !this.#first) this.#reopenAfterMs = reopenAfterMs
    this.#first = false
  }

  /** For how long the same picture came, in ms; 0 while it moves. */
  get stillMs(): number {
    return this.#since === undefined ? 0 : Number(this.#lastAt - this.#since) / 1e6
  }

  get frozen(): boolean {
    return this.stillMs >= frozenAfterMs
  }

  /** Whether the source should be opened anew now; the next time it takes twice as long, until the picture has moved. */
  takeReopening(): boolean {
    if (this.stillMs < this.#reopenAfterMs) return false
    this.#reopenAfterMs = Math.min(2 * this.#reopenAfterMs, maxReopenAfterMs)
    return true
  }
}

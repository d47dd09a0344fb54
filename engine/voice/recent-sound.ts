/** The newest samples of a stream, by their place since its beginning. */
export class RecentSound {
  readonly #ring: Int16Array
  #end = 0

  /** `size`: samples that are kept, at least 1. */
  constructor(size: number) {
    this.#ring = new Int16Array(size)
  }

  /** Samples that came. */
  get end(): number {
    return this.#end
  }

  append(samples: Int16Array): void {
    const size = this.#ring.length
    const kept = samples.subarray(Math.max(0, samples.length - size))
    const at = (this.#end + samples.length - kept.length) % size
    const first = kept.subarray(0, size - at)
    this.#ring.set(first, at)
    this.#ring.set(kept.subarray(first.length), 0)
    this.#end += samples.length
  }

  /** A copy of what is kept from a place on. */
  since(place: number): Int16Array {
    const size = this.#ring.length
    const from = Math.max(place, this.#end - size, 0)
    const length = Math.max(0, this.#end - from)
    return Int16Array.from({ length }, (_, i) => this.#ring[(from + i) % size] ?? 0)
  }
}

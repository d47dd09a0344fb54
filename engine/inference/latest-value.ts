/** A value that changes, read by one reader, who gets the newest one that it has not seen: a slow reader misses those between. */
export class LatestValue<T> implements AsyncIterable<T> {
  #last: T | undefined
  #seen = true
  #ended: { readonly error: unknown } | undefined
  #wake: () => void = () => undefined

  /** The newest value, seen or not. */
  get last(): T | undefined {
    return this.#last
  }

  set(value: T): void {
    if (this.#ended) return
    this.#last = value
    this.#seen = false
    this.#wake()
  }

  end(): void {
    this.#ended ??= { error: undefined }
    this.#wake()
  }

  /** The reader gets the error after what it has not seen. */
  fail(error: unknown): void {
    this.#ended ??= { error }
    this.#wake()
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T, void, undefined> {
    for (;;) {
      while (this.#seen && !this.#ended) await new Promise<void>((resolve) => (this.#wake = resolve))
      if (!this.#seen) {
        this.#seen = true
        yield this.#last as T
      } else if (this.#ended?.error !== undefined) throw this.#ended.error
      else return
    }
  }
}

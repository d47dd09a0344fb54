/** The longest time that a timer can take. */
const maxMs = 2 ** 31 - 1

/** Looks at something again at the earliest of the times that it was asked for. Its owner disposes it. */
export class SecondLook implements Disposable {
  readonly #look: () => void
  #at = Number.POSITIVE_INFINITY
  #timer: NodeJS.Timeout | undefined
  #closed = false

  constructor(look: () => void) {
    this.#look = look
  }

  /** `time` of `performance.now()`; infinite: never. */
  at(time: number): void {
    if (this.#closed || time >= this.#at) return
    clearTimeout(this.#timer)
    this.#at = time
    const inMs = Math.min(maxMs, Math.max(1, Math.ceil(time - performance.now())))
    this.#timer = setTimeout(() => this.#fire(), inMs).unref()
  }

  [Symbol.dispose](): void {
    this.#closed = true
    clearTimeout(this.#timer)
  }

  #fire(): void {
    this.#at = Number.POSITIVE_INFINITY
    this.#look()
  }
}

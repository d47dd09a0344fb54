import { EngineError } from '../errors.ts'

/** Items of one stream that may wait for their reader; a reader that is slower loses the stream with `busy`. */
const maxWaitingItems = 1024

/** Who waits for the outcome of an exchange. */
export interface Receiver {
  item(value: unknown): void
  /** The outcome; only the first one counts. */
  end(error: EngineError | undefined, value?: unknown): void
}

/** A timer that looks once more after the messages which already lie in the pipe were read: this process may have been busy. */
export class Deadline {
  readonly #timer: NodeJS.Timeout
  #check: NodeJS.Immediate | undefined

  constructor(ms: number, expire: () => void) {
    this.#timer = setTimeout(() => {
      this.#check = setImmediate(expire)
    }, ms)
  }

  renew(): void {
    clearImmediate(this.#check)
    this.#timer.refresh()
  }

  clear(): void {
    clearTimeout(this.#timer)
    clearImmediate(this.#check)
  }
}

/** Items of a stream on their way to the reader. */
export class ItemQueue implements Receiver {
  readonly #items: { value: unknown }[] = []
  readonly #overflow: () => void
  #outcome: { error: EngineError | undefined } | undefined
  #wake: () => void = () => undefined

  constructor(overflow: () => void) {
    this.#overflow = overflow
  }

  item(value: unknown): void {
    if (this.#outcome) return
    if (this.#items.length >= maxWaitingItems) {
      this.end(new EngineError('busy', `Expected a reader that keeps up, but ${maxWaitingItems} items wait for it`))
      this.#overflow()
      return
    }
    this.#items.push({ value })
    this.#wake()
  }

  end(error: EngineError | undefined): void {
    this.#outcome ??= { error }
    this.#wake()
  }

  async next(): Promise<{ value: unknown } | undefined> {
    while (this.#items.length === 0 && !this.#outcome)
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    const item = this.#items.shift()
    if (!item && this.#outcome?.error) throw this.#outcome.error
    return item
  }
}

/** A stream under way. */
export interface BegunStream<T> {
  /** To be read to the end, or left; leaving the loop cancels it. */
  readonly items: AsyncGenerator<T, void, undefined>
  /** Resolves when the host has ended it, after a cancel too, or was reaped. */
  readonly settled: Promise<void>
}

/** What comes out of the queue; leaving the loop aborts `left`. */
export async function* readItems<T>(items: ItemQueue, left: AbortController): AsyncGenerator<T, void, undefined> {
  try {
    for (let next = await items.next(); next; next = await items.next()) yield next.value as Awaited<T>
  } finally {
    left.abort()
  }
}

interface Timer {
  readonly at: number
  readonly id: number
  readonly call: () => void
}

const { setTimeout, clearTimeout, setImmediate, clearImmediate } = globalThis
const now = performance.now.bind(performance)

/**
 * Time in the test's hand, for tests with so many timers that vitest's, which look through all of them for the next, take too long.
 * Puts itself in the place of timers, immediates and `performance.now()` until it is disposed.
 */
export class FastTime implements Disposable {
  /** In the order in which they are due. */
  readonly #timers: Timer[] = []
  readonly #immediates = new Map<number, () => void>()
  #now = 0
  #ids = 0

  constructor() {
    const added = (call: () => void, ms = 0) => this.#add(call, ms)
    const removed = (timer?: Timer) => this.#remove(timer)
    const soon = (call: () => void) => {
      this.#immediates.set(++this.#ids, call)
      return this.#ids
    }
    Object.assign(globalThis, {
      setTimeout: added,
      clearTimeout: removed,
      setImmediate: soon,
      clearImmediate: (id?: number) => this.#immediates.delete(id ?? 0),
    })
    performance.now = () => this.#now
  }

  /** Timers and immediates that are still to come. */
  get pending(): number {
    return this.#timers.length + this.#immediates.size
  }

  /** Lets the immediates of now happen, and then all promises. */
  async turn(): Promise<void> {
    const due = [...this.#immediates.values()]
    this.#immediates.clear()
    for (const call of due) call()
    await new Promise<void>((resolve) => void setImmediate(resolve))
  }

  /** From timer to timer; promises are kept after each. */
  async pass(ms: number): Promise<void> {
    const end = this.#now + ms
    while ((this.#timers[0]?.at ?? Number.POSITIVE_INFINITY) <= end) {
      this.#fire()
      await this.turn()
    }
    this.#now = end
  }

  /** As `pass`, but the event loop is blocked: all timers fire late, at the end, and promises after them. */
  block(ms: number): void {
    this.#now += ms
    while ((this.#timers[0]?.at ?? Number.POSITIVE_INFINITY) <= this.#now) this.#fire()
  }

  [Symbol.dispose](): void {
    Object.assign(globalThis, { setTimeout, clearTimeout, setImmediate, clearImmediate })
    performance.now = now
  }

  #fire(): void {
    const timer = this.#timers.shift()
    if (timer === undefined) return
    this.#now = Math.max(this.#now, timer.at)
    timer.call()
  }

  /** As Node, at least 1 ms. */
  #add(call: () => void, ms: number): Timer {
    const timer = { at: this.#now + Math.max(1, ms), id: ++this.#ids, call }
    this.#timers.splice(this.#placeOf(timer), 0, timer)
    return timer
  }

  #remove(timer: Timer | undefined): void {
    const place = timer ? this.#placeOf(timer) : 0
    if (timer && this.#timers[place] === timer) this.#timers.splice(place, 1)
  }

  #placeOf({ at, id }: Timer): number {
    let [low, high] = [0, this.#timers.length]
    while (low < high) {
      const middle = (low + high) >> 1
      const other = this.#timers[middle] as Timer
      if ((other.at - at || other.id - id) < 0) low = middle + 1
      else high = middle
    }
    return low
  }
}

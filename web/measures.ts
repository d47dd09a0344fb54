/** Unix milliseconds with fraction, by the page's steady clock. */
export function unixNow(): number {
  return performance.timeOrigin + performance.now()
}

/** How long an estimate of the server's clock is believed, so that two drifting clocks cannot part for ever. */
const windowMs = 30_000

/**
 * Maps the server's clock to the browser's by the running minimum of arrival − publishedAt, so that a wrong browser
 * clock does not show in the latency. What is lost is the shortest way of a message, about a millisecond.
 */
export class ServerClock {
  #current = Number.POSITIVE_INFINITY
  #previous = Number.POSITIVE_INFINITY
  #since = 0

  /** Both in Unix ms: the browser's clock at the arrival, the server's at the sending. */
  heard(arrival: number, publishedAt: number): void {
    if (arrival - this.#since > windowMs) {
      this.#previous = this.#current
      this.#current = Number.POSITIVE_INFINITY
      this.#since = arrival
    }
    this.#current = Math.min(this.#current, arrival - publishedAt)
  }

  /** Milliseconds between a capture by the server's clock and a moment by the browser's; undefined before the first message. */
  latency(capturedAt: number, moment: number): number | undefined {
    const offset = Math.min(this.#current, this.#previous)
    return Number.isFinite(offset) ? Math.max(0, moment - offset - capturedAt) : undefined
  }

  reset(): void {
    this.#current = this.#previous = Number.POSITIVE_INFINITY
    this.#since = 0
  }
}

/** Events a second over the last two seconds. */
export class RateMeter {
  #moments: number[] = []

  count(moment: number): void {
    this.#moments.push(moment)
    this.#forget(moment)
  }

  /** 0 when nothing has come for two seconds. `moment` in ms by the clock given to `count`. */
  rate(moment: number): number {
    this.#forget(moment)
    const first = this.#moments[0]
    const last = this.#moments.at(-1)
    if (first === undefined || last === undefined || last === first) return 0
    return ((this.#moments.length - 1) * 1000) / (last - first)
  }

  #forget(moment: number): void {
    const keep = this.#moments.findIndex((at) => moment - at <= 2000)
    this.#moments.splice(0, keep === -1 ? this.#moments.length : keep)
  }
}

/** Counts the gaps in a topic's `n`: what this client missed. */
export class GapCounter {
  missed = 0
  #last: number | undefined

  saw(n: number): void {
    if (this.#last !== undefined && n > this.#last + 1) this.missed += n - this.#last - 1
    this.#last = n
  }

  reset(): void {
    this.missed = 0
    this.#last = undefined
  }
}

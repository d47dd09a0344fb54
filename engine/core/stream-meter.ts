/** Frames per second are measured over so long a time. */
const windowNs = 2_000_000_000n
/** Arrivals remembered for it; more of them than this only shorten the window. */
const maxArrivals = 512
/** The part of each new gap in the usual one. */
const gapWeight = 0.1

/** Measures one opening of a stream: how fast packets come, and how long it is silent. Times are monotonic nanoseconds. */
export class StreamMeter {
  #arrivals: bigint[] = []
  #live = false
  #lastArrivedAt: bigint
  #usualGapMs: number | undefined

  constructor(openedAt: bigint) {
    this.#lastArrivedAt = openedAt
  }

  /** Whether a packet came since the opening. */
  get live(): boolean {
    return this.#live
  }

  /** Average time between packets, in ms; undefined before the second one. */
  get usualGapMs(): number | undefined {
    return this.#usualGapMs
  }

  add(now: bigint): void {
    const gapMs = Number(now - this.#lastArrivedAt) / 1e6
    if (this.live) this.#usualGapMs = (this.#usualGapMs ?? gapMs) + (gapMs - (this.#usualGapMs ?? gapMs)) * gapWeight
    this.#lastArrivedAt = now
    this.#live = true
    this.#arrivals.push(now)
    if (this.#arrivals.length > maxArrivals) this.#arrivals.shift()
  }

  /** Packets per second over the last 2 s. */
  fps(now: bigint): number {
    this.#arrivals = this.#arrivals.filter((at) => now - at <= windowNs)
    const [first] = this.#arrivals
    if (first === undefined || this.#lastArrivedAt === first) return 0
    return ((this.#arrivals.length - 1) * 1e9) / Number(this.#lastArrivedAt - first)
  }

  /** Since the last packet came, or since the opening, in ms. */
  silentMs(now: bigint): number {
    return Number(now - this.#lastArrivedAt) / 1e6
  }
}

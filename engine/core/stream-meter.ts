/** Frames per second are measured over so long a time. */
const windowNs = 2_000_000_000n
/** Arrivals remembered for it; more of them than this only shorten the window. */
const maxArrivals = 512
/** The part of each new gap in the usual one. */
const gapWeight = 0.1

/**
 * Silence of a source that should talk is told as a stall after this, or after 3 of its usual gaps if that is longer: soon
 * enough to be known within 2 s, and a source that slows down to 2 per second stays live.
 */
const stallMs = 1500
const stallGaps = 3
/**
 * It is opened anew only after this, or 5 usual gaps. Radio links are silent for a second or two now and then: to hold the
 * connection then brings the next packet at once, where a new one costs a second and waits for a key frame.
 */
const reopenMs = 3000
const reopenGaps = 5
/**
 * How long a source may take to its first packet, and from its first to its second when it is not yet known how far apart
 * they are. It may be long: a connection to a server that has frozen gives packets as soon as the server goes on, and one
 * whose server has died ends by itself. Only a server that loses its power in just that moment is waited for so long.
 */
const firstPacketsMs = 15_000

/** How long a stream may be silent, in ms, until it is said to have stalled, and until it is opened anew. One that need not talk has all the time. */
export function silenceLimits(meter: StreamMeter, onSilence: 'reopen' | 'wait'): { stallMs: number; reopenMs: number } {
  const { live, usualGapMs = 0 } = meter
  const reopen = usualGapMs === 0 ? firstPacketsMs : Math.max(reopenMs, reopenGaps * usualGapMs)
  if (!live || onSilence === 'wait') return { stallMs: reopen, reopenMs: reopen }
  return { stallMs: Math.max(stallMs, stallGaps * usualGapMs), reopenMs: reopen }
}

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

  /** Packets per second over the last 2 s. Between two packets it stands; when the next one is late it falls. */
  fps(now: bigint): number {
    this.#arrivals = this.#arrivals.filter((at) => now - at <= windowNs)
    const [first] = this.#arrivals
    if (first === undefined || this.#lastArrivedAt === first) return 0
    const gaps = this.#arrivals.length - 1
    const heardNs = Number(this.#lastArrivedAt - first)
    return (gaps * 1e9) / Math.max(heardNs, Number(now - first) - heardNs / gaps)
  }

  /** Since the last packet came, or since the opening, in ms. */
  silentMs(now: bigint): number {
    return Number(now - this.#lastArrivedAt) / 1e6
  }
}

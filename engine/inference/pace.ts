/** Gaps between a session's works that must be known before it is slowed. */
const minGaps = 4
/** A stream that pauses for longer after a work has no rate of its own just then. */
const maxGapMs = 1000
/** Of the newest gap in the mean. */
const newestWeight = 0.2
/** A slowed live stream is never held for longer. */
const maxHoldMs = 5000

/**
 * Slows one live session: after a work the next one begins no earlier than the session's usual time from one beginning to the next, divided by
 * its share. What is usual is learned while it runs freely, and is never less than the last work took.
 */
export class Pace implements Disposable {
  #begunAt: number | undefined
  #tookMs = 0
  #gapMs = 0
  #gaps = 0
  #held = false
  #release: (() => void) | undefined

  /** A work begins. */
  begin(): void {
    const now = performance.now()
    const gap = now - (this.#begunAt ?? Number.NEGATIVE_INFINITY)
    if (!this.#held && gap <= this.#tookMs + maxGapMs) {
      this.#gapMs += (gap - this.#gapMs) * Math.max(newestWeight, 1 / (this.#gaps + 1))
      this.#gaps++
    }
    this.#held = false
    this.#begunAt = now
  }

  /** The work that began last is over. */
  end(): void {
    this.#tookMs = performance.now() - (this.#begunAt ?? performance.now())
  }

  /** What the next work has to wait for, by the share of its usual rate that the session has now; undefined when nothing. */
  wait(share: number): Promise<void> | undefined {
    if (share >= 1 || this.#begunAt === undefined || this.#gaps < minGaps) return undefined
    this.#held = true
    const apartMs = Math.min(Math.max(this.#gapMs, this.#tookMs) / share, this.#tookMs + maxHoldMs)
    const leftMs = this.#begunAt + apartMs - performance.now()
    if (leftMs <= 0) return undefined
    return new Promise((resolve) => {
      this.#release?.()
      const timer = setTimeout(resolve, leftMs)
      this.#release = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }

  /** Holds nobody any more. */
  [Symbol.dispose](): void {
    this.#release?.()
    this.#release = undefined
  }
}

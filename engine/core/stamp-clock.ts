const bucketNs = 30_000_000_000n
const jumpNs = 1_000_000_000n

/**
 * Maps the timestamps of one source to CLOCK_MONOTONIC: the smallest arrival − stamp of the last 30 to 60 s is the offset between
 * the two clocks, so neither a late frame nor a slow drift moves the others. A jump of the stamps starts it anew.
 */
export class StampClock {
  #last: { stamp: bigint; arrivedAt: bigint } | undefined
  #bucketSince = 0n
  #smallest = 0n
  #smallestBefore = 0n
  #lastCapturedAt = -1n

  /**
   * When the frame was captured, in monotonic nanoseconds: later than that of the frame before, and not after its arrival. A frame
   * without a stamp was captured when it arrived.
   */
  map(stamp: bigint | null, arrivedAt: bigint): bigint {
    const capturedAt = stamp === null ? arrivedAt : stamp + this.#offset(stamp, arrivedAt)
    this.#lastCapturedAt = capturedAt > this.#lastCapturedAt ? capturedAt : this.#lastCapturedAt + 1n
    return this.#lastCapturedAt
  }

  #offset(stamp: bigint, arrivedAt: bigint): bigint {
    const offset = arrivedAt - stamp
    if (this.#jumped(stamp, arrivedAt)) this.#restart(offset, arrivedAt)
    else if (arrivedAt - this.#bucketSince >= bucketNs) this.#turn(offset, arrivedAt)
    else if (offset < this.#smallest) this.#smallest = offset
    this.#last = { stamp, arrivedAt }
    // biome-ignore lint/complexity/useMathMinMax: Math.min takes no bigint.
    return this.#smallest < this.#smallestBefore ? this.#smallest : this.#smallestBefore
  }

  #jumped(stamp: bigint, arrivedAt: bigint): boolean {
    if (!this.#last || stamp <= this.#last.stamp) return true
    const drift = arrivedAt - this.#last.arrivedAt - (stamp - this.#last.stamp)
    return drift > jumpNs || drift < -jumpNs
  }

  #restart(offset: bigint, arrivedAt: bigint): void {
    this.#turn(offset, arrivedAt)
    this.#smallestBefore = offset
  }

  #turn(offset: bigint, arrivedAt: bigint): void {
    this.#smallestBefore = this.#smallest
    this.#smallest = offset
    this.#bucketSince = arrivedAt
  }
}

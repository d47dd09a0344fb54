/** Largest difference between the wall clock and our anchor before the anchor is taken anew: a Pi starts with a wrong date. */
const maxDriftMs = 500

/** The one source of times in the engine, and their way out. */
export interface Clock {
  /** Nanoseconds of CLOCK_MONOTONIC, the same in every process of this machine. */
  now(): bigint
  /** Unix milliseconds with fraction for a time of `now()`, by one anchor. */
  toUnixMs(monotonic: bigint): number
  /** How often the wall clock was found stepped and the anchor taken anew. */
  readonly steps: number
}

/** The engine's clock. `check` compares with the wall clock; its owner calls it regularly. */
export class AnchoredClock implements Clock {
  readonly #onStep: (byMs: number) => void
  #anchor: { monotonic: bigint; unixMs: number }
  steps = 0

  constructor(onStep: (byMs: number) => void = () => undefined) {
    this.#onStep = onStep
    this.#anchor = takeAnchor()
  }

  now(): bigint {
    return process.hrtime.bigint()
  }

  toUnixMs(monotonic: bigint): number {
    return this.#anchor.unixMs + Number(monotonic - this.#anchor.monotonic) / 1e6
  }

  check(): void {
    const offMs = Date.now() - this.toUnixMs(this.now())
    if (Math.abs(offMs) <= maxDriftMs) return
    this.#anchor = takeAnchor()
    this.steps++
    this.#onStep(offMs)
  }
}

function takeAnchor() {
  return { monotonic: process.hrtime.bigint(), unixMs: Date.now() }
}

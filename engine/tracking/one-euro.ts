/** How a `OneEuroFilter` works. */
export interface OneEuroOptions {
  /** Hz, above 0: the cutoff at rest. Less means less jitter and more lag. */
  readonly minCutoff: number
  /** Hz per unit per second: how much the cutoff rises with speed. More means less lag. */
  readonly beta: number
  /** Hz, above 0: the cutoff of the speed itself. */
  readonly dCutoff: number
}

/**
 * The 1€ filter (Casiez, Roussel and Vogel 2012): a low-pass filter of first order whose cutoff rises with speed: steady at rest, quick
 * in motion. One coordinate; times in seconds, unevenly spaced if need be.
 */
export class OneEuroFilter {
  readonly #options: OneEuroOptions
  #last: { readonly seconds: number; readonly value: number; readonly speed: number } | undefined

  constructor(options: OneEuroOptions) {
    this.#options = options
  }

  /** The smoothed value. A time that is not after the last one changes nothing. */
  next(raw: number, seconds: number): number {
    const last = this.#last
    if (last === undefined) {
      this.#last = { seconds, value: raw, speed: 0 }
      return raw
    }
    const passed = seconds - last.seconds
    if (passed <= 0) return last.value
    const { minCutoff, beta, dCutoff } = this.#options
    const speed = mix(last.speed, (raw - last.value) / passed, weight(dCutoff, passed))
    const value = mix(last.value, raw, weight(minCutoff + beta * Math.abs(speed), passed))
    this.#last = { seconds, value, speed }
    return value
  }
}

/** Of the new value, 0 to 1. */
function weight(cutoff: number, seconds: number): number {
  const r = 2 * Math.PI * cutoff * seconds
  return r / (r + 1)
}

function mix(old: number, fresh: number, share: number): number {
  return old + share * (fresh - old)
}

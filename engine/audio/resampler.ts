/** Zero crossings of the sinc on each side: its images lie 80 dB below. */
const crossings = 16
/** Of the Kaiser window; 8 gives 80 dB. */
const beta = 8
/** The pass band ends so far below half the lower rate. */
const passBand = 0.94

/** Another sample rate for mono sound that comes in pieces: a Kaiser-windowed sinc, one filter per phase. */
export class Resampler {
  readonly #up: number
  readonly #down: number
  /** Samples on each side of the one that is computed. */
  readonly #half: number
  /** [up × 2 half] */
  readonly #filters: Float32Array
  /** What is still needed of the samples so far; begins `#half` before the first. */
  #kept: Float32Array
  /** Of the next output: its place in `#kept`, and its phase. */
  #at: number
  #phase = 0

  constructor(from: number, to: number) {
    const divisor = greatestDivisor(from, to)
    this.#up = to / divisor
    this.#down = from / divisor
    const widening = Math.max(1, from / to)
    this.#half = Math.ceil(crossings * widening)
    this.#filters = designFilters(this.#up, this.#half, passBand / widening)
    this.#kept = new Float32Array(this.#half)
    this.#at = this.#half
  }

  /** What can be told after these samples. */
  push(samples: Int16Array): Int16Array {
    const joined = new Float32Array(this.#kept.length + samples.length)
    joined.set(this.#kept)
    joined.set(samples, this.#kept.length)
    this.#kept = joined
    return this.#drain()
  }

  /** The rest: nothing comes after. */
  end(): Int16Array {
    return this.push(new Int16Array(this.#half))
  }

  #drain(): Int16Array {
    const last = this.#kept.length - this.#half
    const count = Math.max(0, Math.ceil(((last - this.#at) * this.#up - this.#phase) / this.#down))
    const out = new Int16Array(count)
    for (let i = 0; i < count; i++) {
      out[i] = this.#compute()
      this.#phase += this.#down
      this.#at += Math.floor(this.#phase / this.#up)
      this.#phase %= this.#up
    }
    const done = this.#at - this.#half
    if (done > 0) {
      this.#kept = this.#kept.slice(done)
      this.#at = this.#half
    }
    return out
  }

  #compute(): number {
    const taps = 2 * this.#half
    const filter = this.#phase * taps
    const start = this.#at - this.#half + 1
    let sum = 0
    for (let i = 0; i < taps; i++) sum += (this.#kept[start + i] as number) * (this.#filters[filter + i] as number)
    return Math.max(-32_768, Math.min(32_767, Math.round(sum)))
  }
}

function designFilters(phases: number, half: number, cutOff: number): Float32Array {
  const taps = 2 * half
  const filters = new Float32Array(phases * taps)
  for (let phase = 0; phase < phases; phase++) {
    let sum = 0
    for (let i = 0; i < taps; i++) {
      const distance = i - half + 1 - phase / phases
      const value = sinc(distance * cutOff) * kaiser(distance / half)
      filters[phase * taps + i] = value
      sum += value
    }
    // Each phase passes a constant as it is.
    for (let i = phase * taps; i < (phase + 1) * taps; i++) filters[i] = (filters[i] as number) / sum
  }
  return filters
}

function sinc(x: number): number {
  return x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x)
}

function kaiser(x: number): number {
  return Math.abs(x) >= 1 ? 0 : bessel(beta * Math.sqrt(1 - x * x)) / bessel(beta)
}

/** The modified Bessel function of order 0, by its series. */
function bessel(x: number): number {
  let [sum, term] = [1, 1]
  for (let k = 1; term > sum * 1e-12; k++) {
    term *= (x / (2 * k)) ** 2
    sum += term
  }
  return sum
}

function greatestDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestDivisor(b, a % b)
}

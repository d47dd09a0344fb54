import { EngineError } from '../errors.ts'

/** Samples on their way to a reader that takes whole steps. */
export class SampleQueue {
  readonly #step: number
  readonly #limit: number
  #parts: Float32Array[] = []
  #length = 0
  /** Samples that the reader has taken and may still be at work on. */
  #taken = 0
  #ended = false
  #wake: () => void = () => undefined

  /** `step`: samples of a step; `limit`: samples that may wait, those that were taken last with them. */
  constructor(step: number, limit: number) {
    this.#step = step
    this.#limit = limit
  }

  /** Throws `busy` when too many would wait, `closed` after the end. The samples are the queue's. */
  push(samples: Float32Array): void {
    if (this.#ended) throw new EngineError('closed', 'Expected samples before the end of the stream')
    if (this.#length + this.#taken + samples.length > this.#limit)
      throw new EngineError('busy', `Expected at most ${this.#limit} samples to wait to be recognised; send them later`)
    this.#parts.push(samples)
    this.#length += samples.length
    this.#wake()
  }

  /** No more samples; the last step is filled up with silence. */
  end(): void {
    this.#ended = true
    this.#wake()
  }

  /** Waits for at least one step, and gives at most `count`; none after the end. What was taken before is done with. */
  async take(count: number): Promise<Float32Array[]> {
    this.#taken = 0
    while (this.#length < this.#step && !this.#ended) await new Promise<void>((resolve) => (this.#wake = resolve))
    const steps: Float32Array[] = []
    while (steps.length < count && (this.#length >= this.#step || (this.#ended && this.#length > 0)))
      steps.push(this.#takeStep())
    this.#taken = steps.length * this.#step
    return steps
  }

  #takeStep(): Float32Array {
    const step = new Float32Array(this.#step)
    let filled = 0
    while (filled < this.#step && this.#parts.length > 0) {
      const part = this.#parts[0] as Float32Array
      const used = Math.min(part.length, this.#step - filled)
      step.set(part.subarray(0, used), filled)
      filled += used
      if (used === part.length) this.#parts.shift()
      else this.#parts[0] = part.subarray(used)
    }
    this.#length -= filled
    return step
  }
}

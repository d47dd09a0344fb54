import { EngineError } from '../errors.ts'
import type { Synthesiser, SynthesisOptions } from '../inference/speech.ts'

/** A clause is shorter; a voice that says more than a minute of one is broken. */
const longestSeconds = 60

/** A clause that a voice is saying: its sound is made as fast as the voice can, and waits here for whoever plays it. */
export class ClauseSound {
  /** Samples a second; rejects as the synthesiser does. */
  readonly sampleRate: Promise<number>
  /** Resolves when the voice works for it no more. */
  readonly ended: Promise<void>
  readonly #abort = new AbortController()
  #chunks: Int16Array[] = []
  #error: { readonly error: unknown } | undefined
  #isWhole = false
  #wake: () => void = () => undefined

  constructor(synthesiser: Synthesiser, text: string, voice: SynthesisOptions) {
    const speaking = synthesiser.speak(text, voice, this.#abort.signal)
    this.sampleRate = speaking.then(({ sampleRate }) => sampleRate)
    // Whoever plays it hears of a failure.
    this.sampleRate.catch(() => undefined)
    this.ended = this.#fill(speaking)
  }

  get isAborted(): boolean {
    return this.#abort.signal.aborted
  }

  /** In order; for one reader. Ends where it was aborted, throws what the voice throws. */
  async *chunks(): AsyncGenerator<Int16Array, void, undefined> {
    for (;;) {
      const chunk = this.#chunks.shift()
      if (this.#abort.signal.aborted) return
      if (chunk) yield chunk
      else if (this.#error) throw this.#error.error
      else if (this.#isWhole) return
      else await new Promise<void>((resolve) => (this.#wake = resolve))
    }
  }

  abort(): void {
    this.#abort.abort()
    this.#chunks = []
    this.#wake()
  }

  async #fill(speaking: ReturnType<Synthesiser['speak']>): Promise<void> {
    try {
      const { sampleRate, chunks } = await speaking
      let samples = 0
      for await (const chunk of chunks) {
        if (this.#abort.signal.aborted) return
        samples += chunk.length
        if (samples > longestSeconds * sampleRate)
          throw new EngineError('too-large', `Expected at most ${longestSeconds} s of sound for a clause, more came`)
        this.#chunks.push(chunk)
        this.#wake()
      }
      this.#isWhole = true
    } catch (error) {
      this.#error = { error }
    }
    this.#wake()
  }
}

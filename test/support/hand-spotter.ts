import type { KeywordSpotter, KeywordSpotting, SpotterOptions } from '../../engine/inference/speech.ts'

/** A keyword spotter that a test plays: it sees what it is given, and hears the words that the test says. */
export class HandSpotter implements KeywordSpotter {
  missing: string | undefined
  failure: Error | undefined
  words: readonly string[] = []
  options: SpotterOptions | undefined
  heard = 0
  running = 0

  async open(words: readonly string[], options: SpotterOptions): Promise<KeywordSpotting> {
    if (this.failure) throw this.failure
    this.words = words
    this.options = options
    this.running++
    return {
      push: (samples) => {
        this.heard += samples.length
      },
      finish: async () => undefined,
      [Symbol.asyncDispose]: async () => void this.running--,
    }
  }

  /** Seconds from the first sample. */
  hear(word: string, start: number, end: number): void {
    this.options?.onSpotted({ word, start, end })
  }
}

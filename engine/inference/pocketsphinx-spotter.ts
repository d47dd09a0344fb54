import { existsSync } from 'node:fs'
import { EngineError } from '../errors.ts'
import { KeywordProgram } from '../hosts/keyword-program.ts'
import { findProgram } from '../hosts/program.ts'
import { type KnownPhrase, lookUpPhrases } from './keyword-dictionary.ts'
import { type KeywordSpotter, type KeywordSpotting, type SpotterOptions, speechRate } from './speech.ts'

const folder = '/usr/share/pocketsphinx/model/en-us'
const dictionary = `${folder}/cmudict-en-us.dict`
const install = 'Try: sudo apt install pocketsphinx pocketsphinx-en-us'
/** A program that died is started again, unless the one before it died that young: it would again. */
const leastLifeMs = 10_000

/**
 * Debian's pocketsphinx as a keyword spotter, US English. It needs no download and about a twentieth of a core; it tells words at the next
 * pause of 0.3 s, and how many it misses or makes up depends on the words: three syllables and more are best.
 */
export class PocketsphinxSpotter implements KeywordSpotter {
  get missing(): string | undefined {
    if (findProgram('pocketsphinx_continuous') === undefined)
      return `the program pocketsphinx_continuous is not installed. ${install}`
    return existsSync(dictionary) ? undefined : `${dictionary} is not there. ${install}`
  }

  async open(words: readonly string[], options: SpotterOptions): Promise<KeywordSpotting> {
    const { missing } = this
    if (missing !== undefined) throw new EngineError('unavailable', `Expected a keyword spotter: ${missing}`)
    const { threshold } = options
    if (threshold !== undefined && !(threshold >= 1e-50 && threshold <= 1))
      throw new EngineError('invalid', `Expected a threshold of 1e-50 to 1, received ${threshold}`)
    return new PocketsphinxSpotting(await lookUpPhrases(words, dictionary), options)
  }
}

/** Longer words are rarely heard by mistake, and need to be less certain. Chosen by one recording of a man, of 11 s, and voices of espeak-ng: a rule of thumb. */
export function thresholdOf(phones: number): number {
  return Number(`1e-${Math.min(40, Math.max(5, 5 * (phones - 3)))}`)
}

/** Sound that a program listens to; one that dies is started again, and what it was listening to is lost. */
class PocketsphinxSpotting implements KeywordSpotting {
  readonly #phrases: readonly KnownPhrase[]
  readonly #options: SpotterOptions
  #program: KeywordProgram
  #startedAt = 0
  /** Samples that were taken. */
  #taken = 0
  #failure: EngineError | undefined
  #isFinishing = false
  #isClosed = false

  constructor(phrases: readonly KnownPhrase[], options: SpotterOptions) {
    this.#phrases = phrases
    this.#options = options
    this.#program = this.#start()
  }

  push(samples: Int16Array): void {
    if (this.#isClosed) throw new EngineError('closed', 'Expected the keyword spotter to be open')
    if (this.#failure) throw this.#failure
    this.#program.push(samples)
    this.#taken += samples.length
  }

  async finish(): Promise<void> {
    this.#isFinishing = true
    this.#program.finish()
    const failure = this.#failure ?? (await this.#program.ended)
    if (failure) throw failure
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true
    await this.#program.end()
  }

  #start(): KeywordProgram {
    const base = this.#taken
    const { threshold, onSpotted } = this.#options
    const program = new KeywordProgram({
      phrases: this.#phrases.map(({ phrase, phones }) => ({ phrase, threshold: threshold ?? thresholdOf(phones) })),
      onSpotted: ({ phrase, start, end }) => {
        const word = this.#phrases.find((known) => known.phrase === phrase)?.asked
        const from = base / speechRate
        if (word !== undefined && !this.#isClosed) onSpotted({ word, start: from + start, end: from + end })
      },
    })
    this.#startedAt = performance.now()
    void program.ended.then((failure) => this.#heed(failure))
    return program
  }

  #heed(failure: EngineError | undefined): void {
    if (failure === undefined || this.#isClosed) return
    if (this.#isFinishing || performance.now() - this.#startedAt < leastLifeMs) {
      this.#failure = failure
      this.#options.onFailure?.(failure)
      return
    }
    this.#program = this.#start()
  }
}

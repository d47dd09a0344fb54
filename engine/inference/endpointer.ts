import { speechRate, voiceStep } from './speech.ts'

/** Milliseconds of one step of the voice detector. */
export const stepMs = (1000 * voiceStep) / speechRate

/** When speech begins and ends. */
export interface EndpointerOptions {
  /** Speech begins at this probability; Silero's own. */
  readonly onAt: number
  /** And ends below this one: it wavers within a word. */
  readonly offBelow: number
  /** That has lasted this long: people pause so long between two thoughts, and OpenAI's server_vad waits as long. */
  readonly silenceMs: number
  /** Shorter is a click or a cough, and no beginning. */
  readonly speechMs: number
}
export const endpointDefaults: EndpointerOptions = { onAt: 0.5, offBelow: 0.35, silenceMs: 500, speechMs: 64 }

/** Finds beginnings and ends of speech in the probabilities of a voice detector, step by step. */
export class Endpointer {
  readonly #options: EndpointerOptions
  #speaking = false
  #heardMs = 0
  #silentMs = 0

  constructor(options: Partial<EndpointerOptions> = {}) {
    this.#options = { ...endpointDefaults, ...options }
  }

  get speaking(): boolean {
    return this.#speaking
  }

  /** `start` when speech has lasted for `speechMs`, `end` when silence has lasted for `silenceMs`. */
  step(probability: number): 'start' | 'end' | undefined {
    return this.#speaking ? this.#awaitEnd(probability) : this.#awaitStart(probability)
  }

  #awaitStart(probability: number): 'start' | undefined {
    const { onAt, offBelow, speechMs } = this.#options
    if (probability >= onAt || (this.#heardMs > 0 && probability >= offBelow)) this.#heardMs += stepMs
    else this.#heardMs = 0
    if (this.#heardMs < speechMs) return undefined
    this.#speaking = true
    this.#silentMs = 0
    return 'start'
  }

  #awaitEnd(probability: number): 'end' | undefined {
    const { onAt, offBelow, silenceMs } = this.#options
    if (probability >= onAt) this.#silentMs = 0
    else if (probability < offBelow || this.#silentMs > 0) this.#silentMs += stepMs
    if (this.#silentMs < silenceMs) return undefined
    this.#speaking = false
    this.#heardMs = 0
    return 'end'
  }
}

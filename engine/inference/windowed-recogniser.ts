import { EngineError } from '../errors.ts'
import type { HeardWindow } from '../hosts/speech-protocol.ts'
import {
  type Recogniser,
  type RecogniserOptions,
  type RecogniserStream,
  type SpokenSegment,
  speechRate,
  type VoiceDetector,
} from './speech.ts'
import { speechWindows, toSegments } from './speech-windows.ts'
import { UtteranceStream } from './utterance-stream.ts'

const longestSeconds = 3600

/** What a recogniser of windows is. */
export interface WindowedRecogniserOptions
  extends Pick<Recogniser, 'name' | 'backend' | 'simulated' | 'languages' | 'translates' | 'accuracy'> {
  readonly detector: VoiceDetector
  /** What is said in at most 10 s. The samples are borrowed. */
  recognise(samples: Float32Array, options: RecogniserOptions, signal: AbortSignal): Promise<HeardWindow>
  /** Loads what recognises. */
  warm?(signal: AbortSignal): Promise<void>
}

/** A recogniser made of one that takes whole windows only: audio of any length is cut at silences, live sound is recognised utterance by utterance. */
export class WindowedRecogniser implements Recogniser {
  readonly #options: WindowedRecogniserOptions

  constructor(options: WindowedRecogniserOptions) {
    this.#options = options
  }

  get name(): string {
    return this.#options.name
  }
  get backend(): string {
    return this.#options.backend
  }
  get simulated(): boolean {
    return this.#options.simulated
  }
  get languages(): readonly string[] | 'any' {
    return this.#options.languages
  }
  get translates(): boolean {
    return this.#options.translates
  }
  get accuracy(): 'high' | 'low' {
    return this.#options.accuracy
  }

  async *transcribe(
    samples: Float32Array,
    options: RecogniserOptions,
    signal: AbortSignal,
  ): AsyncGenerator<SpokenSegment, void, undefined> {
    this.#check(options)
    if (samples.length > longestSeconds * speechRate)
      throw new EngineError(
        'too-large',
        `Expected at most ${longestSeconds} s, received ${samples.length / speechRate} s`,
      )
    for await (const window of speechWindows(samples, this.#options.detector, signal))
      yield* toSegments(window, await this.#options.recognise(window.samples, options, signal))
  }

  async open(options: RecogniserOptions): Promise<RecogniserStream> {
    this.#check(options)
    const detection = await this.#options.detector.open()
    return new UtteranceStream({
      detection,
      isTurn: options.isTurn,
      transcribe: (samples, signal) => this.transcribe(samples, options, signal),
    })
  }

  async warm(signal: AbortSignal): Promise<void> {
    await this.#options.warm?.(signal)
  }

  #check({ language, translate, prompt }: RecogniserOptions): void {
    const { name, languages, translates } = this.#options
    if (language !== undefined && languages !== 'any' && !languages.includes(language))
      throw new EngineError(
        'invalid',
        `Expected a language that ${name} knows (${languages.join(', ')}), received ${language}`,
      )
    if (translate && !translates)
      throw new EngineError('invalid', `Expected a recogniser that translates; ${name} does not. Choose another model`)
    if (prompt !== undefined)
      throw new EngineError('invalid', `Expected no prompt: ${name} cannot heed one. Leave it out`)
  }
}

/** Samples as programs take them. */
export function toInt16(samples: Float32Array): Int16Array {
  return Int16Array.from(samples, (value) => Math.max(-32_768, Math.min(32_767, Math.round(value * 32_768))))
}

import { EngineError } from '../errors.ts'
import type { SpeakingVoice } from './speaking-voice.ts'
import type { SynthesisOptions, Voice } from './speech.ts'
import type { SpeechHost } from './speech-host.ts'

const ownWordsPerMinute = 175
/** espeak-ng's slowest; it takes what is less for this. */
const slowest = 80
const fastest = 700
const sampleRate = 22_050
/** For each piece of sound; the program itself ends sooner. */
const deadlineMs = 30_000

/** A voice of espeak-ng, by its name there, as `en-us`. */
export class EspeakVoice implements SpeakingVoice {
  readonly voice: Voice
  readonly aliases: readonly string[] = []
  readonly #host: SpeechHost

  constructor(name: string, host: SpeechHost) {
    this.#host = host
    this.voice = {
      name,
      backend: 'espeak-ng',
      language: toLanguageTag(name),
      state: 'available',
      why: 'installed with the system',
      sampleRate,
      speakers: [],
    }
  }

  async prepare({ speed = 1, speaker, noiseScale, noiseWidth }: SynthesisOptions): Promise<void> {
    if (speaker !== undefined) throw this.#refusal('no speaker', speaker)
    if (noiseScale !== undefined || noiseWidth !== undefined)
      throw this.#refusal('neither noise scale nor noise width', noiseScale ?? noiseWidth)
    const [from, to] = [slowest / ownWordsPerMinute, fastest / ownWordsPerMinute]
    if (!(speed >= from && speed <= to)) throw this.#refusal(`a speed of ${from.toFixed(2)} to ${to}`, speed)
  }

  say(clause: string, { speed = 1 }: SynthesisOptions, signal: AbortSignal): AsyncIterable<Int16Array> {
    const wordsPerMinute = Math.round(ownWordsPerMinute * speed)
    return this.#host.speak({ voice: this.voice.name, text: clause, wordsPerMinute }, { signal, deadlineMs })
  }

  #refusal(expected: string, received: unknown): EngineError {
    const message = `Expected ${expected} for the voice ${this.voice.name} of espeak-ng, received ${received}`
    return new EngineError('invalid', `${message}. Leave it out, or choose a Piper voice`)
  }
}

/** As BCP 47: `en-us` is `en-US`, `fr-fr` `fr-FR`. */
function toLanguageTag(name: string): string {
  try {
    return Intl.getCanonicalLocales(name)[0] ?? name
  } catch {
    // espeak-ng has names that are no languages, as variants of accents.
    return name
  }
}

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
    const { name } = this.voice
    const refuse = (what: string) => {
      throw new EngineError(
        'invalid',
        `Expected ${what} for the voice ${name} of espeak-ng. Leave it out, or choose a Piper voice`,
      )
    }
    if (speaker !== undefined) refuse(`no speaker, received ${speaker},`)
    if (noiseScale !== undefined || noiseWidth !== undefined) refuse('neither noise scale nor noise width')
    const slowestSpeed = slowest / ownWordsPerMinute
    if (!(speed >= slowestSpeed && speed <= fastest / ownWordsPerMinute))
      refuse(`a speed of ${slowestSpeed.toFixed(2)} to ${fastest / ownWordsPerMinute}, received ${speed},`)
  }

  say(clause: string, { speed = 1 }: SynthesisOptions, signal: AbortSignal): AsyncIterable<Int16Array> {
    const wordsPerMinute = Math.round(ownWordsPerMinute * speed)
    return this.#host.speak({ voice: this.voice.name, text: clause, wordsPerMinute }, { signal, deadlineMs })
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

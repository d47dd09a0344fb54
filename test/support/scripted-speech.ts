import { EngineError } from '../../engine/errors.ts'
import type {
  Recogniser,
  RecogniserOptions,
  Speech,
  SpokenSegment,
  SpokenSound,
  Synthesiser,
  SynthesisOptions,
  Voice,
  VoiceDetector,
} from '../../engine/inference/speech.ts'
import { HandSpotter } from './hand-spotter.ts'

/** A `Speech` that hears and says what its script holds, and keeps what it was asked. */
export class ScriptedSpeech implements Speech {
  /** What every audio is heard as. */
  segments: readonly SpokenSegment[] = [segment('and so my fellow', 0.35, 2.2), segment('Americans', 3.3, 4.4)]
  readonly heard: { readonly samples: Float32Array; readonly options: RecogniserOptions }[] = []
  readonly spoken: { readonly text: string; readonly options: SynthesisOptions }[] = []
  /** Chunks of sound that were fetched. */
  chunksGiven = 0
  /** Loops over segments or sound that were begun and have ended. */
  readonly loops = { begun: 0, ended: 0 }
  /** Waited for before each segment, or chunk, of this place. */
  gate: (at: number) => Promise<void> = async () => undefined
  /** Thrown at this segment, or chunk. */
  failure: { readonly at: number; readonly error: Error } | undefined
  sound: SoundScript = { sampleRate: 22_050, chunks: [tone(440, 22_050, 0.5), tone(440, 22_050, 0.5)] }
  available = true
  voices: readonly Voice[] = [voice('scripted-en', 'scripted'), voice('tone-de', 'tones', ['anna', 'ben'])]
  translates = false
  languages: Recogniser['languages'] = ['en', 'de']

  readonly detector: VoiceDetector = {
    name: 'scripted',
    open: () => Promise.reject(new Error('Expected no voice detection')),
  }

  readonly spotter = new HandSpotter()

  readonly synthesiser: Synthesiser = {
    voices: async () => this.voices,
    speak: (text, options, signal) => this.#speak(String(text), options, signal),
  }

  async recognisers(): Promise<readonly Recogniser[]> {
    return this.available ? [this.#recogniser()] : []
  }

  async recogniser(name?: string): Promise<Recogniser> {
    if (!this.available)
      throw new EngineError(
        'unavailable',
        'Expected a recogniser, there is none. Run: hailstream models pull whisper-tiny',
      )
    if (name !== undefined && name !== 'scripted-ears')
      throw new EngineError('not-found', `Expected scripted-ears, received ${name}`)
    return this.#recogniser()
  }

  #recogniser(): Recogniser {
    return {
      ...{ name: 'scripted-ears', backend: 'scripted', simulated: false, accuracy: 'high' },
      languages: this.languages,
      translates: this.translates,
      transcribe: (samples, options, signal) => {
        // Kept as a copy: they are only borrowed.
        this.heard.push({ samples: samples.slice(), options })
        return this.#play(this.segments, signal)
      },
      open: () => Promise.reject(new Error('Expected no stream of speech')),
    }
  }

  async #speak(text: string, options: SynthesisOptions, signal: AbortSignal): Promise<SpokenSound> {
    const { voice: name = 'scripted-en' } = options
    const known = (await this.synthesiser.voices()).find((candidate) => candidate.name === name)
    if (known === undefined) throw new EngineError('not-found', `Expected a voice of GET /api/voices, received ${name}`)
    this.spoken.push({ text, options })
    const { sampleRate, chunks } = this.sound
    return { voice: name, backend: known.backend, sampleRate, chunks: this.#play(chunks, signal) }
  }

  async *#play<T>(script: readonly T[], signal: AbortSignal): AsyncGenerator<T> {
    this.loops.begun++
    const gone = cancelled(signal)
    try {
      for (const [at, item] of script.entries()) {
        await Promise.race([this.gate(at), gone])
        if (this.failure?.at === at) throw this.failure.error
        this.chunksGiven++
        yield item
      }
    } finally {
      this.loops.ended++
    }
  }
}

interface SoundScript {
  readonly sampleRate: number
  readonly chunks: readonly Int16Array[]
}

function cancelled(signal: AbortSignal): Promise<never> {
  const gone = new Promise<never>((_, reject) => {
    const leave = () => reject(new EngineError('cancelled', 'The caller has left'))
    if (signal.aborted) leave()
    signal.addEventListener('abort', leave, { once: true })
  })
  gone.catch(() => undefined) // nobody may be waiting just then
  return gone
}

/** A segment of which each word takes as long as the others. */
export function segment(text: string, start: number, end: number): SpokenSegment {
  const spoken = text.split(' ')
  const step = (end - start) / spoken.length
  const words = spoken.map((word, i) => ({ text: word, start: start + i * step, end: start + (i + 1) * step }))
  return { text, start, end, words, language: 'en' }
}

/** A sine of half the full scale. */
export function tone(hertz: number, sampleRate: number, seconds: number): Int16Array {
  return Int16Array.from({ length: Math.round(sampleRate * seconds) }, (_, i) =>
    Math.round(16_000 * Math.sin((2 * Math.PI * hertz * i) / sampleRate)),
  )
}

function voice(name: string, backend: string, speakers: readonly string[] = []): Voice {
  return {
    ...{ name, backend, language: 'en-US', state: 'available', why: 'scripted', sampleRate: 22_050, speakers },
  }
}

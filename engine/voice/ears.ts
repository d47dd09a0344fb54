import { Resampler } from '../audio/resampler.ts'
import { EngineError } from '../errors.ts'
import { type Recogniser, type RecogniserOptions, speechRate, type VoiceDetection } from '../inference/speech.ts'
import type { EchoGate } from './echo-gate.ts'
import { failureOf } from './failure-of.ts'
import type { TurnDetection } from './settings.ts'
import { placeOf, SoundBuffer } from './sound-buffer.ts'
import { SpeechFinder } from './speech-finder.ts'
import { TurnHearing } from './turn-hearing.ts'
import type { UntimedEvent } from './voice-request.ts'

/** Sound that may wait: ten minutes, 19 MB. */
const mostSamples = 600 * speechRate
/** Of sound in which a detector has heard nobody, the newest minute is kept: a client may still commit it by hand. */
const quietSamples = 60 * speechRate

/** What ears are made of. */
export interface EarsOptions {
  /** The ears' from then on. */
  readonly detection: VoiceDetection
  readonly recogniser: () => Promise<Recogniser>
  readonly tell: (event: UntimedEvent) => void
  /** Knows the session's own sound, which is nobody's speech. */
  readonly echo: EchoGate
  readonly onDetectorFailure: (error: unknown) => void
}

/** The listening side of a voice session: sound of any rate in, speech, silence, partial texts and transcripts out. */
export class Ears implements AsyncDisposable {
  readonly #options: EarsOptions
  readonly #sound = new SoundBuffer()
  readonly #finder: SpeechFinder
  readonly #turns = new Map<number, TurnHearing>()
  readonly #works = new Set<Promise<void>>()
  #resampler: Resampler | undefined
  #rate = 0
  #inputMs = 0
  /** Sound before this place was used or is not wanted. */
  #used = 0
  #isDetecting = false

  constructor(options: EarsOptions) {
    this.#options = options
    const { detection, echo, tell, onDetectorFailure } = options
    this.#finder = new SpeechFinder({ detection, echo, sound: this.#sound, tell, onFailure: onDetectorFailure })
  }

  /** Throws `busy` when too much would wait, `invalid` for a rate that no microphone has. */
  hear(samples: Int16Array, sampleRate: number): void {
    if (!Number.isInteger(sampleRate) || sampleRate < 4000 || sampleRate > 384_000)
      throw new EngineError('invalid', `Expected a sample rate of 4000 to 384000, received ${sampleRate}`)
    const more = (samples.length * speechRate) / sampleRate
    if (this.#sound.end - this.#sound.start + more > mostSamples)
      throw new EngineError('busy', 'Expected at most 10 minutes of sound to wait, more came. Commit or clear it first')
    if (sampleRate !== this.#rate) this.#changeRate(sampleRate)
    this.#inputMs += (samples.length * 1000) / sampleRate
    this.#sound.append(this.#resampler ? this.#resampler.push(samples) : samples.slice())
    this.#options.echo.hear(this.#sound.end)
    this.#options.tell({ type: 'audio', ms: (samples.length * 1000) / sampleRate })
    this.#wake()
  }

  /** Whether, and with which threshold, speech is looked for, and how much of the sound was used. */
  heed(detection: TurnDetection | null, usedMs: number): void {
    this.#isDetecting = detection !== null
    this.#used = placeOf(usedMs)
    this.#finder.heed(detection)
  }

  listen(turn: number, fromMs: number, options: RecogniserOptions): void {
    const { recogniser, tell } = this.#options
    const hearing = new TurnHearing({
      ...{ sound: this.#sound, from: placeOf(fromMs), recogniser, options },
      onPartial: (text) => tell({ type: 'partial', turn, text }),
      onText: (text) => tell({ type: 'transcript', turn, text }),
      onFailure: (error) => tell({ type: 'failed', turn, stage: 'recogniser', ...failureOf(error) }),
    })
    this.#turns.set(turn, hearing)
    const work = hearing.ended.finally(() => {
      this.#works.delete(work)
      if (this.#turns.get(turn) === hearing) this.#turns.delete(turn)
    })
    this.#works.add(work)
  }

  transcribe(turn: number, toMs: number): void {
    if (placeOf(toMs) > this.#sound.end) this.#flush()
    this.#turns.get(turn)?.finish(placeOf(toMs))
  }

  forget(turn: number): void {
    this.#turns.get(turn)?.abort()
    this.#turns.delete(turn)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const hearing of this.#turns.values()) hearing.abort()
    await Promise.all([this.#finder[Symbol.asyncDispose](), ...this.#works])
  }

  #changeRate(sampleRate: number): void {
    this.#flush()
    this.#rate = sampleRate
    this.#resampler = sampleRate === speechRate ? undefined : new Resampler(sampleRate, speechRate)
  }

  /** A resampler knows the last millisecond only when more comes, which may belong to the next turn: it ends here. */
  #flush(): void {
    if (!this.#resampler) return
    const missing = placeOf(this.#inputMs) - this.#sound.end
    const rest = this.#resampler.end().subarray(0, Math.max(0, missing))
    const all = new Int16Array(Math.max(0, missing))
    all.set(rest)
    this.#sound.append(all)
    this.#resampler = new Resampler(this.#rate, speechRate)
    this.#wake()
  }

  #wake(): void {
    this.#finder.wake()
    for (const hearing of this.#turns.values()) hearing.wake()
    const places = [...this.#turns.values()].map(({ place }) => place)
    const kept = this.#isDetecting ? Math.max(this.#used, this.#sound.end - quietSamples) : this.#used
    this.#sound.forgetBefore(Math.min(kept, this.#finder.place - quietLead, ...places))
  }
}

/** Of the sound that was looked at, what the beginning of a turn may still reach back to: the longest prefix that a client may ask for, and the lateness of the detector. */
const quietLead = 11 * speechRate

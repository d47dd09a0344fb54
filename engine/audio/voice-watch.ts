import { Endpointer, type EndpointerOptions } from '../inference/endpointer.ts'
import { speechRate, type VoiceDetection, voiceStep } from '../inference/speech.ts'
import { type Sound, SoundFit } from './sound-fit.ts'

/** A step of sound as speech is looked for in it. */
export interface WatchedStep {
  /** `voiceStep` samples of 16 kHz mono, −1 to 1. */
  readonly samples: Float32Array
  /** `start`, `end`: speech has begun or ended, as the endpointer is sure of with this step. */
  readonly change: 'start' | 'end' | undefined
}

/** Looks for speech in sound of any format, step by step of 32 ms. Owns its detection; whoever made it disposes it. */
export class VoiceWatch implements AsyncDisposable {
  readonly #detection: VoiceDetection
  readonly #endpointer: Endpointer
  readonly #fit = new SoundFit({ sampleRate: speechRate, channels: 1 })
  #rest = new Float32Array(0)

  constructor(detection: VoiceDetection, endpoints: Partial<EndpointerOptions>) {
    this.#detection = detection
    this.#endpointer = new Endpointer(endpoints)
  }

  /** The steps that are whole with this sound, in order. Rejects as the detection does; what it heard is lost then. */
  async hear(sound: Sound): Promise<WatchedStep[]> {
    const steps = this.#cut(this.#fit.push(sound))
    const probabilities = await Promise.all(steps.map((step) => this.#detection.next(step)))
    return steps.map((samples, i) => ({ samples, change: this.#endpointer.step(probabilities[i] ?? 0) }))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#detection[Symbol.asyncDispose]()
  }

  #cut(samples: Int16Array): Float32Array[] {
    const all = new Float32Array(this.#rest.length + samples.length)
    all.set(this.#rest)
    for (const [i, sample] of samples.entries()) all[this.#rest.length + i] = sample / 32_768
    const count = Math.floor(all.length / voiceStep)
    this.#rest = all.slice(count * voiceStep)
    return Array.from({ length: count }, (_, i) => all.slice(i * voiceStep, (i + 1) * voiceStep))
  }
}

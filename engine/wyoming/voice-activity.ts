import { Endpointer, stepMs } from '../inference/endpointer.ts'
import { SampleQueue } from '../inference/sample-queue.ts'
import { type Speech, speechRate, type VoiceDetection, voiceStep } from '../inference/speech.ts'
import type { SendEvent, SoundTaker } from './exchange.ts'

const stepsAtOnce = 32
/** One piece of sound is looked at before the next is taken. */
const mostWaitingSeconds = 600

/** Tells when somebody begins and ceases to speak, in milliseconds from the first sample. */
export class VoiceActivity implements SoundTaker {
  readonly #send: SendEvent
  readonly #detection: VoiceDetection
  readonly #endpointer = new Endpointer()
  readonly #steps = new SampleQueue(voiceStep, mostWaitingSeconds * speechRate)
  #waiting = 0
  #heardMs = 0

  private constructor(detection: VoiceDetection, send: SendEvent) {
    this.#detection = detection
    this.#send = send
  }

  static async open(speech: Speech, send: SendEvent): Promise<VoiceActivity> {
    return new VoiceActivity(await speech.detector.open(), send)
  }

  async push(samples: Float32Array): Promise<void> {
    this.#steps.push(samples)
    this.#waiting += samples.length
    while (this.#waiting >= voiceStep) await this.#hear()
  }

  async finish(): Promise<void> {
    this.#steps.end()
    if (this.#waiting > 0) await this.#hear()
    if (this.#endpointer.speaking) await this.#tell('voice-stopped')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#detection[Symbol.asyncDispose]()
  }

  async #hear(): Promise<void> {
    const steps = await this.#steps.take(stepsAtOnce)
    this.#waiting -= steps.length * voiceStep
    const probabilities = await Promise.all(steps.map((step) => this.#detection.next(step)))
    for (const probability of probabilities) {
      this.#heardMs += stepMs
      const event = this.#endpointer.step(probability)
      if (event) await this.#tell(event === 'start' ? 'voice-started' : 'voice-stopped')
    }
  }

  async #tell(type: string): Promise<void> {
    await this.#send(type, { timestamp: Math.round(this.#heardMs) })
  }
}

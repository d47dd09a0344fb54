import { setTimeout as wait } from 'node:timers/promises'
import { Endpointer } from '../inference/endpointer.ts'
import { type VoiceDetection, voiceStep } from '../inference/speech.ts'
import type { EchoGate } from './echo-gate.ts'
import type { TurnDetection } from './settings.ts'
import { msOf, type SoundBuffer } from './sound-buffer.ts'
import type { UntimedEvent } from './voice-request.ts'

/** Steps that are asked about together, when sound comes faster than it is heard. */
const stepsAtOnce = 32
/** The turn machine times the silence itself: it is told of it as soon as it is no gap within a word. */
const gapMs = 64
const stepLengthMs = msOf(voiceStep)
/** By meaning there is no threshold to choose; Silero's own. */
const usualThreshold = 0.5
/** Silero's own distance: probabilities waver within a word. */
const hysteresis = 0.15
/** The detector's host may have died: it starts again within seconds. */
const retryMs = 200

/** What a finder listens with. */
export interface SpeechFinderOptions {
  /** The finder's from then on. */
  readonly detection: VoiceDetection
  readonly sound: SoundBuffer
  readonly echo: Pick<EchoGate, 'isEcho'>
  readonly tell: (found: UntimedEvent) => void
  /** The detector failed and is asked again. */
  readonly onFailure: (error: unknown) => void
}

/** Finds where somebody begins and ceases to speak. Each sample is looked at once. */
export class SpeechFinder implements AsyncDisposable {
  readonly #options: SpeechFinderOptions
  readonly #closing = new AbortController()
  readonly #running: Promise<void>
  #endpointer = new Endpointer({ silenceMs: gapMs })
  #isOn = false
  #threshold = usualThreshold
  #place = 0
  #heardSteps = 0
  #quietSteps = 0
  #wake: () => void = () => undefined

  constructor(options: SpeechFinderOptions) {
    this.#options = options
    this.#running = this.#run()
  }

  /** Sound before this place was looked at. */
  get place(): number {
    return this.#place
  }

  /** null: nobody wants to know; the sound is skipped. */
  heed(detection: TurnDetection | null): void {
    const threshold = detection?.type === 'server_vad' ? detection.threshold : usualThreshold
    const isOn = detection !== null
    if (isOn === this.#isOn && threshold === this.#threshold) return
    this.#isOn = isOn
    this.#threshold = threshold
    this.#endpointer = new Endpointer({
      silenceMs: gapMs,
      onAt: threshold,
      offBelow: Math.max(0.01, threshold - hysteresis),
    })
    this.#heardSteps = 0
    this.#quietSteps = 0
    if (!isOn) this.#options.detection.reset()
    this.wake()
  }

  /** More sound has come. */
  wake(): void {
    if (!this.#isOn) this.#place = this.#options.sound.end
    this.#wake()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort()
    this.#wake()
    await this.#options.detection[Symbol.asyncDispose]()
    await this.#running
  }

  async #run(): Promise<void> {
    const { sound } = this.#options
    while (!this.#closing.signal.aborted) {
      if (!this.#isOn || sound.end - this.#place < voiceStep) {
        await new Promise<void>((resolve) => (this.#wake = resolve))
        continue
      }
      await this.#listen().catch((error: unknown) => this.#onFailure(error))
    }
  }

  async #listen(): Promise<void> {
    const { sound, detection, echo } = this.#options
    const from = this.#place
    const count = Math.min(stepsAtOnce, Math.floor((sound.end - from) / voiceStep))
    const samples = sound.read(from, count * voiceStep)
    const steps = Array.from({ length: count }, (_, i) => samples.subarray(i * voiceStep, (i + 1) * voiceStep))
    const probabilities = await Promise.all(steps.map((step) => detection.next(step)))
    for (const [i, probability] of probabilities.entries()) {
      if (this.#place !== from + i * voiceStep || this.#closing.signal.aborted) return
      const isEcho = echo.isEcho(this.#place, steps[i] ?? samples)
      this.#place += voiceStep
      this.#judge(isEcho ? 0 : probability)
    }
  }

  #judge(probability: number): void {
    this.#heardSteps = probability >= this.#threshold - hysteresis ? this.#heardSteps + 1 : 0
    this.#quietSteps = this.#heardSteps > 0 ? 0 : this.#quietSteps + 1
    const event = this.#endpointer.step(probability)
    const endMs = msOf(this.#place)
    if (event === 'start') this.#options.tell({ type: 'speech', audioMs: endMs - this.#heardSteps * stepLengthMs })
    if (event === 'end') this.#tellSilence(endMs - this.#quietSteps * stepLengthMs, endMs)
  }

  /** Sound that is live has come up to now; of sound that comes faster, most is yet to be looked at. */
  #tellSilence(audioMs: number, endMs: number): void {
    const lastedMs = Math.min(msOf(this.#options.sound.end), endMs + stepLengthMs) - audioMs
    this.#options.tell({ type: 'silence', audioMs, lastedMs })
  }

  async #onFailure(error: unknown): Promise<void> {
    if (this.#closing.signal.aborted) return
    this.#options.onFailure(error)
    await wait(retryMs, undefined, { signal: this.#closing.signal }).catch(() => undefined)
  }
}

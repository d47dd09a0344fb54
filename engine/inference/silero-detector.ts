import { EngineError } from '../errors.ts'
import { detectorContext, detectorState } from '../hosts/speech-protocol.ts'
import { EnergyGate } from './energy-gate.ts'
import type { Use } from './residency-options.ts'
import type { Lease } from './resident.ts'
import { type VoiceDetection, type VoiceDetector, voiceStep } from './speech.ts'
import type { SpeechHost, SpeechModel } from './speech-host.ts'

/** Steps that may wait for an answer, 8 s of sound: whoever asks faster does not wait for what was asked. */
const maxWaiting = 256
/** A step takes a quarter of a millisecond; a machine on which this many do not end in time hears nothing live. */
const deadlineMs = 20_000
const use: Use = { priority: 'realtime', user: 'voice activity' }
const memorySize = detectorState + detectorContext

interface Waiting {
  readonly samples: Float32Array
  resolve(probability: number): void
  reject(error: unknown): void
}

/** What the detector needs: the host, and where its network is, which throws `unavailable` when there is none. */
export interface SileroDetectorOptions {
  readonly host: SpeechHost
  readonly model: () => Promise<SpeechModel>
}

/** Silero VAD in the speech host. One network serves all detections: what it remembers of each travels with its steps. */
export class SileroDetector implements VoiceDetector {
  readonly name = 'silero-vad'
  readonly #options: SileroDetectorOptions

  constructor(options: SileroDetectorOptions) {
    this.#options = options
  }

  async open(): Promise<VoiceDetection> {
    const { host } = this.#options
    const model = await this.#options.model()
    const closing = new AbortController()
    const lease = await host.lease(model, use, closing.signal)
    return new SileroDetection({ host, model, lease, closing })
  }
}

interface DetectionParts {
  readonly host: SpeechHost
  readonly model: SpeechModel
  readonly lease: Lease
  readonly closing: AbortController
}

/** Steps that come while one is asked about are asked about together. When the host has died, the next step loads the network anew; nothing heard is forgotten. */
class SileroDetection implements VoiceDetection {
  readonly #parts: DetectionParts
  readonly #gate = new EnergyGate()
  #memory = new Float32Array(memorySize)
  #waiting: Waiting[] = []
  #asking: Promise<void> | undefined

  constructor(parts: DetectionParts) {
    this.#parts = parts
  }

  next(samples: Float32Array): Promise<number> {
    const refusal = this.#refusal(samples)
    if (refusal) return Promise.reject(refusal)
    return new Promise((resolve, reject) => {
      this.#waiting.push({ samples: samples.slice(), resolve, reject })
      this.#asking ??= this.#askAll()
    })
  }

  reset(): void {
    this.#memory = new Float32Array(memorySize)
    this.#gate.reset()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const { closing, lease } = this.#parts
    closing.abort()
    await this.#asking
    lease[Symbol.dispose]()
  }

  #refusal(samples: Float32Array): EngineError | undefined {
    if (this.#parts.closing.signal.aborted) return new EngineError('closed', 'The voice detection is closed')
    if (samples.length !== voiceStep)
      return new EngineError('invalid', `Expected ${voiceStep} samples, received ${samples.length}`)
    if (this.#waiting.length >= maxWaiting)
      return new EngineError(
        'busy',
        `Expected at most ${maxWaiting} steps to wait for the voice detector; wait for them`,
      )
    return undefined
  }

  async #askAll(): Promise<void> {
    // So that all that are asked for in one turn of the event loop go together.
    await Promise.resolve()
    while (this.#waiting.length > 0) {
      const batch = this.#waiting
      this.#waiting = []
      await this.#askBatch(batch).catch((error: unknown) => {
        for (const { reject } of batch) reject(error)
      })
    }
    this.#asking = undefined
  }

  async #askBatch(batch: readonly Waiting[]): Promise<void> {
    const loud = batch.filter(({ samples, resolve }) => {
      const opens = this.#gate.opens(samples)
      if (!opens) resolve(0)
      return opens
    })
    if (loud.length === 0) {
      this.#memory = new Float32Array(memorySize)
      return
    }
    const probabilities = await this.#ask(loud.map(({ samples }) => samples))
    for (const [i, { resolve }] of loud.entries()) resolve(probabilities[i] ?? 0)
  }

  async #ask(steps: readonly Float32Array[]): Promise<Float32Array> {
    const { host, model, closing } = this.#parts
    if (!host.isLoaded(model.name)) (await host.lease(model, use, closing.signal))[Symbol.dispose]()
    const samples = new Float32Array(steps.length * voiceStep)
    for (const [i, step] of steps.entries()) samples.set(step, i * voiceStep)
    const memory = this.#memory
    const options = { signal: closing.signal, deadlineMs }
    const answer = await host.ask('detect', { model: model.name, samples, memory }, options)
    // A reset meanwhile holds.
    if (this.#memory === memory) this.#memory = answer.memory as Float32Array<ArrayBuffer>
    return answer.probabilities
  }
}

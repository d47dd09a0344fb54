import { stat } from 'node:fs/promises'
import { EngineError } from '../errors.ts'
import type { HailoSegment } from '../native/hailo.ts'
import { type HailoLanguageHost, toLoss } from './hailo-language-host.ts'
import type { LearnedSizes } from './learned-sizes.ts'
import type { ModelPlaces, ModelStore } from './model-store.ts'
import { type AudioWindow, quietWindows } from './quiet-cuts.ts'
import type { Residency } from './residency.ts'
import type { Use } from './residency-options.ts'
import type { Lease, LoadableModel } from './resident.ts'
import { type OnWorked, Scheduler } from './scheduler.ts'
import {
  type Recogniser,
  type RecogniserOptions,
  type RecogniserStream,
  type SpokenSegment,
  speechRate,
} from './speech.ts'
import type { TrustedFiles } from './trusted-files.ts'

const device = 'hailo-speech'
/** A window takes a second or two; several clients may come first. */
const turnDeadlineMs = 120_000
const maxSeconds = 3600

/** What the device's recogniser is made with; all stay their owner's. */
export interface HailoRecogniserOptions {
  readonly host: HailoLanguageHost
  readonly store: Pick<ModelStore, 'look' | 'locateFiles'>
  readonly catalogue: { model(name: string): Parameters<ModelStore['look']>[0] }
  readonly residency: Residency
  readonly sizes: LearnedSizes
  /** Holds files to what they were when they were first used. */
  readonly trusted: TrustedFiles
  /** Makes a stream out of a recogniser of whole audio, which this one is. */
  readonly openStream: (recogniser: Recogniser, options: RecogniserOptions) => Promise<RecogniserStream>
  readonly onWorked?: OnWorked
}

/** Whisper on the Hailo device, beside a language model. Its windows of 10 s take turns, so that a long audio holds up nobody. Its owner disposes it. */
export class HailoRecogniser implements Recogniser, Disposable {
  readonly name = 'whisper-base'
  readonly backend = 'hailo'
  readonly simulated: boolean
  readonly languages = 'any'
  readonly translates = true
  readonly accuracy = 'high'
  readonly #options: HailoRecogniserOptions
  readonly #scheduler: Scheduler

  constructor(options: HailoRecogniserOptions) {
    this.#options = options
    this.simulated = options.host.simulated
    this.#scheduler = new Scheduler({ [device]: { depth: 1 } }, options.onWorked)
  }

  /** Where its file is, or why there is none; nothing is fetched. */
  look(): Promise<ModelPlaces> {
    const { store, catalogue } = this.#options
    return store.look(catalogue.model(this.name), 'hailo')
  }

  /** Throws `invalid` for options that it cannot heed, `too-large` for more than an hour, and as `Residency.acquire` does. */
  async *transcribe(
    samples: Float32Array,
    options: RecogniserOptions,
    signal: AbortSignal,
  ): AsyncGenerator<SpokenSegment, void, undefined> {
    checkOptions(options)
    if (samples.length > maxSeconds * speechRate)
      throw new EngineError(
        'too-large',
        `Expected at most an hour of audio, received ${Math.round(samples.length / speechRate)} s`,
      )
    const lease = await this.#acquire(signal)
    try {
      for (const window of quietWindows(samples)) {
        const part = samples.subarray(window.start, window.end)
        for (const segment of await this.#hear(part, options, signal)) yield toSpoken(segment, window, options)
      }
    } finally {
      lease[Symbol.dispose]()
    }
  }

  /** What is said in at most 10 s, for whoever cuts audio in another way. Borrows the samples. */
  async recognise(
    samples: Float32Array,
    options: RecogniserOptions,
    signal: AbortSignal,
  ): Promise<{ readonly text: string; readonly words: readonly []; readonly language: string | null }> {
    checkOptions(options)
    const lease = await this.#acquire(signal)
    try {
      const texts = (await this.#hear(samples, options, signal)).map(({ text }) => text.trim())
      return { text: texts.filter((text) => text !== '').join(' '), words: [], language: options.language ?? null }
    } finally {
      lease[Symbol.dispose]()
    }
  }

  open(options: RecogniserOptions): Promise<RecogniserStream> {
    checkOptions(options)
    return this.#options.openStream(this, options)
  }

  async warm(signal: AbortSignal): Promise<void> {
    const lease = await this.#acquire(signal)
    lease[Symbol.dispose]()
  }

  /** Refuses what waits. */
  [Symbol.dispose](): void {
    this.#scheduler[Symbol.dispose]()
  }

  async #acquire(signal: AbortSignal): Promise<Lease> {
    return this.#options.residency.acquire(await this.#loadable(), use, signal)
  }

  async #hear(
    samples: Float32Array,
    { language, translate = false }: RecogniserOptions,
    signal: AbortSignal,
  ): Promise<readonly HailoSegment[]> {
    const params = { model: this.name, samples, language: language ?? null, translate }
    const start = () => this.#options.host.transcribe(params, signal)
    const work = { device, resource: this.name, deadlineMs: turnDeadlineMs, start }
    try {
      return (await this.#scheduler.run(use.priority, work, signal)).segments
    } catch (error) {
      throw toLoss(error)
    }
  }

  async #loadable(): Promise<LoadableModel> {
    const { host, store, sizes, trusted } = this.#options
    const places = await store.locateFiles(this.name, 'hailo')
    if ('missing' in places)
      throw new EngineError(
        'unavailable',
        `Expected ${this.name} to be there: ${places.missing}. Fetch it: models pull ${this.name}`,
      )
    const path = places.paths[0]!
    const artefact = { model: this.name, backend: this.backend, fileBytes: (await stat(path)).size }
    return {
      name: this.name,
      backend: this.backend,
      memory: 'device',
      expectedBytes: (await sizes.bytesOf(artefact)) ?? artefact.fileBytes,
      isLoaded: () => host.isLoaded(this.name),
      load: async () => {
        await trusted.expect(path)
        const { bytes } = await host.load(this.name, path, 'speech')
        return sizes.learn(artefact, bytes ?? artefact.fileBytes)
      },
      unload: async () => (await host.unload(this.name)) ?? 0,
    }
  }
}

const use: Use = { priority: 'interactive', user: 'transcription' }

function checkOptions({ language, prompt }: RecogniserOptions): void {
  if (prompt !== undefined)
    throw new EngineError('invalid', 'Expected no prompt: the Hailo device’s recogniser cannot heed one')
  if (language !== undefined && !/^[a-z]{2,3}$/.test(language))
    throw new EngineError('invalid', `Expected a language as ISO 639-1, like en, received ${JSON.stringify(language)}`)
}

function toSpoken(
  { start, end, text }: HailoSegment,
  window: AudioWindow,
  { language }: RecogniserOptions,
): SpokenSegment {
  const offset = window.start / speechRate
  const latest = window.end / speechRate
  return {
    text: text.trim(),
    start: Math.min(offset + start, latest),
    end: Math.min(offset + end, latest),
    words: [],
    language: language ?? null,
  }
}

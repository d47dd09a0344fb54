import { stat } from 'node:fs/promises'
import type { Logger } from 'pino'
import { EngineError } from '../errors.ts'
import type { VisionBackend } from './backend.ts'
import type { Catalogue, ModelEntry } from './catalogue.ts'
import type { LearnedSizes } from './learned-sizes.ts'
import type { ModelStore } from './model-store.ts'
import type { LoadableModel } from './resident.ts'
import type { TrustedFiles } from './trusted-files.ts'

/** A model over whose loading the host died so often in a row is left out for a while: others may kill a host too. */
const maxDeaths = 3
const leftOutMs = 60_000
/** Each further death doubles that: it takes with it whatever else its host has loaded. */
const maxLeftOutMs = 3_600_000

/** Why a model is not tried. */
export interface NotTried {
  readonly reason: string
  /** It may be tried again after this time of `performance.now()`; infinite or left out: not by itself. */
  readonly until?: number
}

/** A file that did not load; another file of that name may. */
interface Failure extends NotTried {
  readonly name: string
  readonly version: string
  readonly until: number
}

/** A model whose file is there. */
export interface FoundModel {
  readonly entry: ModelEntry
  readonly model: LoadableModel
  readonly backend: VisionBackend
  /** Why this file, for the log and for health. */
  readonly why: string
  /** Path, size and time of the file. */
  readonly version: string
}

/** Where models come from, and what loads them. */
export interface LoadableModelsOptions {
  readonly catalogue: Catalogue
  readonly store: Pick<ModelStore, 'locate' | 'status'>
  /** Holds files to what they were when they were first used; left out: everything is taken. */
  readonly trusted?: TrustedFiles | undefined
  readonly sizes: LearnedSizes
  readonly log: Logger
}

/**
 * Models of the catalogue as the residency loads them, with the size that was learned of them, and what went wrong with them. A file
 * that does not load is named in the log once, and not tried again until it changes.
 */
export class LoadableModels {
  readonly #options: LoadableModelsOptions
  readonly #failures = new Map<string, Failure>()
  readonly #deaths = new Map<string, number>()
  /** Why others are not loaded that were asked for, until they are. */
  readonly #refusals = new Map<string, string>()

  constructor(options: LoadableModelsOptions) {
    this.#options = options
  }

  /** The model as it can be loaded, or the reason not to try it. May fetch or convert its file. */
  async find(name: string, backend: VisionBackend): Promise<FoundModel | NotTried> {
    const { store, catalogue, sizes } = this.#options
    const place = await store.locate(name, backend.name)
    if ('missing' in place) return { reason: place.missing }
    const { size: fileBytes, mtimeMs } = await stat(place.path)
    const version = `${place.path} ${fileBytes} ${mtimeMs}`
    const key = keyOf(name, backend)
    const failure = this.#failures.get(key)
    if (failure?.version === version && performance.now() < failure.until) return failure
    if (failure && failure.version !== version) this.#deaths.delete(key)
    this.#failures.delete(key)
    const distrust = await this.#distrust(place.path, backend)
    if (distrust !== undefined) return { reason: distrust }
    const artefact = { model: name, backend: backend.name, fileBytes }
    const model: LoadableModel = {
      name,
      backend: backend.name,
      memory: backend.memory,
      expectedBytes: (await sizes.bytesOf(artefact)) ?? backend.estimateBytes(fileBytes),
      isLoaded: () => backend.isLoaded(name),
      load: async () => sizes.learn(artefact, await this.#load(name, backend, { path: place.path, version })),
      unload: () => backend.unload(name),
    }
    return { entry: catalogue.entry(name, backend.name), why: place.why, model, backend, version }
  }

  /** Why this very file is not to be tried again; undefined when it may. */
  failureOf({ model, backend, version }: FoundModel): Failure | undefined {
    const failure = this.#failures.get(keyOf(model.name, backend))
    return failure?.version === version ? failure : undefined
  }

  /** Keeps for health why the model is not loaded. */
  refuse(name: string, backend: Pick<VisionBackend, 'name'>, reason: string): void {
    this.#refusals.set(keyOf(name, backend), reason)
  }

  /** Whether the model's file did not load on that backend. */
  hasFailed(name: string, backend: Pick<VisionBackend, 'name'>): boolean {
    return this.#failures.has(keyOf(name, backend))
  }

  /** Names of models whose files did not load on some backend. */
  failed(): string[] {
    return [...this.#failures.values()].map(({ name }) => name)
  }

  /** Why the model is not loaded although somebody asked for it; undefined when nothing went wrong. */
  reasonOf(name: string, backend: Pick<VisionBackend, 'name'>): string | undefined {
    const key = keyOf(name, backend)
    return this.#failures.get(key)?.reason ?? this.#refusals.get(key)
  }

  /** The driver of a device can fault on a crafted file: one that nobody publishes a hash for is held to what it was at its first use. */
  async #distrust(path: string, backend: VisionBackend): Promise<string | undefined> {
    return backend.memory === 'device' && !backend.simulated ? this.#options.trusted?.distrust(path) : undefined
  }

  async #load(name: string, backend: VisionBackend, file: { path: string; version: string }): Promise<number> {
    const key = keyOf(name, backend)
    await backend.start()
    try {
      const bytes = await backend.load(name, file.path)
      this.#deaths.delete(key)
      this.#refusals.delete(key)
      return bytes
    } catch (error) {
      this.#judge(name, backend, file.version, error)
      throw error
    }
  }

  /** Keeps the reason not to try this file again, when it is the file's fault. */
  #judge(name: string, backend: VisionBackend, version: string, error: unknown): void {
    if (!(error instanceof EngineError)) return
    const key = keyOf(name, backend)
    const deaths = (this.#deaths.get(key) ?? 0) + (error.code === 'unavailable' ? 1 : 0)
    this.#deaths.set(key, deaths)
    const itsFault = error.code === 'invalid' || error.code === 'timeout'
    if (!itsFault && deaths < maxDeaths) return
    const outMs = Math.min(maxLeftOutMs, leftOutMs * 2 ** (deaths - maxDeaths))
    const until = itsFault ? Number.POSITIVE_INFINITY : performance.now() + outMs
    this.#failures.set(key, { name, version, reason: error.message, until })
    this.#options.log.error({ model: name, backend: backend.name, reason: error.message }, 'model cannot be loaded')
  }
}

function keyOf(name: string, backend: Pick<VisionBackend, 'name'>): string {
  return `${backend.name} ${name}`
}

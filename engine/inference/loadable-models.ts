import { stat } from 'node:fs/promises'
import type { Logger } from 'pino'
import { EngineError } from '../errors.ts'
import type { Catalogue, ModelEntry } from './catalogue.ts'
import type { LearnedSizes } from './learned-sizes.ts'
import type { ModelStore } from './model-store.ts'
import type { OnnxBackend } from './onnx.ts'
import type { LoadableModel } from './resident.ts'

/** A model over whose loading the host died so often in a row is left out for a while: others may kill a host too. */
const maxDeaths = 3
const leftOutMs = 60_000

/** A file that did not load; another file of that name may. */
interface Failure {
  readonly version: string
  readonly reason: string
  /** Tried again after this time of `performance.now()`. */
  readonly until: number
}

/** A model whose file is there. */
export interface FoundModel {
  readonly entry: ModelEntry
  readonly model: LoadableModel
  /** Why this file, for the log and for health. */
  readonly why: string
  /** Path, size and time of the file. */
  readonly version: string
}

/** Where models come from, and what loads them. */
export interface LoadableModelsOptions {
  readonly catalogue: Catalogue
  readonly store: Pick<ModelStore, 'locate' | 'status'>
  readonly backend: OnnxBackend
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
  async find(name: string): Promise<FoundModel | { readonly reason: string }> {
    const { store, catalogue, backend, sizes } = this.#options
    const place = await store.locate(name)
    if ('missing' in place) return { reason: place.missing }
    const { size: fileBytes, mtimeMs } = await stat(place.path)
    const version = `${place.path} ${fileBytes} ${mtimeMs}`
    const failure = this.#failures.get(name)
    if (failure?.version === version && performance.now() < failure.until) return failure
    this.#failures.delete(name)
    const artefact = { model: name, backend: backend.name, fileBytes }
    const model: LoadableModel = {
      name,
      backend: backend.name,
      memory: 'host',
      expectedBytes: (await sizes.bytesOf(artefact)) ?? backend.estimateBytes(fileBytes),
      isLoaded: () => backend.isLoaded(name),
      load: async () => sizes.learn(artefact, await this.#load(name, place.path, version)),
      unload: () => backend.unload(name),
    }
    return { entry: catalogue.entry(name), why: `no Hailo device; ${place.why}`, model, version }
  }

  /** Why this very file is not to be tried again; undefined when it may. */
  failureOf({ model, version }: FoundModel): string | undefined {
    const failure = this.#failures.get(model.name)
    return failure?.version === version ? failure.reason : undefined
  }

  /** Keeps for health why the model is not loaded. */
  refuse(name: string, reason: string): void {
    this.#refusals.set(name, reason)
  }

  /** Names of models whose files did not load. */
  failed(): string[] {
    return [...this.#failures.keys()]
  }

  /** Why the model is not loaded although somebody asked for it; undefined when nothing went wrong. */
  reasonOf(name: string): string | undefined {
    return this.#failures.get(name)?.reason ?? this.#refusals.get(name)
  }

  async #load(name: string, path: string, version: string): Promise<number> {
    const { backend } = this.#options
    await backend.start()
    try {
      const bytes = await backend.load(name, path)
      this.#deaths.delete(name)
      this.#refusals.delete(name)
      return bytes
    } catch (error) {
      this.#judge(name, version, error)
      throw error
    }
  }

  /** Keeps the reason not to try this file again, when it is the file's fault. */
  #judge(name: string, version: string, error: unknown): void {
    if (!(error instanceof EngineError)) return
    const deaths = (this.#deaths.get(name) ?? 0) + (error.code === 'unavailable' ? 1 : 0)
    this.#deaths.set(name, deaths)
    const itsFault = error.code === 'invalid' || error.code === 'timeout'
    if (!itsFault && deaths < maxDeaths) return
    this.#deaths.delete(name)
    const until = itsFault ? Number.POSITIVE_INFINITY : performance.now() + leftOutMs
    this.#failures.set(name, { version, reason: error.message, until })
    this.#options.log.error({ model: name, reason: error.message }, 'model cannot be loaded')
  }
}

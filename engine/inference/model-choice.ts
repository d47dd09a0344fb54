import { stat } from 'node:fs/promises'
import type { Logger } from 'pino'
import { EngineError, messageOf } from '../errors.ts'
import type { Catalogue, ModelEntry } from './catalogue.ts'
import type { ModelStore } from './model-store.ts'
import type { OnnxBackend } from './onnx.ts'
import type { VisionTask } from './vision-task.ts'

/** A model over whose loading the host died so often in a row is left out for a while: others may kill a host too. */
const maxDeaths = 3
const leftOutMs = 60_000

/** The model that answers a task. */
export interface ChosenModel {
  readonly entry: ModelEntry
  /** Why this one, for the log and for health. */
  readonly why: string
}

/** A model of the catalogue as health shows it: where it is, or why it is not used. */
export interface LoadedModelStatus {
  readonly name: string
  readonly task: string
  readonly backend: string
  readonly state: 'available' | 'missing' | 'loading' | 'loaded' | 'failed'
  readonly why: string
}

/** What was chosen for one question, which is asked again when the host has died. */
interface Chosen extends ChosenModel {
  readonly again: () => Promise<ChosenModel>
}

/** A file that did not load; another file of that name may. */
interface Failure {
  readonly version: string
  readonly reason: string
  /** Tried again after this time of `performance.now()`. */
  readonly until: number
}

/** Chooses the model of a task: the first that is there and loads. A corrupt one is named once, and left out until its file changes. */
export class ModelChoice {
  readonly #catalogue: Catalogue
  readonly #store: Pick<ModelStore, 'locate' | 'status'>
  readonly #backend: OnnxBackend
  readonly #log: Logger
  readonly #chosen = new Map<string, Chosen>()
  readonly #searches = new Map<string, Promise<ChosenModel>>()
  readonly #loading = new Set<string>()
  readonly #failures = new Map<string, Failure>()
  readonly #deaths = new Map<string, number>()

  constructor(options: {
    catalogue: Catalogue
    store: Pick<ModelStore, 'locate' | 'status'>
    backend: OnnxBackend
    log: Logger
  }) {
    this.#catalogue = options.catalogue
    this.#store = options.store
    this.#backend = options.backend
    this.#log = options.log
  }

  /** The model that `choose` would give, where it is loaded already. */
  ready(task: VisionTask, model?: string): ChosenModel | undefined {
    const chosen = this.#chosen.get(keyOf(task, model))
    return chosen && this.#backend.isLoaded(chosen.entry.name) ? chosen : undefined
  }

  /** The host has died: loads what had been chosen with the next one, one after the other, before anybody asks. */
  async restore(): Promise<void> {
    for (const { entry, again } of [...this.#chosen.values()]) {
      // Whoever asks next hears of it as well.
      await again().catch((error) =>
        this.#log.debug({ model: entry.name, error: messageOf(error) }, 'model not loaded again'),
      )
    }
  }

  /** The loaded model that answers the task, or the one of that name. Loads once, however many ask; `unavailable` when there is none. */
  choose(task: VisionTask, model?: string): Promise<ChosenModel> {
    const chosen = this.ready(task, model)
    if (chosen) return Promise.resolve(chosen)
    const key = keyOf(task, model)
    const search = this.#searches.get(key) ?? this.#search(task, model, key).finally(() => this.#searches.delete(key))
    this.#searches.set(key, search)
    return search
  }

  /** Every model of the catalogue, as it is now. */
  async status(): Promise<LoadedModelStatus[]> {
    const whyLoaded = new Map([...this.#chosen.values()].map(({ entry, why }) => [entry.name, why]))
    return (await this.#store.status()).map((status) => {
      const { name } = status
      const state = this.#stateOf(name) ?? status.state
      const why = this.#failures.get(name)?.reason ?? whyLoaded.get(name) ?? status.why
      return { ...status, backend: this.#backend.name, state, why }
    })
  }

  /** Names of models whose files did not load. */
  failed(): string[] {
    return [...this.#failures.keys()]
  }

  #stateOf(name: string): LoadedModelStatus['state'] | undefined {
    if (this.#failures.has(name)) return 'failed'
    if (this.#loading.has(name)) return 'loading'
    return this.#backend.isLoaded(name) ? 'loaded' : undefined
  }

  async #search(task: VisionTask, model: string | undefined, key: string): Promise<ChosenModel> {
    const reasons: string[] = []
    for (const name of model === undefined ? task.models : [model]) {
      const tried = await this.#try(name)
      if ('reason' in tried) {
        reasons.push(`${name}: ${tried.reason}`)
        continue
      }
      if (this.#chosen.get(key)?.why !== tried.why)
        this.#log.info({ task: task.name, model: name, backend: this.#backend.name, why: tried.why }, 'model chosen')
      this.#chosen.set(key, { ...tried, again: () => this.choose(task, model) })
      return tried
    }
    throw new EngineError(
      'unavailable',
      `Expected a model for ${task.name} that is there and loads. ${reasons.join('; ')}`,
    )
  }

  async #try(name: string): Promise<ChosenModel | { reason: string }> {
    const place = await this.#store.locate(name)
    if ('missing' in place) return { reason: place.missing }
    const version = await versionOf(place.path)
    const failure = this.#failures.get(name)
    if (failure?.version === version && performance.now() < failure.until) return failure
    this.#failures.delete(name)
    await this.#backend.start()
    this.#loading.add(name)
    try {
      await this.#backend.load(name, place.path)
      this.#deaths.delete(name)
    } catch (error) {
      return this.#refuse(name, version, error)
    } finally {
      this.#loading.delete(name)
    }
    return { entry: this.#catalogue.entry(name), why: `no Hailo device; ${place.why}` }
  }

  /** The reason not to try this file again. Throws what is not the file's fault. */
  #refuse(name: string, version: string, error: unknown): Failure {
    if (!(error instanceof EngineError)) throw error
    const deaths = (this.#deaths.get(name) ?? 0) + (error.code === 'unavailable' ? 1 : 0)
    this.#deaths.set(name, deaths)
    const itsFault = error.code === 'invalid' || error.code === 'timeout'
    if (!itsFault && deaths < maxDeaths) throw error
    this.#deaths.delete(name)
    const until = itsFault ? Number.POSITIVE_INFINITY : performance.now() + leftOutMs
    const failure = { version, reason: error.message, until }
    this.#failures.set(name, failure)
    this.#log.error({ model: name, reason: failure.reason }, 'model cannot be loaded')
    return failure
  }
}

function keyOf(task: VisionTask, model?: string): string {
  return `${task.name}/${model ?? ''}`
}

async function versionOf(path: string): Promise<string> {
  const { size, mtimeMs } = await stat(path)
  return `${path} ${size} ${mtimeMs}`
}

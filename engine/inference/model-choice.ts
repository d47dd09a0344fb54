import type { Logger } from 'pino'
import { EngineError, messageOf } from '../errors.ts'
import type { Catalogue, ModelEntry } from './catalogue.ts'
import { isShortage } from './eviction.ts'
import { type FoundModel, LoadableModels, type LoadableModelsOptions } from './loadable-models.ts'
import type { ModelStore } from './model-store.ts'
import type { OnnxBackend } from './onnx.ts'
import type { Residency, Use } from './residency.ts'
import type { Lease, LoadableModel } from './resident.ts'
import type { VisionTask } from './vision-task.ts'

/** The model that answers a task. */
export interface ChosenModel {
  readonly entry: ModelEntry
  /** Why this one, for the log and for health. */
  readonly why: string
}

/** The same, kept loaded by a lease that whoever asked for it disposes. */
export interface LeasedModel extends ChosenModel {
  readonly lease: Lease
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
  readonly again: () => Promise<unknown>
}

/** How a model that was found is made resident. */
interface Taking<T> {
  load(model: LoadableModel): Promise<T>
  /** What is loaded already; undefined for any other. */
  loaded(name: string): T | undefined
}

interface Taken<T> extends ChosenModel {
  readonly taken: T
}

/**
 * Chooses the model of a task: the first that is there, loads, and fits the budget at all. A corrupt one is left out until its file
 * changes; one that is larger than the whole budget is left out as well.
 *
 * When the first does not fit now, because others hold the memory, no other one is loaded in its place: a momentary shortage must
 * not make answers worse, so the question is refused with `busy`. Only where another model of the task is loaded already does that
 * one answer, since it costs nothing: the answer names it, health says why, and the next session asks for the first one again.
 */
export class ModelChoice {
  readonly #catalogue: Catalogue
  readonly #store: Pick<ModelStore, 'status'>
  readonly #backend: OnnxBackend
  readonly #residency: Residency
  readonly #models: LoadableModels
  readonly #log: Logger
  readonly #chosen = new Map<string, Chosen>()
  /** Were to be preloaded in vain. */
  readonly #notPreloaded = new Set<string>()
  /** The host died with them, and they are not back. */
  readonly #lost = new Set<string>()

  constructor({ residency, ...options }: LoadableModelsOptions & { readonly residency: Residency }) {
    this.#catalogue = options.catalogue
    this.#store = options.store
    this.#backend = options.backend
    this.#residency = residency
    this.#models = new LoadableModels(options)
    this.#log = options.log
  }

  /** Whether the model that was chosen can be asked now. */
  isReady({ entry }: ChosenModel): boolean {
    return this.#backend.isLoaded(entry.name)
  }

  /**
   * The model that answers the task, or the one of that name, loaded, with a lease. Loads once, however many ask. Rejects with
   * `unavailable` when there is none, and as `Residency.acquire` does.
   */
  async choose(task: VisionTask, model: string | undefined, use: Use, signal: AbortSignal): Promise<LeasedModel> {
    const taking: Taking<Lease> = {
      load: (loadable) => this.#residency.acquire(loadable, use, signal),
      loaded: (name) => this.#residency.lease(name, use.user),
    }
    const chosen = this.#chosen.get(keyOf(task, model))
    const lease = chosen && taking.loaded(chosen.entry.name)
    if (chosen && lease) return { entry: chosen.entry, why: chosen.why, lease }
    const { entry, why, taken } = await this.#search(task, model, taking)
    return { entry, why, lease: taken }
  }

  /** Loads a model that nobody has asked yet. Rejects as `choose` does; then health tells it until the model is loaded. */
  async preload(name: string, signal: AbortSignal): Promise<void> {
    try {
      const found = await this.#models.find(name)
      if ('reason' in found) throw new EngineError('unavailable', `Expected ${name} to be there. ${found.reason}`)
      await this.#residency.preload(found.model, 'batch', signal)
    } catch (error) {
      if (!(error instanceof EngineError)) throw error
      this.#notPreloaded.add(name)
      this.#models.refuse(name, `not preloaded: ${error.message}`)
      throw error
    }
  }

  /** The host has died: loads what it had with the next one, one after the other, before anybody asks; what is in use first. */
  async restore(): Promise<void> {
    for (const name of this.#residency.dropLost()) this.#lost.add(name)
    for (const name of [...this.#lost]) {
      try {
        await this.#bringBack(name)
        this.#lost.delete(name)
      } catch (error) {
        // Whoever asks next hears of it as well. When the host has died again, its end brings us here again.
        if (!(error instanceof EngineError && error.code === 'unavailable')) this.#lost.delete(name)
        this.#log.debug({ model: name, error: messageOf(error) }, 'model not loaded again')
      }
    }
  }

  /** Every model of the catalogue, as it is now. */
  async status(): Promise<LoadedModelStatus[]> {
    const whyLoaded = new Map([...this.#chosen.values()].map(({ entry, why }) => [entry.name, why]))
    const failed = new Set(this.#models.failed())
    const loading = new Set(this.#residency.status().flatMap(({ name, state }) => (state === 'loading' ? name : [])))
    return (await this.#store.status()).map((status) => {
      const { name } = status
      const loaded = this.#backend.isLoaded(name)
      const state = failed.has(name) ? 'failed' : loading.has(name) ? 'loading' : loaded ? 'loaded' : status.state
      const why = this.#models.reasonOf(name) ?? (loaded ? whyLoaded.get(name) : undefined) ?? status.why
      return { ...status, backend: this.#backend.name, state, why }
    })
  }

  /** Names of models whose files did not load, or that were to be preloaded and are not there. */
  skipped(): string[] {
    const notPreloaded = [...this.#notPreloaded].filter((name) => this.#models.reasonOf(name) !== undefined)
    return [...new Set([...this.#models.failed(), ...notPreloaded])]
  }

  async #bringBack(name: string): Promise<void> {
    const chosen = [...this.#chosen.values()].find(({ entry }) => entry.name === name)
    if (chosen) return void (await chosen.again())
    const found = await this.#models.find(name)
    if ('model' in found) await this.#residency.preload(found.model, 'batch')
  }

  async #search<T>(task: VisionTask, model: string | undefined, taking: Taking<T>): Promise<Taken<T>> {
    const reasons: string[] = []
    for (const name of model === undefined ? task.models : [model]) {
      const found = await this.#models.find(name)
      if ('reason' in found) {
        reasons.push(`${name}: ${found.reason}`)
        continue
      }
      try {
        const taken = await taking.load(found.model)
        this.#note(task, model, found)
        return { ...found, taken }
      } catch (error) {
        const instead =
          model === undefined && isShortage(error, 'now') ? this.#insteadOf(name, task, taking) : undefined
        const reason = this.#passOver(found, error, instead !== undefined)
        if (instead) return instead
        reasons.push(`${name}: ${reason}`)
      }
    }
    const expected = `Expected a model for ${task.name} that is there and loads`
    throw new EngineError('unavailable', `${expected}. ${reasons.join('; ')}`)
  }

  #note(task: VisionTask, model: string | undefined, { entry, why }: ChosenModel): void {
    const key = keyOf(task, model)
    const known = this.#chosen.get(key)
    if (known?.why !== why || known.entry.name !== entry.name)
      this.#log.info({ task: task.name, model: entry.name, backend: this.#backend.name, why }, 'model chosen')
    const load = (loadable: LoadableModel) => this.#residency.preload(loadable, 'batch')
    this.#chosen.set(key, { entry, why, again: () => this.#search(task, model, { load, loaded: () => undefined }) })
  }

  /** Another model of the task that is loaded already. */
  #insteadOf<T>(first: string, task: VisionTask, taking: Taking<T>): Taken<T> | undefined {
    for (const name of task.models) {
      const taken = taking.loaded(name)
      if (taken === undefined) continue
      return { entry: this.#catalogue.entry(name), why: `loaded already, and ${first} does not fit now`, taken }
    }
    return undefined
  }

  /** The reason to go on without this one. Throws what is neither the fault of its file nor of its size, unless there is another. */
  #passOver(found: FoundModel, error: unknown, hasOther: boolean): string {
    const failure = this.#models.failureOf(found)
    if (failure !== undefined) return failure
    const isNow = isShortage(error, 'now')
    if (isNow || isShortage(error, 'ever')) this.#models.refuse(found.model.name, messageOf(error))
    if (isShortage(error, 'ever') || (isNow && hasOther)) return messageOf(error)
    throw error
  }
}

function keyOf(task: VisionTask, model?: string): string {
  return `${task.name}/${model ?? ''}`
}

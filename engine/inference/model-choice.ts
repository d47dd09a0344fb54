import type { Logger } from 'pino'
import { EngineError, messageOf } from '../errors.ts'
import type { VisionBackend } from './backend.ts'
import type { ModelEntry } from './catalogue.ts'
import { isShortage } from './eviction.ts'
import { type FoundModel, LoadableModels, type LoadableModelsOptions } from './loadable-models.ts'
import type { Residency } from './residency.ts'
import type { Use } from './residency-options.ts'
import type { Lease, LoadableModel } from './resident.ts'
import { SecondLook } from './second-look.ts'
import { type LoadedModelStatus, statusOfModels } from './vision-model-status.ts'

/** A device has room for what is too large for it now when others leave it. */
const roomAgainMs = 60_000

/** A question, or a step of one, and the models that answer it, the one that is preferred first. */
export interface AskedTask {
  readonly name: string
  readonly models: readonly string[]
}

/** The model that answers a task, and what runs it. */
export interface ChosenModel {
  readonly entry: ModelEntry
  readonly backend: VisionBackend
  /** Why this one, for the log and for health. */
  readonly why: string
}

/** The same, kept loaded by a lease that whoever asked for it disposes. */
export interface LeasedModel extends ChosenModel {
  readonly lease: Lease
  /** Of the choices, which all begin anew when a device comes: see `ModelChoice.reconsider`. */
  readonly epoch: number
}

/** What was chosen for one question, which is asked again when the host has died or a device has come. */
interface Chosen extends ChosenModel {
  readonly again: () => Promise<unknown>
}

/** How a model that was found is made resident. */
interface Taking<T> {
  load(model: LoadableModel): Promise<T>
  /** What is loaded already; undefined for any other. */
  loaded(name: string, backend: VisionBackend): T | undefined
}

interface Taken<T> extends ChosenModel {
  readonly taken: T
}

/** What a choice is made with. */
export interface ModelChoiceOptions extends LoadableModelsOptions {
  readonly residency: Residency
  /** The one that is preferred first. The last is always there. */
  readonly backends: readonly VisionBackend[]
  /** Why there is no Hailo backend among them at all. */
  readonly noHailo?: string | undefined
  /** Resolves when it is known which of them can be asked. */
  readonly settled?: (() => Promise<void>) | undefined
}

/**
 * Chooses the model of a task: the first that is there, loads, and fits the budget at all, on the first backend that can be asked: so a
 * task goes on in ONNX Runtime while the device is away. A corrupt file is left out until it changes; one that is larger than
 * the whole budget is left out as well.
 *
 * When the first does not fit now, because others hold the memory, no other one is loaded in its place: a momentary shortage must
 * not make answers worse, so the question is refused with `busy`. Only where another model of the task is loaded already does that
 * one answer, since it costs nothing: the answer names it, health says why, and the next session asks for the first one again.
 *
 * What was passed over for a reason that may pass is asked for again by itself, so that no stream stays with less for ever. Its owner
 * disposes it.
 */
export class ModelChoice implements Disposable {
  readonly #options: ModelChoiceOptions
  readonly #residency: Residency
  readonly #models: LoadableModels
  readonly #log: Logger
  readonly #chosen = new Map<string, Chosen>()
  /** Were to be preloaded in vain. */
  readonly #notPreloaded = new Set<string>()
  /** By backend: its host died with them, and they are not back. */
  readonly #lost = new Map<VisionBackend, Set<string>>()
  readonly #secondLook = new SecondLook(() => void this.reconsider())
  #epoch = 0

  constructor(options: ModelChoiceOptions) {
    this.#options = options
    this.#residency = options.residency
    this.#models = new LoadableModels(options)
    this.#log = options.log
  }

  /** Whether the model that was chosen can be asked now, and is still the one to ask. */
  isReady({ entry, backend, epoch }: LeasedModel): boolean {
    return epoch === this.#epoch && backend.isLoaded(entry.name)
  }

  /**
   * The model that answers the task, or the one of that name, loaded, with a lease. Loads once, however many ask. Rejects with
   * `unavailable` when there is none, and as `Residency.acquire` does.
   */
  async choose(task: AskedTask, model: string | undefined, use: Use, signal: AbortSignal): Promise<LeasedModel> {
    const epoch = this.#epoch
    const taking: Taking<Lease> = {
      load: (loadable) => this.#residency.acquire(loadable, use, signal),
      loaded: (name, { name: backend }) => this.#residency.lease(name, use.user, backend),
    }
    const chosen = this.#chosen.get(keyOf(task, model))
    const lease = chosen && taking.loaded(chosen.entry.name, chosen.backend)
    if (chosen && lease) return { entry: chosen.entry, backend: chosen.backend, why: chosen.why, lease, epoch }
    await this.#options.settled?.()
    const { entry, backend, why, taken } = await this.#search(task, model, taking)
    return { entry, backend, why, lease: taken, epoch }
  }

  /** Loads a model that nobody has asked yet. Rejects as `choose` does; then health tells it until the model is loaded. */
  async preload(name: string, signal: AbortSignal): Promise<void> {
    const [backend] = this.#backendsOf(name)
    try {
      if (!backend) throw new EngineError('unavailable', `Expected ${name} to be there. ${this.#whyNoBackend()}`)
      const found = await this.#models.find(name, backend)
      if ('reason' in found) throw new EngineError('unavailable', `Expected ${name} to be there. ${found.reason}`)
      await this.#residency.preload(found.model, 'batch', signal)
    } catch (error) {
      if (!(error instanceof EngineError)) throw error
      this.#notPreloaded.add(name)
      this.#models.refuse(name, backend ?? this.#lastBackend(), `not preloaded: ${error.message}`)
      throw error
    }
  }

  /** The backend's host has died: what it had is struck from the books. */
  lose(backend: VisionBackend): void {
    const lost = this.#lost.get(backend) ?? new Set()
    const isOurs = (name: string) => this.#options.catalogue.runs(name, backend.name)
    for (const name of this.#residency.dropLost(backend.name, isOurs)) lost.add(name)
    this.#lost.set(backend, lost)
  }

  /** Loads what the backend's host had with the next one, one after the other, before anybody asks; what is in use first. */
  async restore(backend: VisionBackend): Promise<void> {
    this.lose(backend)
    const lost = this.#lost.get(backend) ?? new Set()
    for (const name of [...lost]) {
      try {
        await this.#bringBack(name, backend)
        lost.delete(name)
      } catch (error) {
        // Whoever asks next hears of it as well. When the host has died again, its end brings us here again.
        if (!(error instanceof EngineError && error.code === 'unavailable')) lost.delete(name)
        this.#log.debug({ model: name, error: messageOf(error) }, 'model not loaded again')
      }
    }
  }

  /** A device has come, or may do more now: what was chosen before is chosen anew. What will be asked is loaded first, so that nobody waits for it. */
  async reconsider(): Promise<void> {
    for (const { again } of [...this.#chosen.values()]) {
      // Whoever asks next hears of it.
      await again().catch((error: unknown) => {
        if (!(error instanceof EngineError)) throw error
      })
    }
    this.#chosen.clear()
    this.#epoch++
  }

  [Symbol.dispose](): void {
    this.#secondLook[Symbol.dispose]()
  }

  /** Every model of the catalogue that a backend here runs, as it is now. */
  async status(): Promise<LoadedModelStatus[]> {
    const { catalogue, store, backends } = this.#options
    const whyLoaded = new Map([...this.#chosen.values()].map(({ entry, why }) => [entry.name, why]))
    return statusOfModels({ catalogue, store, backends, residency: this.#residency, models: this.#models, whyLoaded })
  }

  /** Names of models whose files did not load, or that were to be preloaded and are not there. */
  skipped(): string[] {
    const isRefused = (name: string) => this.#options.backends.some((backend) => this.#models.reasonOf(name, backend))
    return [...new Set([...this.#models.failed(), ...[...this.#notPreloaded].filter(isRefused)])]
  }

  async #bringBack(name: string, backend: VisionBackend): Promise<void> {
    const chosen = [...this.#chosen.values()].find((one) => one.entry.name === name && one.backend === backend)
    if (chosen) return void (await chosen.again())
    const found = await this.#models.find(name, backend)
    if ('model' in found) await this.#residency.preload(found.model, 'batch')
  }

  async #search<T>(task: AskedTask, model: string | undefined, taking: Taking<T>): Promise<Taken<T>> {
    const epoch = this.#epoch
    const reasons: string[] = []
    for (const { name, backend } of this.#candidates(task, model, reasons)) {
      const found = await this.#models.find(name, backend)
      if ('reason' in found) {
        reasons.push(`${name}: ${found.reason}`)
        this.#secondLook.at(found.until ?? Number.POSITIVE_INFINITY)
        continue
      }
      try {
        const taken = await taking.load(found.model)
        const why = this.#whyThis(found)
        // One that began before a device came says nothing about the choice since.
        if (epoch === this.#epoch) this.#note(task, model, { ...found, why })
        return { entry: found.entry, backend, why, taken }
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

  /** What to try, in this order; those that only a backend runs that is not there are named among the reasons. */
  #candidates(task: AskedTask, model: string | undefined, reasons: string[]) {
    const names = model === undefined ? task.models : [model]
    for (const name of names)
      if (this.#backendsOf(name).length === 0 && model !== undefined) reasons.push(`${name}: ${this.#whyNoBackend()}`)
    const { backends, catalogue } = this.#options
    return backends.flatMap((backend) =>
      backend.lack === undefined
        ? names.filter((name) => catalogue.runs(name, backend.name)).map((name) => ({ name, backend }))
        : [],
    )
  }

  /** Those that run the model and can be asked now. */
  #backendsOf(name: string): VisionBackend[] {
    const { backends, catalogue } = this.#options
    return backends.filter((backend) => catalogue.runs(name, backend.name) && backend.lack === undefined)
  }

  #lastBackend(): VisionBackend {
    return this.#options.backends.at(-1) as VisionBackend
  }

  #whyNoBackend(): string {
    const { backends, noHailo } = this.#options
    const lacks = backends.flatMap(({ lack }) => lack ?? [])
    return `it needs the Hailo device, but ${[...lacks, noHailo].find((lack) => lack !== undefined) ?? 'it is not there'}`
  }

  /** A backend that is not the preferred one says why. */
  #whyThis({ backend, why }: FoundModel): string {
    const { backends, noHailo = 'no Hailo device' } = this.#options
    const [first] = backends
    if (first === undefined || backend.name === 'hailo') return why
    return first === backend
      ? `${noHailo}; ${why}`
      : `${first.lack ?? 'no model of the task for the Hailo device is here'}; ${why}`
  }

  #note(task: AskedTask, model: string | undefined, { entry, backend, why }: ChosenModel): void {
    const key = keyOf(task, model)
    const known = this.#chosen.get(key)
    if (known?.why !== why || known.entry.name !== entry.name || known.backend !== backend)
      this.#log.info({ task: task.name, model: entry.name, backend: backend.name, why }, 'model chosen')
    const load = (loadable: LoadableModel) => this.#residency.preload(loadable, 'batch')
    const again = () => this.#search(task, model, { load, loaded: () => undefined })
    this.#chosen.set(key, { entry, backend, why, again })
  }

  /** Another model of the task that is loaded already. */
  #insteadOf<T>(first: string, task: AskedTask, taking: Taking<T>): Taken<T> | undefined {
    for (const backend of this.#options.backends)
      for (const name of task.models) {
        const taken = taking.loaded(name, backend)
        if (taken === undefined) continue
        const entry = this.#options.catalogue.entry(name, backend.name)
        return { entry, backend, why: `loaded already, and ${first} does not fit now`, taken }
      }
    return undefined
  }

  /** The reason to go on without this one. Throws what is neither the fault of its file nor of its size, unless there is another. */
  #passOver(found: FoundModel, error: unknown, hasOther: boolean): string {
    const failure = this.#models.failureOf(found)
    if (failure !== undefined) {
      this.#secondLook.at(failure.until)
      return failure.reason
    }
    const [isNow, isEver] = [isShortage(error, 'now'), isShortage(error, 'ever')]
    if (isNow || isEver) this.#models.refuse(found.model.name, found.backend, messageOf(error))
    if (isEver && found.model.memory === 'device') this.#secondLook.at(performance.now() + roomAgainMs)
    if (isEver || (isNow && hasOther)) return messageOf(error)
    // A device that was lost over the load: the next backend answers.
    if (found.backend.lack !== undefined) return messageOf(error)
    throw error
  }
}

function keyOf(task: AskedTask, model?: string): string {
  return `${task.name}/${model ?? ''}`
}

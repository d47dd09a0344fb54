import type { Logger } from 'pino'
import { EngineError, messageOf } from '../errors.ts'
import type { LanguageModel } from './language.ts'
import type { LanguageBackend, LanguageOffer } from './language-backend.ts'
import { type ChosenLanguage, pullAdvice } from './language-directory.ts'
import type { LearnedSizes } from './learned-sizes.ts'
import type { Residency, Use } from './residency.ts'
import type { LoadableModel } from './resident.ts'
import { unlessAborted } from './unless-aborted.ts'

/** The place that an exclusive backend's models take, as messages call it. */
const placeOf = (backend: string) => `the only place for a language model on ${backend}`

/** What loads and unloads language models. */
export interface LanguageLoadsOptions {
  /** Shared with all else that loads models. */
  readonly residency: Residency
  readonly sizes: LearnedSizes
  readonly log: Logger
  /** The engine's end. */
  readonly ending: AbortSignal
}

/** The right to ask a loaded model. Disposing it twice is allowed. */
export interface TakenLanguage extends Disposable {
  /** Milliseconds; 0 when it was loaded. */
  readonly loadMs: number
}

interface Held {
  readonly backend: LanguageBackend
  readonly model: LanguageModel
}

/** Loads language models through the residency, each once for all who ask, and remembers which files are no good. */
export class LanguageLoads {
  readonly #options: LanguageLoadsOptions
  readonly #held = new Map<string, Held>()
  /** Of servers' models, which nobody here evicts. */
  readonly #loading = new Map<string, Promise<unknown>>()
  readonly #failures = new Map<string, { readonly version: string; readonly reason: string }>()

  constructor(options: LanguageLoadsOptions) {
    this.#options = options
  }

  /** The loaded model; undefined when it is not, or not any more. */
  loaded(name: string): LanguageModel | undefined {
    const held = this.#held.get(name)
    return held?.backend.isLoaded(name) ? held.model : undefined
  }

  /** Why this very file is not to be tried again. */
  failureOf({ name, offer }: ChosenLanguage): string | undefined {
    const failure = this.#failures.get(name)
    return failure?.version === versionOf(offer) ? failure.reason : undefined
  }

  /** Loads it if need be. Rejects as `Residency.acquire` does, `unavailable` for one that is not here. */
  async take(chosen: ChosenLanguage, use: Use, signal: AbortSignal): Promise<TakenLanguage> {
    const { name, backend } = chosen
    if (this.loaded(name) === undefined) this.#expectGood(chosen)
    const wasLoaded = this.loaded(name) !== undefined
    const startedAt = performance.now()
    const lease = backend.memory === null ? noLease : undefined
    const taken = lease ?? (await this.#options.residency.acquire(await this.#loadable(chosen), use, signal))
    if (lease && !wasLoaded) await unlessAborted(this.#loadOnce(chosen), signal)
    return {
      loadMs: wasLoaded ? 0 : performance.now() - startedAt,
      [Symbol.dispose]: () => taken[Symbol.dispose](),
    }
  }

  /** Resolves with the milliseconds that it took. */
  async preload(chosen: ChosenLanguage, use: Use, signal: AbortSignal): Promise<number> {
    if (this.loaded(chosen.name)) return 0
    this.#expectGood(chosen)
    const startedAt = performance.now()
    if (chosen.backend.memory === null) await unlessAborted(this.#loadOnce(chosen), signal)
    else await this.#options.residency.preload(await this.#loadable(chosen), use.priority, signal)
    return performance.now() - startedAt
  }

  /** Throws `conflict` while it is in use. */
  async unload({ name, backend }: ChosenLanguage): Promise<void> {
    if (backend.memory !== null) return void (await this.#options.residency.unload(name))
    this.#held.delete(name)
    await backend.unload(name)
  }

  /** The backend has lost its host: loads again what is pinned or in use. */
  async restore(backend: LanguageBackend): Promise<void> {
    const { residency, log, ending } = this.#options
    const isOurs = (name: string) => this.#held.get(name)?.backend === backend
    const models = [...(await backend.offers())].map((offer) => ({ ...offer, backend, offer }))
    for (const name of residency.dropLost(isOurs)) {
      const { pinned, users } = residency.statusOf(name)
      const chosen = models.find((model) => model.name === name)
      if (!chosen || (!pinned && users.length === 0)) continue
      try {
        await this.preload(chosen, { priority: 'batch', user: 'restore' }, ending)
      } catch (error) {
        if (!(error instanceof EngineError)) throw error
        // Whoever asks next hears of it as well.
        log.debug({ model: name, error: messageOf(error) }, 'model not loaded again')
      }
    }
  }

  #expectGood(chosen: ChosenLanguage): void {
    const { name, offer, why } = chosen
    const failure = this.failureOf(chosen)
    if (failure !== undefined) throw new EngineError('unavailable', failure)
    if (offer.state === 'available') return
    const advice = offer.state === 'missing' ? `. ${pullAdvice(name)}` : ''
    throw new EngineError('unavailable', `Expected ${name} to be there: ${why}${advice}`)
  }

  #loadOnce(chosen: ChosenLanguage): Promise<unknown> {
    const { name } = chosen
    const loading = this.#loading.get(name) ?? this.#load(chosen).finally(() => this.#loading.delete(name))
    this.#loading.set(name, loading)
    return loading
  }

  async #loadable(chosen: ChosenLanguage): Promise<LoadableModel> {
    const { name, backend, offer } = chosen
    const artefact = { model: name, backend: backend.name, fileBytes: offer.bytes ?? 0 }
    const { sizes } = this.#options
    return {
      name,
      backend: backend.name,
      memory: backend.memory ?? 'host',
      ...(backend.exclusive && { place: placeOf(backend.name) }),
      expectedBytes: (await sizes.bytesOf(artefact)) ?? offer.estimatedBytes,
      isLoaded: () => this.#held.get(name)?.backend === backend && backend.isLoaded(name),
      load: async () => {
        const bytes = await this.#load(chosen)
        return artefact.fileBytes > 0 ? sizes.learn(artefact, bytes) : bytes
      },
      unload: () => {
        this.#held.delete(name)
        return backend.unload(name)
      },
    }
  }

  async #load({ name, backend, offer }: ChosenLanguage): Promise<number> {
    try {
      const { model, bytes } = await backend.load(name, this.#options.ending)
      this.#held.set(name, { backend, model })
      this.#failures.delete(name)
      return bytes
    } catch (error) {
      if (error instanceof EngineError && error.code === 'invalid') {
        this.#failures.set(name, { version: versionOf(offer), reason: error.message })
        this.#options.log.error({ model: name, reason: error.message }, 'model cannot be loaded')
      }
      throw error
    }
  }
}

const noLease: Disposable = { [Symbol.dispose]: () => undefined }

/** Another file of that name may be good. */
function versionOf({ bytes, modifiedAt }: LanguageOffer): string {
  return `${bytes} ${modifiedAt}`
}

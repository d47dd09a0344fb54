import type { Logger } from 'pino'
import { EngineError, messageOf } from '../errors.ts'
import type { LanguageModel } from './language.ts'
import type { LanguageBackend, LanguageOffer } from './language-backend.ts'
import { type ChosenLanguage, pullAdvice } from './language-directory.ts'
import type { LearnedSizes } from './learned-sizes.ts'
import type { Residency } from './residency.ts'
import type { Use } from './residency-options.ts'
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

/** Loads language models through the residency, each once for all who ask, and remembers which files are no good. */
export class LanguageLoads {
  readonly #options: LanguageLoadsOptions
  /** By backend and name: a model may be loaded by several. */
  readonly #held = new Map<string, LanguageModel>()
  /** Of servers' models, which nobody here evicts. */
  readonly #loading = new Map<string, Promise<unknown>>()
  readonly #failures = new Map<string, { readonly version: string; readonly reason: string }>()

  constructor(options: LanguageLoadsOptions) {
    this.#options = options
  }

  /** The loaded model; undefined when it is not, or not any more. */
  loaded(chosen: Pick<ChosenLanguage, 'name' | 'backend'>): LanguageModel | undefined {
    return chosen.backend.isLoaded(chosen.name) ? this.#held.get(keyOf(chosen)) : undefined
  }

  /** Why this very file is not to be tried again. */
  failureOf(chosen: ChosenLanguage): string | undefined {
    const failure = this.#failures.get(keyOf(chosen))
    return failure?.version === versionOf(chosen.offer) ? failure.reason : undefined
  }

  /** Loads it if need be. Rejects as `Residency.acquire` does, `unavailable` for one that is not here. */
  async take(chosen: ChosenLanguage, use: Use, signal: AbortSignal): Promise<TakenLanguage> {
    const wasLoaded = this.loaded(chosen) !== undefined
    if (!wasLoaded) this.#expectGood(chosen)
    const startedAt = performance.now()
    const lease = chosen.backend.memory === null ? noLease : undefined
    const taken = lease ?? (await this.#options.residency.acquire(await this.#loadable(chosen), use, signal))
    if (lease && !wasLoaded) await unlessAborted(this.#loadOnce(chosen), signal)
    return {
      loadMs: wasLoaded ? 0 : performance.now() - startedAt,
      [Symbol.dispose]: () => taken[Symbol.dispose](),
    }
  }

  /** Resolves with the milliseconds that it took. */
  async preload(chosen: ChosenLanguage, use: Use, signal: AbortSignal): Promise<number> {
    if (this.loaded(chosen)) return 0
    this.#expectGood(chosen)
    const startedAt = performance.now()
    if (chosen.backend.memory === null) await unlessAborted(this.#loadOnce(chosen), signal)
    else await this.#options.residency.preload(await this.#loadable(chosen), use.priority, signal)
    return performance.now() - startedAt
  }

  /** Throws `conflict` while it is in use. */
  async unload(chosen: ChosenLanguage): Promise<void> {
    const { name, backend } = chosen
    if (backend.memory !== null) return void (await this.#options.residency.unload(name))
    this.#held.delete(keyOf(chosen))
    await backend.unload(name)
  }

  /** The backend has lost its host: loads again what is pinned or in use. */
  async restore(backend: LanguageBackend): Promise<void> {
    const { residency, log, ending } = this.#options
    const isOurs = (name: string) => this.#held.has(keyOf({ name, backend }))
    const lost = residency.dropLost(backend.name, isOurs)
    const models = (await backend.offers()).map((offer) => ({ ...offer, backend, offer }))
    for (const name of lost) {
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
    const key = keyOf(chosen)
    const loading = this.#loading.get(key) ?? this.#load(chosen).finally(() => this.#loading.delete(key))
    this.#loading.set(key, loading)
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
      isLoaded: () => this.loaded(chosen) !== undefined,
      load: async () => {
        const bytes = await this.#load(chosen)
        return artefact.fileBytes > 0 ? sizes.learn(artefact, bytes) : bytes
      },
      unload: () => {
        this.#held.delete(keyOf(chosen))
        return backend.unload(name)
      },
    }
  }

  async #load(chosen: ChosenLanguage): Promise<number> {
    const { name, backend, offer } = chosen
    const key = keyOf(chosen)
    try {
      const { model, bytes } = await backend.load(name, this.#options.ending)
      this.#held.set(key, model)
      this.#failures.delete(key)
      return bytes
    } catch (error) {
      if (error instanceof EngineError && error.code === 'invalid') {
        this.#failures.set(key, { version: versionOf(offer), reason: error.message })
        this.#options.log.error({ model: name, reason: error.message }, 'model cannot be loaded')
      }
      throw error
    }
  }
}

const noLease: Disposable = { [Symbol.dispose]: () => undefined }

function keyOf({ name, backend }: Pick<ChosenLanguage, 'name' | 'backend'>): string {
  return `${backend.name} ${name}`
}

/** Another file of that name may be good. */
function versionOf({ bytes, modifiedAt }: LanguageOffer): string {
  return `${bytes} ${modifiedAt}`
}

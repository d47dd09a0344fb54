import { setMaxListeners } from 'node:events'
import type { Logger } from 'pino'
import { EngineError, messageOf } from '../errors.ts'
import type { Begun } from '../hosts/channel.ts'
import { EventBuffer } from './event-buffer.ts'
import { expectCapable } from './expect-capable.ts'
import { JoinedSignal } from './joined-signal.ts'
import type {
  Embeddings,
  Language,
  LanguageEvent,
  LanguageModel,
  LanguageModelStatus,
  LanguageRequest,
} from './language.ts'
import type { LanguageBackend } from './language-backend.ts'
import { type ChosenLanguage, LanguageDirectory } from './language-directory.ts'
import { LanguageLoads, type TakenLanguage } from './language-loads.ts'
import type { LearnedSizes } from './learned-sizes.ts'
import type { Residency } from './residency.ts'
import type { Use } from './residency-options.ts'
import { type OnWorked, Scheduler } from './scheduler.ts'
import type { Priority } from './vision.ts'

/** The longest wait for a turn: an answer takes up to a minute, and several may come first. */
const turnDeadlineMs: Readonly<Record<Priority, number>> = { realtime: 30_000, interactive: 300_000, batch: 3_600_000 }

/** Questions that may wait for one model: a house full of clients, whose questions are small beside the pictures of other engines. */
const mostInteractive = 128

/** What the engine's language is made with. */
export interface LanguageEngineOptions {
  /** In the order in which they are tried for a model; the engine's from then on. */
  readonly backends: readonly LanguageBackend[]
  /** Shared with all else that loads models; its owner's, like `sizes`. */
  readonly residency: Residency
  readonly sizes: LearnedSizes
  readonly log: Logger
  readonly onWorked?: OnWorked
}

/** One generation or embedding. */
interface Work {
  readonly chosen: ChosenLanguage
  readonly use: Use
  readonly signal: AbortSignal
}

/** Language models over all backends: which runs, who is next, what is loaded. Its owner disposes it. */
export class LanguageEngine implements Language, AsyncDisposable {
  readonly #backends: readonly LanguageBackend[]
  readonly #residency: Residency
  readonly #log: Logger
  readonly #directory: LanguageDirectory
  readonly #loads: LanguageLoads
  readonly #scheduler: Scheduler
  readonly #ending = new AbortController()

  constructor({ backends, residency, sizes, log, onWorked }: LanguageEngineOptions) {
    this.#backends = backends
    this.#residency = residency
    this.#log = log
    this.#directory = new LanguageDirectory(backends, log)
    this.#loads = new LanguageLoads({ residency, sizes, log, ending: this.#ending.signal })
    const lines = Object.fromEntries(backends.map(({ name, limits }) => [name, { mostInteractive, ...limits }]))
    this.#scheduler = new Scheduler(lines, onWorked)
    // Each request listens to it.
    setMaxListeners(0, this.#ending.signal)
    for (const backend of backends) backend.onLost?.(() => void this.#restore(backend))
  }

  async status(): Promise<readonly LanguageModelStatus[]> {
    return (await this.#directory.list()).map((chosen) => this.#statusOf(chosen))
  }

  async find(name: string | undefined): Promise<LanguageModelStatus> {
    return this.#statusOf(await this.#find(name))
  }

  async *generate(
    name: string | undefined,
    request: LanguageRequest,
    use: Use,
    signal: AbortSignal,
  ): AsyncGenerator<LanguageEvent, void, undefined> {
    const chosen = await this.#find(name)
    expectCapable(chosen.name, chosen.offer, request)
    const joined = new JoinedSignal(signal, this.#ending.signal)
    const work = { chosen, use, signal: joined.signal }
    const buffer = new EventBuffer()
    const cancel = () => buffer.end(new EngineError('cancelled', 'The caller gave up'))
    joined.signal.addEventListener('abort', cancel, { once: true })
    try {
      await this.#inTurn(work, (taken, queuedMs) => {
        const settled = this.#pump(work, { taken, queuedMs, request, buffer })
        return { answer: Promise.resolve(), settled }
      })
      yield* buffer.read()
    } finally {
      joined[Symbol.dispose]()
    }
  }

  async embed(name: string, texts: readonly string[], use: Use, signal: AbortSignal): Promise<Embeddings> {
    const chosen = await this.#find(name)
    if (!chosen.offer.capabilities.embedding)
      throw new EngineError('invalid', `Expected a model for embeddings, received ${chosen.name}`)
    const joined = new JoinedSignal(signal, this.#ending.signal)
    const work = { chosen, use, signal: joined.signal }
    try {
      return await this.#inTurn(work, (taken) => {
        const answer = this.#embed(work, texts, taken)
        return { answer, settled: answer.then(ignore, ignore) }
      })
    } finally {
      joined[Symbol.dispose]()
    }
  }

  async load(name: string, use: Use, signal: AbortSignal): Promise<number> {
    const joined = new JoinedSignal(signal, this.#ending.signal)
    try {
      return await this.#loads.preload(await this.#find(name), use, joined.signal)
    } finally {
      joined[Symbol.dispose]()
    }
  }

  async unload(name: string): Promise<void> {
    await this.#loads.unload(await this.#find(name))
  }

  keepAlive(name: string, seconds: number): void {
    const known = this.#directory.knownName(name)
    this.#residency.keepAlive(known, seconds)
    for (const backend of this.#backends) backend.keepAlive?.(known, seconds)
  }

  /** Loads these models one after the other. What goes wrong with one is logged, and the next one is loaded. */
  async preload(models: readonly string[]): Promise<void> {
    for (const model of models) {
      if (this.#ending.signal.aborted) return
      try {
        await this.load(model, { priority: 'batch', user: 'models.preload' }, this.#ending.signal)
      } catch (error) {
        if (!(error instanceof EngineError)) throw error
        if (!this.#ending.signal.aborted) this.#log.error({ model, reason: error.message }, 'model not preloaded')
      }
    }
  }

  /** Ends what runs and refuses what waits; the backends end with it. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#ending.abort()
    this.#scheduler[Symbol.dispose]()
    await Promise.all(this.#backends.map((backend) => backend[Symbol.asyncDispose]()))
  }

  #find(name: string | undefined): Promise<ChosenLanguage> {
    if (name !== undefined) return this.#directory.find(name)
    const byUse = this.#residency.status().toReversed()
    return this.#directory.default(byUse.filter(({ state }) => state === 'loaded').map((model) => model.name))
  }

  /** Takes the model, waits for a turn, and starts. The model is taken until the work has settled. */
  async #inTurn<T>(work: Work, start: (taken: TakenLanguage, queuedMs: number) => Begun<T>): Promise<T> {
    const { chosen, use, signal } = work
    const { name, backend } = chosen
    const taken = await this.#loads.take(chosen, use, signal)
    const takenAt = performance.now()
    let started = false
    const turn = {
      device: backend.name,
      resource: name,
      deadlineMs: turnDeadlineMs[use.priority],
      start: () => {
        started = true
        const begun = start(taken, performance.now() - takenAt)
        void begun.settled.then(() => taken[Symbol.dispose]())
        return begun
      },
    }
    try {
      return await this.#scheduler.run(use.priority, turn, signal)
    } finally {
      if (!started) taken[Symbol.dispose]()
    }
  }

  /** Never rejects: what goes wrong is the reader's. Resolves when nothing works for the answer any more. */
  async #pump(
    work: Work,
    answer: {
      readonly taken: TakenLanguage
      readonly queuedMs: number
      readonly request: LanguageRequest
      readonly buffer: EventBuffer
    },
  ): Promise<void> {
    const { taken, queuedMs, request, buffer } = answer
    try {
      const { model, loadMs } = await this.#loaded(work)
      for await (const event of model.generate(request, work.signal)) {
        const times = { queuedMs, loadMs: taken.loadMs + loadMs }
        buffer.push(event.type === 'done' ? { ...event, usage: { ...event.usage, ...times } } : event)
      }
      buffer.end()
    } catch (error) {
      buffer.end(error)
    }
  }

  async #embed(work: Work, texts: readonly string[], taken: TakenLanguage): Promise<Embeddings> {
    const { model, loadMs } = await this.#loaded(work)
    const embeddings = await model.embed(texts, work.signal)
    return { ...embeddings, loadMs: taken.loadMs + loadMs }
  }

  /** While it waited its host may have died: then it is loaded again. */
  async #loaded({ chosen, use, signal }: Work): Promise<{ readonly model: LanguageModel; readonly loadMs: number }> {
    const loaded = this.#loads.loaded(chosen)
    if (loaded) return { model: loaded, loadMs: 0 }
    const again = await this.#loads.take(chosen, use, signal)
    // The work itself has taken it already.
    again[Symbol.dispose]()
    const model = this.#loads.loaded(chosen)
    if (model) return { model, loadMs: again.loadMs }
    throw new EngineError('unavailable', `Expected ${chosen.name} to stay loaded, but its host died; try again`)
  }

  async #restore(backend: LanguageBackend): Promise<void> {
    try {
      await this.#loads.restore(backend)
    } catch (error) {
      if (!(error instanceof EngineError)) throw error
      this.#log.debug({ backend: backend.name, reason: messageOf(error) }, 'models not loaded again')
    }
  }

  #statusOf(chosen: ChosenLanguage): LanguageModelStatus {
    const { name, aliases, backend, offer, why } = chosen
    const { estimatedBytes: _estimated, ...described } = offer
    const failure = this.#loads.failureOf(chosen)
    const { state, bytes, expiresInMs } = this.#residency.statusOf(name)
    const loaded = this.#loads.loaded(chosen)
    return {
      ...described,
      aliases,
      backend: backend.name,
      simulated: backend.simulated,
      state: loaded ? 'loaded' : state === 'loading' ? 'loading' : failure !== undefined ? 'failed' : offer.state,
      why: failure ?? why,
      contextLength: loaded?.contextLength ?? offer.contextLength,
      memoryBytes: loaded && backend.memory !== null ? bytes : null,
      expiresAt: expiresInMs === null ? null : Math.round(Date.now() + expiresInMs),
    }
  }
}

function ignore(): void {
  // The one who asked hears of it.
}

import type { Logger } from 'pino'
import { EngineError } from '../errors.ts'
import { Host, type HostStatus, type OnHostStart, type SharedPool } from '../hosts/host.ts'
import type { LlamaProtocol } from '../hosts/llama-protocol.ts'
import { BadFiles } from './bad-files.ts'
import type { LanguageBackend, LanguageOffer, LoadedLanguage } from './language-backend.ts'
import { type FoundLlama, type LlamaFile, LlamaFiles, type LlamaPlaces } from './llama-files.ts'
import { LlamaLanguage } from './llama-language.ts'

/** The library's hundreds of files are read on the host's main thread, which answers nothing meanwhile: seconds on a busy machine or a slow card. */
const libraryMs = 20_000

/** Weights come from a slow card, and a network is laid out for the processor. */
const loadDeadlineMs = 300_000
/** What the model was asked ends first, after its token in flight. */
const unloadDeadlineMs = 130_000
const never = new AbortController().signal

/** What the backend is made with. */
export interface LlamaBackendOptions extends LlamaPlaces {
  readonly pool: SharedPool
  /** Of one model's inference, at least 1. */
  readonly threads: number
  /** Tokens that a context has at most; a model that was trained on fewer has those. Its memory is taken with the model. */
  readonly contextLength: number
  readonly log: Logger
  readonly onHostStart?: OnHostStart
  /** Left out: the engine's own. */
  readonly entry?: string
}

/** GGUF files by llama.cpp, in a host of its own, which is started by the first load and ended by the one who made the backend. */
export class LlamaBackend implements LanguageBackend {
  readonly name = 'llama'
  readonly simulated = false
  readonly memory = 'host'
  readonly exclusive = false
  /** Two at once would each be half as quick. */
  readonly limits = { depth: 1 }
  readonly #options: LlamaBackendOptions
  readonly #host: Host<LlamaProtocol>
  readonly #files: LlamaFiles
  readonly #bad: BadFiles
  /** By model: the incarnation of the host that has it. */
  readonly #loads = new Map<string, string>()
  readonly #listeners = new Set<() => void>()

  constructor(options: LlamaBackendOptions) {
    const { pool, log, onHostStart: onStart, entry = 'llama' } = options
    this.#options = options
    // One that dies with a model is started by the next load: it would be empty meanwhile.
    const timing = { pingMs: libraryMs }
    this.#host = new Host<LlamaProtocol>({ name: 'llama', entry, pool, log, restart: false, onStart, timing })
    this.#files = new LlamaFiles(options)
    this.#bad = new BadFiles(log)
    this.#host.onExit((borrower) => this.#lose(borrower))
  }

  async offers(): Promise<readonly LanguageOffer[]> {
    return (await this.#files.all()).map((found) => this.#judged(found))
  }

  async load(name: string, signal: AbortSignal): Promise<LoadedLanguage> {
    const { offer, file } = await this.#find(name)
    const { capabilities } = offer
    await this.#host.start()
    const { threads, contextLength } = this.#options
    const embeddingOnly = !capabilities.completion
    const params = { model: name, path: file.path, threads, contextLength, embeddingOnly }
    const borrower = this.#host.borrower
    try {
      const loaded = await this.#host.call('load', params, { signal, deadlineMs: loadDeadlineMs })
      this.#loads.set(name, borrower)
      this.#bad.forgive(name)
      const model = new LlamaLanguage(this.#host, { name, capabilities, contextLength: loaded.contextLength })
      return { model, bytes: loaded.bytes }
    } catch (error) {
      this.#bad.judge(name, file.version, error)
      throw error
    }
  }

  async unload(name: string): Promise<number> {
    if (!this.isLoaded(name)) return 0
    this.#loads.delete(name)
    const options = { signal: never, deadlineMs: unloadDeadlineMs }
    try {
      return (await this.#host.call('unload', { model: name }, options)).bytes
    } catch (error) {
      // A host that died, or was killed because it did not answer in time, holds nothing any more.
      if (error instanceof EngineError) return 0
      throw error
    }
  }

  isLoaded(name: string): boolean {
    return this.#host.state === 'up' && this.#loads.get(name) === this.#host.borrower
  }

  onLost(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** The child process, for health. */
  hosts(): HostStatus[] {
    return [this.#host.status]
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#host[Symbol.asyncDispose]()
  }

  async #find(name: string): Promise<{ readonly offer: LanguageOffer; readonly file: LlamaFile }> {
    const found = (await this.#files.all()).find(({ offer }) => offer.name === name)
    if (!found)
      throw new EngineError('not-found', `Expected the name of a GGUF model, received ${JSON.stringify(name)}`)
    const offer = this.#judged(found)
    if (offer.state === 'failed') throw new EngineError('invalid', offer.why)
    if (!found.file)
      throw new EngineError(
        'unavailable',
        `Expected the file of ${name}: ${offer.why}. Try: hailstream models pull ${name}`,
      )
    return { offer, file: found.file }
  }

  #lose(borrower: string): void {
    const lost = [...this.#loads].filter(([, host]) => host === borrower)
    for (const [name] of lost) this.#loads.delete(name)
    if (lost.length > 0) for (const listener of [...this.#listeners]) listener()
  }

  #judged({ offer, file }: FoundLlama): LanguageOffer {
    const reason = file && this.#bad.reasonOf(offer.name, file.version)
    return reason === undefined ? offer : { ...offer, state: 'failed', why: reason }
  }
}

import { setMaxListeners } from 'node:events'
import type { Logger } from 'pino'
import { EngineError } from '../errors.ts'
import type { BegunStream } from '../hosts/exchange.ts'
import type { HailoLanguageKind, HailoLanguageProtocol, HailoLoaded } from '../hosts/hailo-language-protocol.ts'
import type { HailoRefusal } from '../hosts/hailo-protocol.ts'
import { Host, type HostStatus, type OnHostStart, type SharedPool } from '../hosts/host.ts'
import { variantVariable } from '../native/addon.ts'
import type { HailoHealth, HailoNotice } from '../native/hailo.ts'
import { memoryFull } from './eviction.ts'
import type { HailoSupport } from './hailo-support.ts'

type Calls = HailoLanguageProtocol['calls']
type Streams = HailoLanguageProtocol['streams']

/** How long the host may take, in milliseconds; then it is killed, and started again. */
export interface HailoDeadlines {
  /** The library waits 10 s for an answer that it lost, and is asked once more; 5 s for others to leave. */
  readonly openMs: number
  /** As `openMs`; and a model that another host loads may keep the device from answering. One that hangs is found by it. */
  readonly healthMs: number
  /** 2.4 GB over the bus and into the device: the vendor says 13 s, users up to 60. */
  readonly loadMs: number
  /** Ends what runs first. */
  readonly unloadMs: number
  /** From the start of a generation to its first token: 2,048 tokens of prompt at the slowest model’s speed are 31 s. An abort meanwhile takes as long. */
  readonly firstTokenMs: number
  readonly tokenMs: number
  /** Tokens counted, contexts cleared, kept and restored, pictures decoded. */
  readonly callMs: number
  /** Of a window of 10 s; the library itself has no deadline here. */
  readonly transcribeMs: number
}
const usualDeadlines: HailoDeadlines = {
  openMs: 25_000,
  healthMs: 25_000,
  loadMs: 120_000,
  unloadMs: 30_000,
  firstTokenMs: 60_000,
  tokenMs: 10_000,
  callMs: 15_000,
  transcribeMs: 30_000,
}
/** The host itself ends what passes the deadline for tokens, and says so; only one that cannot is killed so much later. */
const graceMs = 2000
/** While models are loaded the device is looked after: nobody else would notice between two requests that it is gone. */
const healthEveryMs = 2000
const never = new AbortController().signal
// Each call listens to it.
setMaxListeners(0, never)

/** What a host of language and speech is made with. */
export interface HailoLanguageHostOptions {
  readonly support: HailoSupport
  readonly pool: SharedPool
  readonly log: Logger
  readonly onHostStart?: OnHostStart | undefined
  readonly deadlines?: Partial<HailoDeadlines>
}

/**
 * The host that has the device's language model and its speech recogniser, as the engine asks it. It is started by the first load. When it dies
 * its models are gone with it; whoever needs one loads it again. Its owner disposes it.
 */
export class HailoLanguageHost implements AsyncDisposable {
  readonly simulated: boolean
  readonly #host: Host<HailoLanguageProtocol>
  readonly #support: HailoSupport
  readonly #deadlines: HailoDeadlines
  /** By model: the incarnation of the host that has it. */
  readonly #loaded = new Map<string, string>()
  #opened: { readonly by: string; readonly done: Promise<unknown> } | undefined
  /** Its library cannot go on: the incarnation that ends itself. */
  #leaving: { readonly by: string; readonly done: Promise<void> } | undefined
  #watch: NodeJS.Timeout | undefined
  /** Under way. */
  #loads = 0

  constructor({ support, pool, log, onHostStart: onStart, deadlines }: HailoLanguageHostOptions) {
    this.simulated = support.simulated
    this.#support = support
    this.#deadlines = { ...usualDeadlines, ...deadlines }
    const env = { ...support.env, [variantVariable]: support.variant }
    this.#host = new Host({ name: 'language', entry: 'hailo-language', pool, log, restart: true, onStart, env })
    this.#host.on('recycling', ({ reason }) => {
      log.warn({ host: this.#host.name, reason }, 'host replaced: its library cannot go on')
      this.#leaving = { by: this.#host.borrower, done: this.#nextExit() }
    })
  }

  get status(): HostStatus {
    return this.#host.status
  }

  /** Told when models that were loaded are gone. */
  onLost(listener: () => void): () => void {
    return this.#host.onExit(() => {
      if (this.#loaded.size === 0) return
      this.#loaded.clear()
      listener()
    })
  }

  onNotice(listener: (notice: HailoNotice) => void): () => void {
    return this.#host.on('notice', listener)
  }

  /** Starts the host and opens the device, once for each incarnation. Rejects with `unavailable` where there is no device now. */
  async start(): Promise<void> {
    if (this.#isLeaving) await this.#leaving?.done
    await this.#host.start()
    const by = this.#host.borrower
    if (this.#opened?.by !== by) this.#opened = { by, done: this.#open(by) }
    await this.#opened.done
  }

  isLoaded(model: string): boolean {
    return this.#host.state === 'up' && !this.#isLeaving && this.#loaded.get(model) === this.#host.borrower
  }

  /** Rejects with `invalid` for a file that the device cannot run, `unavailable` for what may pass, and where the device's memory is full (see `memoryFull`). */
  async load(model: string, path: string, kind: HailoLanguageKind): Promise<HailoLoaded> {
    await this.start()
    const by = this.#host.borrower
    const loaded = await this.#load({ model, path, kind })
    if ('refused' in loaded) throw toError(loaded.refused)
    this.#loaded.set(model, by)
    this.#watch ??= this.#lookLater()
    return loaded
  }

  async unload(model: string): Promise<number | null> {
    if (!this.isLoaded(model)) return 0
    this.#loaded.delete(model)
    return (await this.#call('unload', { model }, this.#deadlines.unloadMs)).bytes
  }

  async countTokens(model: string, text: string): Promise<number> {
    return (await this.#call('countTokens', { model, text }, this.#deadlines.callMs)).tokens
  }

  async clearContext(model: string): Promise<void> {
    await this.#call('clearContext', { model }, this.#deadlines.callMs)
  }

  /** Bytes of the host's memory that the copy takes. */
  async keepContext(model: string, key: string): Promise<number> {
    return (await this.#call('keepContext', { model, key }, this.#deadlines.callMs)).bytes
  }

  async restoreContext(model: string, key: string): Promise<void> {
    await this.#call('restoreContext', { model, key }, this.#deadlines.callMs)
  }

  /** The slots are read until `settled`. */
  decodeFrame(params: Calls['decodeFrame']['params'], signal: AbortSignal) {
    return this.#host.begin('decodeFrame', params, { signal, deadlineMs: this.#deadlines.callMs })
  }

  forget(what: HailoLanguageProtocol['toHost']['forget']): void {
    if (what.contexts.length + what.frames.length > 0) this.#host.tell('forget', what)
  }

  /** See `HailoLanguageProtocol`. */
  generate(params: Streams['generate']['params'], signal: AbortSignal): BegunStream<Streams['generate']['item']> {
    const { firstTokenMs, tokenMs } = this.#deadlines
    const prompt = { firstTokenDeadlineMs: firstTokenMs, tokenDeadlineMs: tokenMs, ...params.prompt }
    const deadlineMs = firstTokenMs + tokenMs + graceMs
    return this.#host.beginStream('generate', { ...params, prompt }, { signal, deadlineMs })
  }

  /** 16 kHz mono, at most 10 s: the deadline is for so much. An abort is answered at once, and the work goes on until `settled`. */
  transcribe(params: Calls['transcribe']['params'], signal: AbortSignal) {
    return this.#host.begin('transcribe', params, { signal, deadlineMs: this.#deadlines.transcribeMs })
  }

  /** Opens the device if need be. */
  async health(): Promise<HailoHealth> {
    await this.start()
    return this.#call('health', {}, this.#deadlines.healthMs)
  }

  /** Ends the process, and with it all that runs. */
  async [Symbol.asyncDispose](): Promise<void> {
    clearTimeout(this.#watch)
    this.#watch = undefined
    await this.#host[Symbol.asyncDispose]()
  }

  get #isLeaving(): boolean {
    return this.#leaving?.by === this.#host.borrower
  }

  async #load(params: Calls['load']['params']): Promise<Calls['load']['result']> {
    this.#loads++
    try {
      return await this.#call('load', params, this.#deadlines.loadMs)
    } finally {
      this.#loads--
    }
  }

  /** Ends with the last model. What goes wrong ends the host, which tells it. */
  #lookLater(): NodeJS.Timeout {
    const look = async () => {
      const models = [...this.#loaded.keys()].filter((model) => this.isLoaded(model))
      // A load keeps the device from answering, and has a deadline of its own.
      if (models.length > 0 && this.#loads === 0)
        await this.#call('health', {}, this.#deadlines.healthMs).catch((error: unknown) => {
          if (!(error instanceof EngineError)) throw error
        })
      if (this.#watch !== undefined) this.#watch = models.length > 0 ? this.#lookLater() : undefined
    }
    return setTimeout(() => void look(), healthEveryMs).unref()
  }

  #nextExit(): Promise<void> {
    return new Promise((resolve) => {
      const forget = this.#host.onExit(() => {
        forget()
        resolve()
      })
    })
  }

  async #open(by: string): Promise<void> {
    try {
      await this.#call('open', { group: this.#support.group }, this.#deadlines.openMs)
    } catch (error) {
      // The next who asks tries again.
      if (this.#opened?.by === by) this.#opened = undefined
      throw error
    }
  }

  #call<M extends keyof Calls & string>(method: M, params: Calls[M]['params'], deadlineMs: number) {
    const answer = this.#host.call(method, params, { signal: never, deadlineMs }) as Promise<Calls[M]['result']>
    return answer.catch((error: unknown) => Promise.reject(toLoss(error)))
  }
}

/** A device that did not answer is one that is away: the same request can succeed once its host is started anew. */
export function toLoss(error: unknown): unknown {
  if (!(error instanceof EngineError) || error.code !== 'timeout') return error
  return new EngineError('unavailable', `${error.message}: its host is started anew; try again`, { cause: error })
}

function toError({ reaction, message }: HailoRefusal): EngineError {
  if (reaction === 'evict') return memoryFull(message)
  // A file that the device cannot run is not tried again until it changes.
  if (reaction === 'report') return new EngineError('invalid', message)
  return new EngineError('unavailable', `${message}; try again later`)
}

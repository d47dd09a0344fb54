import { setMaxListeners } from 'node:events'
import { EngineError } from '../errors.ts'
import { expectCapable } from './expect-capable.ts'
import { JoinedSignal } from './joined-signal.ts'
import type { Embeddings, LanguageEvent, LanguageModel, LanguageRequest } from './language.ts'
import type { LanguageBackend, LanguageOffer, LoadedLanguage } from './language-backend.ts'
import { expectPlainText } from './llama-question.ts'
import type { RemoteApi, RemoteEvent } from './remote-api.ts'
import { ollamaApi } from './remote-ollama.ts'
import { openaiApi } from './remote-openai.ts'
import { RemoteServer, type RemoteTiming, remoteTiming } from './remote-server.ts'

/** A server is asked for its models so often at most, whatever it answered. */
const askAgainMs = 5000
/** Answers at once: what more a server bears it decides, and says that it is busy. */
const depth = 8
/** Vectors in one request. */
const maxTexts = 256

const apis: Readonly<Record<'ollama' | 'openai', RemoteApi>> = { ollama: ollamaApi, openai: openaiApi }

/** A server as the configuration names it (`language.servers`). */
export interface RemoteSettings {
  readonly url: string
  readonly api: 'ollama' | 'openai'
  readonly name: string
  readonly keyFile: string | null
}

interface Listed {
  readonly at: number
  readonly offers: Promise<readonly LanguageOffer[]>
}

/** The models of one server elsewhere, which loads and unloads them itself. Asks it for nothing before somebody asks for its models. */
export class RemoteLanguage implements LanguageBackend {
  readonly name: string
  readonly simulated = false
  readonly memory = null
  readonly exclusive = false
  readonly limits = { depth }
  readonly #server: RemoteServer
  readonly #api: RemoteApi
  readonly #known = new Set<string>()
  /** Seconds, by model. */
  readonly #keepAlives = new Map<string, number>()
  readonly #closing = new AbortController()
  #listed: Listed | undefined
  #last: readonly LanguageOffer[] = []
  #problem: EngineError | undefined

  constructor({ url, api, name, keyFile }: RemoteSettings, timing: RemoteTiming = remoteTiming) {
    this.name = name
    this.#api = apis[api]
    this.#server = new RemoteServer({ url: toBase(url, api), name, keyFile }, timing)
    // Each request listens to it.
    setMaxListeners(0, this.#closing.signal)
  }

  /** What the server said within the last seconds; while it cannot be asked, what it said before, as `failed`. */
  offers(): Promise<readonly LanguageOffer[]> {
    const now = performance.now()
    if (this.#listed === undefined || now - this.#listed.at >= askAgainMs)
      this.#listed = { at: now, offers: this.#list() }
    return this.#listed.offers
  }

  /** Why it offers nothing, or what it did before only, for health; undefined while it answers. */
  get problem(): string | undefined {
    return this.#problem?.message
  }

  async load(name: string, signal: AbortSignal): Promise<LoadedLanguage> {
    const offer = { ...(await this.#find(name)), ...(await this.#describe(name)) }
    if (signal.aborted) throw new EngineError('cancelled', 'The caller gave up')
    this.#known.add(name)
    const parts = { server: this.#server, api: this.#api, keepAlive: () => this.#keepAlives.get(name) }
    return { model: new RemoteModel(offer, parts, this.#closing.signal), bytes: 0 }
  }

  async unload(name: string): Promise<number> {
    this.#known.delete(name)
    // The server may be gone: then it holds nothing for us.
    await this.#api.release?.(this.#server, name, this.#closing.signal).catch(ignoreExpected)
    return 0
  }

  isLoaded(name: string): boolean {
    return this.#known.has(name)
  }

  /** Goes with the next request; 0 also lets go at once what nobody uses. */
  keepAlive(name: string, seconds: number): void {
    // The engine tells every backend.
    if (!this.#last.some((offer) => offer.name === name)) return
    this.#keepAlives.set(name, seconds)
    if (seconds === 0) void this.#api.release?.(this.#server, name, this.#closing.signal).catch(ignoreExpected)
  }

  /** Ends what is asked of the server. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort()
    await this.#listed?.offers
  }

  async #list(): Promise<readonly LanguageOffer[]> {
    try {
      this.#last = await this.#api.list(this.#server, this.#closing.signal)
      this.#problem = undefined
      return this.#last
    } catch (error) {
      if (!(error instanceof EngineError)) throw error
      this.#problem = error
      return this.#last.map((offer) => ({ ...offer, state: 'failed', why: error.message }))
    }
  }

  /** What the server says of this model beyond its list; nothing where it does not. */
  async #describe(name: string): Promise<Partial<LanguageOffer>> {
    try {
      return (await this.#api.describe?.(this.#server, name, this.#closing.signal)) ?? {}
    } catch (error) {
      ignoreExpected(error)
      return {}
    }
  }

  async #find(name: string): Promise<LanguageOffer> {
    const offer = (await this.offers()).find((offered) => offered.name === name)
    if (!offer && this.#problem) throw new EngineError('unavailable', this.#problem.message)
    if (!offer)
      throw new EngineError('not-found', `Expected a model of server ${this.name}, received ${JSON.stringify(name)}`)
    if (offer.state === 'failed') throw new EngineError('unavailable', offer.why)
    return offer
  }
}

/** Of each server that the configuration names one backend, in its order. Their owner disposes them. */
export function createRemoteLanguages(servers: readonly RemoteSettings[]): RemoteLanguage[] {
  return servers.map((server) => new RemoteLanguage(server))
}

interface RemoteParts {
  readonly server: RemoteServer
  readonly api: RemoteApi
  readonly keepAlive: () => number | undefined
}

/** One model of a server. */
class RemoteModel implements LanguageModel {
  readonly name: string
  readonly capabilities: LanguageOffer['capabilities']
  readonly contextLength: number | null
  readonly #parts: RemoteParts
  readonly #closing: AbortSignal

  constructor(offer: LanguageOffer, parts: RemoteParts, closing: AbortSignal) {
    this.name = offer.name
    this.capabilities = offer.capabilities
    this.contextLength = offer.contextLength
    this.#parts = parts
    this.#closing = closing
  }

  async *generate(request: LanguageRequest, signal: AbortSignal): AsyncGenerator<LanguageEvent, void, undefined> {
    expectCapable(this.name, this, request)
    expectPlainText(request)
    const { server, api, keepAlive } = this.#parts
    const asked = api.toRequest(this.name, request, keepAlive())
    const clock = new AnswerClock()
    const joined = new JoinedSignal(signal, this.#closing)
    try {
      for await (const event of api.read(server.lines(asked, joined.signal), server.name)) {
        if (event.type === 'end') yield clock.done(event)
        else {
          clock.count(event)
          yield event
        }
      }
    } finally {
      joined[Symbol.dispose]()
    }
  }

  async embed(texts: readonly string[], signal: AbortSignal): Promise<Embeddings> {
    if (!this.capabilities.embedding)
      throw new EngineError('invalid', `Expected a model that embeds, but ${this.name} cannot. Ask another`)
    const joined = new JoinedSignal(signal, this.#closing)
    try {
      return await this.#embed(texts, joined.signal)
    } finally {
      joined[Symbol.dispose]()
    }
  }

  async #embed(texts: readonly string[], signal: AbortSignal): Promise<Embeddings> {
    const { server, api } = this.#parts
    const vectors: Float32Array[] = []
    let promptTokens = 0
    for (let at = 0; at < texts.length; at += maxTexts) {
      const part = texts.slice(at, at + maxTexts)
      const answer = await api.embed(server, this.name, part, signal)
      if (answer.vectors.length !== part.length)
        throw new EngineError(
          'unavailable',
          `Expected ${part.length} vectors from server ${server.name}, received ${answer.vectors.length}`,
        )
      vectors.push(...answer.vectors.map(toUnit))
      promptTokens += answer.promptTokens
    }
    return { vectors, promptTokens, loadMs: 0 }
  }
}

/** When the first and the last piece of an answer came, and how many there were. */
class AnswerClock {
  readonly #startedAt = performance.now()
  #firstAt: number | undefined
  #lastAt = 0
  #pieces = 0

  count(event: Exclude<RemoteEvent, { readonly type: 'end' }>): void {
    this.#lastAt = performance.now()
    this.#firstAt ??= this.#lastAt
    if (event.type !== 'tool-call') this.#pieces += event.tokens
  }

  /** Where the server does not count, its pieces are counted: most send one for each token. */
  done(end: Extract<RemoteEvent, { readonly type: 'end' }>): LanguageEvent {
    const firstAt = this.#firstAt ?? performance.now()
    const usage = {
      promptTokens: end.promptTokens ?? 0,
      cachedTokens: end.cachedTokens ?? 0,
      answerTokens: end.answerTokens ?? this.#pieces,
      queuedMs: 0,
      loadMs: 0,
      promptMs: firstAt - this.#startedAt,
      answerMs: Math.max(0, this.#lastAt - firstAt),
    }
    return { type: 'done', reason: end.reason, usage }
  }
}

function toUnit(values: readonly number[]): Float32Array {
  const length = Math.hypot(...values)
  return Float32Array.from(values, (value) => (length > 0 ? value / length : value))
}

/** Addresses are written with and without a slash, and OpenAI's with and without /v1. */
function toBase(url: string, api: 'ollama' | 'openai'): string {
  const base = url.replace(/\/+$/, '')
  return api === 'ollama' || base.endsWith('/v1') ? base : `${base}/v1`
}

function ignoreExpected(error: unknown): void {
  if (!(error instanceof EngineError)) throw error
}

import { readFile } from 'node:fs/promises'
import { EngineError, type ErrorCode, messageOf } from '../errors.ts'
import { Deadline } from '../hosts/exchange.ts'

/** How long a server is waited for, in milliseconds. */
export interface RemoteTiming {
  /** For a list of models, and all else that takes no model. */
  readonly askMs: number
  /** From the request to the first line of an answer: the server may have to load the model first. */
  readonly firstMs: number
  /** From one line to the next. */
  readonly betweenMs: number
}
export const remoteTiming: RemoteTiming = { askMs: 1500, firstMs: 300_000, betweenMs: 60_000 }

/** One line of a stream, at most: a call of a tool comes in one. */
const maxLineCharacters = 1 << 20
/** An answer that is no stream, at most: 2,048 vectors of 4,096 values are larger, and are asked for in parts. */
const maxAnswerBytes = 64 << 20
const maxErrorBytes = 16 << 10
const maxErrorCharacters = 500

/** Where a server is, and how it is spoken to. */
export interface RemoteAddress {
  /** Without a slash at its end. */
  readonly url: string
  /** As messages name it. */
  readonly name: string
  /** A file that holds the key; read for each request, so that it may change. */
  readonly keyFile: string | null
}

/** What is asked of a server. Without a body it is a GET. */
export interface RemoteRequest {
  readonly path: string
  readonly body?: unknown
}

/** A server of language models, by HTTP. What goes wrong with it becomes an EngineError that names it. */
export class RemoteServer {
  readonly name: string
  readonly #address: RemoteAddress
  readonly #timing: RemoteTiming

  constructor(address: RemoteAddress, timing: RemoteTiming = remoteTiming) {
    this.name = address.name
    this.#address = address
    this.#timing = timing
  }

  /** One answer in JSON, within `askMs`; or within `firstMs` where a model has to work for it. */
  async ask(request: RemoteRequest, wait: 'askMs' | 'firstMs', signal: AbortSignal): Promise<unknown> {
    const connection = new Connection(this.name, this.#timing[wait], signal)
    try {
      const response = await this.#send(request, connection)
      const text = await readText(response, maxAnswerBytes, this.name)
      return parseJson(text, this.name)
    } catch (error) {
      throw connection.explain(error)
    } finally {
      connection.close()
    }
  }

  /** The lines of a streamed answer, without their ends; leaving the loop closes the connection. */
  async *lines(request: RemoteRequest, signal: AbortSignal): AsyncGenerator<string, void, undefined> {
    const connection = new Connection(this.name, this.#timing.firstMs, signal)
    try {
      const response = await this.#send(request, connection)
      for await (const line of splitLines(response, this.name)) {
        connection.pause()
        yield line
        connection.wait(this.#timing.betweenMs)
      }
    } catch (error) {
      throw connection.explain(error)
    } finally {
      connection.close()
    }
  }

  async #send({ path, body }: RemoteRequest, { signal }: Connection): Promise<Response> {
    const response = await fetch(`${this.#address.url}${path}`, {
      method: body === undefined ? 'GET' : 'POST',
      headers: {
        ...(await this.#authorisation()),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      // Another server must not get the key, nor what somebody said.
      redirect: 'error',
      signal,
    })
    if (response.ok) return response
    throw await toRefusal(response, this.name)
  }

  async #authorisation(): Promise<Record<string, string>> {
    const { keyFile } = this.#address
    if (keyFile === null) return {}
    try {
      return { authorization: `Bearer ${(await readFile(keyFile, 'utf8')).trim()}` }
    } catch (error) {
      const message = `Expected the key of server ${this.name} in ${keyFile}: ${messageOf(error)}`
      throw new EngineError('unavailable', message, { cause: error })
    }
  }
}

/** The text as JSON. Throws `unavailable` for what is none. */
export function parseJson(text: string, server: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new EngineError(
      'unavailable',
      `Expected JSON from server ${server}, received ${JSON.stringify(text.slice(0, 100))}`,
      { cause: error },
    )
  }
}

/** One request on its way: ended by the one who asks, or by a deadline. */
class Connection {
  readonly #server: string
  readonly #controller = new AbortController()
  readonly #asker: AbortSignal
  readonly #late: EngineError
  readonly #leave = () => this.#controller.abort()
  #deadline: Deadline | undefined

  constructor(server: string, ms: number, asker: AbortSignal) {
    this.#server = server
    this.#asker = asker
    this.#late = new EngineError('timeout', `Expected server ${server} to answer in time, but it did not; try again`)
    if (asker.aborted) this.#leave()
    asker.addEventListener('abort', this.#leave, { once: true })
    this.wait(ms)
  }

  get signal(): AbortSignal {
    return this.#controller.signal
  }

  /** Waits anew. */
  wait(ms: number): void {
    this.pause()
    this.#deadline = new Deadline(ms, () => this.#controller.abort(this.#late))
  }

  /** While the reader takes its time the server is not late. */
  pause(): void {
    this.#deadline?.clear()
  }

  close(): void {
    this.pause()
    // The asker's signal may live on for long.
    this.#asker.removeEventListener('abort', this.#leave)
    this.#controller.abort()
  }

  /** What went wrong, in our words. */
  explain(error: unknown): unknown {
    if (this.#asker.aborted) return new EngineError('cancelled', 'The caller gave up')
    if (this.#controller.signal.reason === this.#late) return this.#late
    if (error instanceof EngineError) return error
    const cause = error instanceof Error && error.cause !== undefined ? error.cause : error
    const what = messageOf(cause) || String((cause as { readonly code?: unknown } | null)?.code)
    return new EngineError('unavailable', `Expected an answer of server ${this.#server}, but ${what}; try again`, {
      cause: error,
    })
  }
}

const codes: Readonly<Record<number, ErrorCode>> = {
  ...{ 400: 'invalid', 404: 'not-found', 409: 'conflict', 413: 'too-large', 422: 'invalid', 429: 'busy', 503: 'busy' },
  ...{ 408: 'timeout', 504: 'timeout' },
}

async function toRefusal(response: Response, server: string): Promise<EngineError> {
  const text = await readText(response, maxErrorBytes, server).catch(messageOf)
  const said = errorIn(text).slice(0, maxErrorCharacters)
  const advice = response.status === 401 || response.status === 403 ? '; look at its keyFile' : ''
  const code = codes[response.status] ?? 'unavailable'
  return new EngineError(code, `Server ${server} refused with status ${response.status}: ${said}${advice}`)
}

/** What an error says, as Ollama and as OpenAI write it; else the whole text. */
function errorIn(text: string): string {
  try {
    const { error } = JSON.parse(text) as { readonly error?: unknown }
    return errorText(error) ?? text
  } catch {
    // Proxies answer with pages.
    return text
  }
}

/** The text of an error as Ollama (a text) or OpenAI (an object) writes it; undefined where there is none. */
export function errorText(error: unknown): string | undefined {
  if (typeof error === 'string') return error
  const { message } = (error ?? {}) as { readonly message?: unknown }
  return typeof message === 'string' ? message : undefined
}

async function readText(response: Response, maxBytes: number, server: string): Promise<string> {
  const decoder = new TextDecoder()
  let text = ''
  let bytes = 0
  for await (const chunk of response.body ?? []) {
    bytes += chunk.length
    if (bytes > maxBytes)
      throw new EngineError('unavailable', `Expected at most ${maxBytes} bytes from server ${server}, received more`)
    text += decoder.decode(chunk, { stream: true })
  }
  return text + decoder.decode()
}

async function* splitLines(response: Response, server: string): AsyncGenerator<string, void, undefined> {
  const decoder = new TextDecoder()
  let rest = ''
  for await (const chunk of response.body ?? []) {
    const text = decoder.decode(chunk, { stream: true })
    // A long line may come in very small parts: it is looked through once only.
    const lines = text.includes('\n') ? (rest + text).split('\n') : [rest + text]
    rest = lines.pop() ?? ''
    const longest = lines.reduce((length, line) => Math.max(length, line.length), rest.length)
    if (longest > maxLineCharacters)
      throw new EngineError(
        'unavailable',
        `Expected lines of at most ${maxLineCharacters} characters from server ${server}, received a longer one`,
      )
    for (const line of lines) if (line.trim() !== '') yield line.trimEnd()
  }
  if (rest.trim() !== '') yield rest.trimEnd()
}

import type { HttpRequest, HttpResponse } from 'uWebSockets.js'
import type { Logger } from 'pino'
import { EngineError, errorTable, messageOf } from '../errors.ts'
import { type Access, tokenCookie, withoutToken } from './access.ts'
import { type BodyLimits, BodyReceiver } from './request-body.ts'
import { writeResponse } from './response-writer.ts'
import { UploadStream } from './upload-stream.ts'

/** Answers a request, as `fetch` would. */
export type Fetch = (request: Request) => Response | Promise<Response>

/** What is answered for a path before, or instead of, its route. */
export interface Failure {
  readonly status: number
  /** Short and stable. */
  readonly error: string
  readonly detail: string
}

/** Shapes the body of a failure as the path's standard has it. */
export type ErrorBody = (path: string, failure: Failure) => object

/** What is read off a request while its handler runs: later it is gone. */
interface Head {
  readonly method: string
  readonly path: string
  readonly query: string
  readonly headers: Headers
  readonly address: string
}

/** What the bridge needs beside its routes. */
export interface BridgeOptions extends BodyLimits {
  readonly access: Access
  /** Of the addresses that clients ask. */
  readonly scheme: 'http' | 'https'
  readonly log: Logger
  /** Left out: the house's. */
  readonly errorBody?: ErrorBody
  /** Paths whose forms (`multipart/form-data`) are read while they arrive, within limits of their own; a route has read them before it answers. */
  readonly uploadPaths?: ReadonlySet<string> | undefined
}

/** Turns uWebSockets.js requests into fetch `Request`s and answers with the `Response`. The only code that sees them. */
export class FetchBridge {
  readonly #fetch: Fetch
  readonly #options: BridgeOptions
  readonly #bodies: BodyReceiver
  readonly #open = new Set<AbortController>()

  constructor(fetch: Fetch, options: BridgeOptions) {
    this.#fetch = fetch
    this.#options = options
    this.#bodies = new BodyReceiver(options)
  }

  /** The handler of every request that is no WebSocket. */
  handle(out: HttpResponse, incoming: HttpRequest): void {
    const head = readHead(out, incoming)
    const hangUp = new AbortController()
    this.#open.add(hangUp)
    out.onAborted(() => hangUp.abort(new EngineError('cancelled', 'The client hung up')))
    this.#answer(out, head, hangUp.signal)
      .catch((error: unknown) => {
        if (hangUp.signal.aborted) return
        this.#options.log.error({ path: head.path, reason: messageOf(error) }, 'answer cut short')
        out.close()
      })
      .finally(() => this.#open.delete(hangUp))
  }

  /** Ends what is under way without an answer: the sockets are about to be closed. */
  close(): void {
    for (const hangUp of this.#open) hangUp.abort(new EngineError('closed', 'The server was closed'))
  }

  async #answer(out: HttpResponse, head: Head, hungUp: AbortSignal): Promise<void> {
    const response = await this.#respond(out, head, hungUp)
    if (hungUp.aborted) return await response.body?.cancel()
    this.#addHeaders(response.headers, head)
    await writeResponse(out, response, head.method, hungUp)
  }

  async #respond(out: HttpResponse, head: Head, signal: AbortSignal): Promise<Response> {
    try {
      const refusal = this.#refuse(head)
      if (refusal !== undefined) return refusal
      const body = hasBody(head) ? await this.#receive(out, head, signal) : undefined
      try {
        const response = await this.#fetch(toRequest(head, body, { scheme: this.#options.scheme, signal }))
        // Headers of a response that came from elsewhere may be immutable.
        return new Response(response.body, { status: response.status, headers: new Headers(response.headers) })
      } finally {
        if (body instanceof UploadStream) body.discard()
      }
    } catch (error) {
      return this.#explain(error, head)
    }
  }

  #receive(out: HttpResponse, head: Head, signal: AbortSignal): UploadStream | Promise<Uint8Array<ArrayBuffer>> {
    const isForm = head.headers.get('content-type')?.toLowerCase().startsWith('multipart/form-data')
    if (isForm && this.#options.uploadPaths?.has(head.path))
      return this.#bodies.stream(out, announcedBytes(head), signal)
    return this.#bodies.receive(out, announcedBytes(head), signal)
  }

  #refuse(head: Head): Response | undefined {
    const { access } = this.#options
    if (head.method === 'OPTIONS') return this.#preflight(head)
    const { address, method, query } = head
    const refusal = access.refuse({
      address,
      method,
      query,
      webSocket: false,
      header: (name) => head.headers.get(name),
    })
    return refusal && this.#fail(head, refusal)
  }

  #explain(thrown: unknown, head: Head): Response {
    const error = lackOf(thrown) ?? thrown
    if (error instanceof EngineError) {
      const { status, retry } = errorTable[error.code]
      const response = this.#fail(head, { status, error: error.code, detail: error.message })
      if (retry) response.headers.set('retry-after', '1')
      return response
    }
    this.#options.log.error({ path: head.path, err: error }, 'bug in a route')
    return this.#fail(head, { status: 500, error: 'internal', detail: 'A bug in hailstream: see its log' })
  }

  /** A page of another origin asks, without a token, whether it may send a request. */
  #preflight(head: Head): Response {
    const { headers } = head
    const origin = headers.get('origin') ?? ''
    if (origin !== '' && !this.#options.access.allowsOrigin(origin, headers.get('host') ?? '')) {
      const detail = `Expected a page of listen.origins, received the origin ${origin}`
      return this.#fail(head, { status: 403, error: 'forbidden', detail })
    }
    const allowed = {
      'access-control-allow-methods': 'GET, HEAD, POST, PUT, PATCH, DELETE',
      'access-control-allow-headers': headers.get('access-control-request-headers') ?? '*',
      'access-control-max-age': '600',
    }
    return new Response(null, { status: 204, headers: allowed })
  }

  #fail({ path }: Head, failure: Failure): Response {
    const { errorBody = houseBody } = this.#options
    return Response.json(errorBody(path, failure), { status: failure.status })
  }

  #addHeaders(headers: Headers, { headers: asked, query }: Head): void {
    const origin = asked.get('origin')
    headers.append('vary', 'Origin')
    if (origin !== null && this.#options.access.allowsOrigin(origin, asked.get('host') ?? ''))
      headers.set('access-control-allow-origin', origin)
    headers.set('access-control-expose-headers', 'ETag, Retry-After')
    // The page's own files and sockets carry no query: a cookie brings the token along.
    if (headers.get('content-type')?.startsWith('text/html') && this.#options.access.knowsQueryToken(query)) {
      const token = encodeURIComponent(new URLSearchParams(query).get('token') ?? '')
      const secure = this.#options.scheme === 'https' ? '; Secure' : ''
      headers.append('set-cookie', `${tokenCookie}=${token}; Path=/; SameSite=Strict${secure}`)
    }
  }
}

function readHead(out: HttpResponse, incoming: HttpRequest): Head {
  const headers = new Headers()
  incoming.forEach((name, value) => {
    headers.append(name, value)
  })
  return {
    method: incoming.getCaseSensitiveMethod().toUpperCase(),
    path: incoming.getUrl(),
    query: incoming.getQuery() ?? '',
    headers,
    address: Buffer.from(out.getRemoteAddressAsText()).toString(),
  }
}

function hasBody({ method, headers }: Head): boolean {
  if (method === 'GET' || method === 'HEAD') return false
  return headers.has('transfer-encoding') || announcedBytes({ headers }) > 0
}

function announcedBytes({ headers }: Pick<Head, 'headers'>): number {
  return Number(headers.get('content-length') ?? 0)
}

function toRequest(
  head: Head,
  body: Uint8Array<ArrayBuffer> | UploadStream | undefined,
  { scheme, signal }: { readonly scheme: string; readonly signal: AbortSignal },
): Request {
  const { method, headers } = head
  const query = withoutToken(head.query)
  const url = `${scheme}://${headers.get('host') ?? 'localhost'}${head.path}${query === '' ? '' : `?${query}`}`
  try {
    return new Request(url, { method, headers, signal, ...bodyOf(body) })
  } catch (error) {
    throw new EngineError('invalid', `Expected a request that HTTP allows: ${messageOf(error)}`, { cause: error })
  }
}

/** `duplex`: as fetch demands where a body is a stream. */
function bodyOf(body: Uint8Array<ArrayBuffer> | UploadStream | undefined) {
  if (body instanceof UploadStream) return { body: body.body, duplex: 'half' as const }
  return body === undefined ? {} : { body }
}

/** CONTRACT's error body. */
/** The house's own body of a failure. */
export function houseBody(_path: string, { error, detail }: Failure): object {
  return { error, detail }
}

/** What the system refuses for want of something is no bug of a route. */
function lackOf(error: unknown): EngineError | undefined {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  if (code !== 'EMFILE' && code !== 'ENFILE' && code !== 'ENOMEM' && code !== 'ENOSPC') return undefined
  return new EngineError('unavailable', `The system refuses what this request needs (${code}); try again later`)
}

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { until } from './wait.ts'

/** One request as it came, and what of the content was sent for it. */
export interface Asked {
  readonly path: string
  readonly range: string | undefined
  readonly ifRange: string | undefined
  sent: number
}

/** Answers a request; gives nothing to have it served as an honest server would. */
export type Answer = (request: IncomingMessage, response: ServerResponse, asked: Asked) => 'honestly' | undefined

/** How an honest server serves its file. */
export interface Served {
  content: Uint8Array
  etag: string | null
  lastModified?: string
}

/** A server of one file that lies, breaks off and dawdles as it is told; it counts what it sends. Disposing closes all connections. */
export class FileServer implements AsyncDisposable {
  readonly requests: Asked[] = []
  readonly served: Served
  #answers: Answer[]
  readonly #server: Server

  private constructor(served: Served, answers: readonly Answer[]) {
    this.served = served
    this.#answers = [...answers]
    this.#server = createServer((request, response) => this.#handle(request, response))
  }

  /** The n-th request is answered by the n-th of `answers`, all further ones honestly. */
  static async start(content: Uint8Array, ...answers: readonly Answer[]): Promise<FileServer> {
    const server = new FileServer({ content, etag: '"one"' }, answers)
    await new Promise<void>((resolve) => server.#server.listen(0, '127.0.0.1', resolve))
    return server
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  get sent(): number {
    return this.requests.reduce((sum, { sent }) => sum + sent, 0)
  }

  /** From now on the next requests are answered so. */
  next(...answers: readonly Answer[]): void {
    this.#answers = [...answers]
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  #handle(request: IncomingMessage, response: ServerResponse): void {
    const { range, 'if-range': ifRange } = request.headers
    const asked: Asked = { path: request.url ?? '', range, ifRange: ifRange as string | undefined, sent: 0 }
    this.requests.push(asked)
    const answer = this.#answers.shift()
    if (answer === undefined || answer(request, response, asked) === 'honestly')
      serveHonestly(this.served, response, asked)
  }
}

function serveHonestly({ content, etag, lastModified }: Served, response: ServerResponse, asked: Asked): void {
  const names = { ...(etag !== null && { etag }), ...(lastModified !== undefined && { 'last-modified': lastModified }) }
  const isCurrent = asked.ifRange === undefined || asked.ifRange === etag || asked.ifRange === lastModified
  const start = Number(/^bytes=(\d+)-$/.exec(asked.range ?? '')?.[1] ?? Number.NaN)
  if (Number.isNaN(start) || !isCurrent) {
    response.writeHead(200, { ...names, 'content-length': content.length })
    send(response, content, asked)
    return
  }
  if (start >= content.length) {
    response.writeHead(416, { 'content-range': `bytes */${content.length}` }).end()
    return
  }
  const rest = content.subarray(start)
  const range = `bytes ${start}-${content.length - 1}/${content.length}`
  response.writeHead(206, { ...names, 'content-range': range, 'content-length': rest.length })
  send(response, rest, asked)
}

function send(response: ServerResponse, bytes: Uint8Array, asked: Asked): void {
  asked.sent += bytes.length
  response.end(bytes)
}

/** Announces the whole, sends a part of it and, once the client has that, hangs up. */
export function breakOffAfter(
  content: Uint8Array,
  bytes: number,
  client: { readonly received: number },
  headers: Readonly<Record<string, string>> = {},
): Answer {
  return (_, response, asked) => {
    response.writeHead(200, { etag: '"one"', 'content-length': content.length, ...headers })
    asked.sent += bytes
    response.write(content.subarray(0, bytes))
    // What was not read yet would be lost with the connection.
    void until('the client to have what was sent', () => client.received >= bytes || response.closed).then(() =>
      response.destroy(),
    )
    return undefined
  }
}

/** Only a status, with these headers. */
export function refuse(status: number, headers: Readonly<Record<string, string>> = {}): Answer {
  return (_, response) => {
    response.writeHead(status, headers).end()
    return undefined
  }
}

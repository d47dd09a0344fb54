import type { HttpResponse } from 'uWebSockets.js'
import { STATUS_CODES } from 'node:http'

/** What uWebSockets.js writes itself. */
const ownHeaders = new Set(['content-length', 'transfer-encoding', 'connection', 'date'])

/**
 * Writes a fetch `Response` to a uWebSockets.js response, at the client's pace: the body is read on only when its socket
 * has room. `signal` aborts when the client hangs up; from then on the response is not touched and the body is cancelled. Rejects when the body fails.
 */
export async function writeResponse(
  out: HttpResponse,
  response: Response,
  method: string,
  signal: AbortSignal,
): Promise<void> {
  if (method === 'HEAD' || response.status === 204 || response.status === 304) {
    await response.body?.cancel()
    return writeHeadAlone(out, response, signal)
  }
  if (response.body === null) return writeWhole(out, response, signal, new Uint8Array(0))
  const reader = response.body.getReader()
  const first = await reader.read()
  if (first.done) return writeWhole(out, response, signal, new Uint8Array(0))
  const second = reader.read()
  // A body that is there whole has ended by now, so its length can be told.
  const next = await Promise.race([second, nextTurn()])
  if (next?.done) return writeWhole(out, response, signal, first.value)
  if (signal.aborted) return reader.cancel()
  out.cork(() => writeHead(out, response))
  await writeStream(out, reader, [first, second], signal)
}

type Chunk = Awaited<ReturnType<ReadableStreamDefaultReader<Uint8Array>['read']>>

async function writeStream(
  out: HttpResponse,
  reader: ReadableStreamDefaultReader<Uint8Array>,
  begun: readonly (Chunk | Promise<Chunk>)[],
  signal: AbortSignal,
): Promise<void> {
  const hangUp = () => {
    // It may have failed already, and nobody is left to tell.
    reader.cancel().catch(() => undefined)
  }
  signal.addEventListener('abort', hangUp, { once: true })
  const room = watchRoom(out, signal)
  const chunks = [...begun]
  try {
    for (;;) {
      const { done, value } = await (chunks.shift() ?? reader.read())
      if (signal.aborted) return
      if (done) break
      if (!write(out, value)) await room()
    }
  } finally {
    signal.removeEventListener('abort', hangUp)
  }
  out.cork(() => out.end())
}

function write(out: HttpResponse, chunk: Uint8Array): boolean {
  if (chunk.length === 0) return true
  let roomLeft = true
  out.cork(() => {
    roomLeft = out.write(chunk)
  })
  return roomLeft
}

/** A function that resolves when the socket has drained, or the client has hung up. */
function watchRoom(out: HttpResponse, signal: AbortSignal): () => Promise<void> {
  let resume: () => void = () => undefined
  out.onWritable(() => {
    resume()
    return true
  })
  signal.addEventListener('abort', () => resume(), { once: true })
  return () =>
    new Promise((resolve) => {
      resume = resolve
      if (signal.aborted) resolve()
    })
}

function writeWhole(out: HttpResponse, response: Response, signal: AbortSignal, body: Uint8Array): void {
  if (signal.aborted) return
  out.cork(() => {
    writeHead(out, response)
    out.end(body)
  })
}

/** No body is sent, but its length is told where it is known. */
function writeHeadAlone(out: HttpResponse, response: Response, signal: AbortSignal): void {
  if (signal.aborted) return
  const length = response.headers.get('content-length')
  out.cork(() => {
    writeHead(out, response)
    // Not through endWithoutBody's argument, after which uws-pack 20.0.8 waits for a body and spoils the connection.
    if (length !== null) out.writeHeader('content-length', length)
    out.endWithoutBody()
  })
}

function writeHead(out: HttpResponse, response: Response): void {
  out.writeStatus(`${response.status} ${STATUS_CODES[response.status] ?? ''}`)
  // A Headers gives each Set-Cookie as an entry of its own.
  for (const [name, value] of response.headers) if (!ownHeaders.has(name)) out.writeHeader(name, value)
}

function nextTurn(): Promise<undefined> {
  return new Promise((resolve) => setImmediate(resolve, undefined))
}

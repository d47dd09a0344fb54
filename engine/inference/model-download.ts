import { createHash } from 'node:crypto'
import { EngineError, messageOf } from '../errors.ts'
import { writeWhole } from './whole-file.ts'

/** The largest artefact that is fetched. */
const maxModelBytes = 2 ** 31
/** A server that sends nothing for so long is given up. */
const idleMs = 30_000
/** However slowly it comes, a file is here after this, or it is given up. */
const deadlineMs = 30 * 60_000

/** How far a download is; `total` in bytes is null where the server does not say. */
export interface DownloadProgress {
  readonly received: number
  readonly total: number | null
}

/** What is fetched, and what it must be. */
export interface Download {
  readonly url: string
  /** Where the whole, checked file will lie. */
  readonly path: string
  /** Expected SHA-256 as hexadecimal text, and size; unchecked where they are not known. */
  readonly sha256?: string | undefined
  readonly bytes?: number | undefined
  readonly onProgress?: ((progress: DownloadProgress) => void) | undefined
}

/**
 * Fetches a file into place: as a whole, of the expected size and hash, or not at all. Throws `not-found` when the server
 * lacks it, `too-large`, `invalid` when it is not the expected file, `unavailable`, `timeout` or `cancelled`.
 */
export async function download(request: Download, signal: AbortSignal): Promise<void> {
  const silent = new AbortController()
  const timer = setTimeout(() => silent.abort(), idleMs)
  const ends = AbortSignal.any([signal, silent.signal, AbortSignal.timeout(deadlineMs)])
  try {
    const response = await fetch(request.url, { signal: ends, redirect: 'follow' })
    await writeWhole(
      request.path,
      checked(request, response, () => timer.refresh()),
    )
  } catch (error) {
    throw explain(error, request.url, signal, ends)
  } finally {
    clearTimeout(timer)
    silent.abort()
  }
}

function explain(error: unknown, url: string, signal: AbortSignal, ends: AbortSignal): unknown {
  if (error instanceof EngineError) return error
  if (signal.aborted) return new EngineError('cancelled', `The download of ${url} was cancelled`)
  if (ends.aborted)
    return new EngineError('timeout', `Expected ${url} within its deadline (${idleMs / 1000} s without a byte)`)
  const cause = error instanceof Error && error.cause !== undefined ? error.cause : error
  return new EngineError('unavailable', `Could not fetch ${url}: ${messageOf(cause)}`, { cause: error })
}

/** The body's chunks; throws before the last one when this is not the file that was asked for. */
async function* checked(request: Download, response: Response, heard: () => void): AsyncGenerator<Uint8Array> {
  const { url, sha256, onProgress } = request
  if (!response.ok || response.body === null) throw refused(url, response)
  const length = response.headers.get('content-encoding') === null ? response.headers.get('content-length') : null
  const total = length === null ? null : Number(length)
  const limit = request.bytes ?? maxModelBytes
  if (total !== null && total > limit) throw tooLarge(url, limit)
  const hash = createHash('sha256')
  let received = 0
  for await (const chunk of response.body as AsyncIterable<Uint8Array>) {
    received += chunk.byteLength
    if (received > limit) throw tooLarge(url, limit)
    hash.update(chunk)
    heard()
    onProgress?.({ received, total })
    yield chunk
  }
  const expected = request.bytes ?? total
  if (received === 0 || (expected !== null && received !== expected))
    throw new EngineError('invalid', `Expected ${expected ?? 'some'} bytes from ${url}, received ${received}`)
  const digest = hash.digest('hex')
  if (sha256 !== undefined && digest !== sha256)
    throw new EngineError('invalid', `Expected ${url} to have SHA-256 ${sha256}, received ${digest}`)
}

function refused(url: string, { status }: Response): EngineError {
  const code = status === 404 || status === 410 ? 'not-found' : 'unavailable'
  return new EngineError(code, `Expected ${url} to answer 200, received ${status}`)
}

function tooLarge(url: string, limit: number): EngineError {
  return new EngineError('too-large', `Expected at most ${limit} bytes from ${url}, received more`)
}

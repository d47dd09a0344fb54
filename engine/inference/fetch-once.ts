import { EngineError, messageOf } from '../errors.ts'
import type { PartialFile } from './partial-file.ts'
import { expectRoom } from './whole-file.ts'

/** The largest file that is fetched. */
const maxModelBytes = 2 ** 34
/** Left free beside a file that is fetched: for logs, records and the rest of the machine. */
const roomBesideBytes = 16 * 2 ** 20
/** A server that sends less than so much in so long is given up for now. */
const [stillMs, leastBytes] = [30_000, 4096]
/** A server may ask for a wait of so long; one that asks for more is for another day. */
const longestRetryAfterMs = 60_000

/** How far a download is; `total` in bytes is null where nobody says. */
export interface DownloadProgress {
  readonly received: number
  readonly total: number | null
}

/** What is fetched, and what it must be. */
export interface FetchRequest {
  readonly url: string
  /** Expected SHA-256 as hexadecimal text, and size; unchecked where they are not known. */
  readonly sha256?: string | undefined
  readonly bytes?: number | undefined
  readonly onProgress?: ((progress: DownloadProgress) => void) | undefined
}

/** A failure that may pass: whoever tries again should wait so long, where the server says. */
export interface Failed {
  readonly error: EngineError
  readonly afterMs?: number
}

/**
 * Asks once for what the part lacks, and appends it. Undefined: it is whole, as far as the server says. Throws what
 * another try cannot mend, and the reason of `signal`.
 */
export async function fetchOnce(
  part: PartialFile,
  request: FetchRequest,
  signal: AbortSignal,
): Promise<Failed | undefined> {
  const { url } = request
  if (part.origin?.url !== url || !isResumable(part, request)) await part.clear()
  if (part.size > 0 && part.size === part.origin?.total) return undefined
  const flow = watchFlow()
  try {
    const response = await fetch(url, {
      headers: headersFor(part),
      signal: AbortSignal.any([signal, flow.signal]),
      redirect: 'follow',
    })
    return await take(response, part, request, flow)
  } catch (error) {
    signal.throwIfAborted()
    if (error instanceof EngineError) throw error
    return { error: flow.signal.aborted ? stillError(url) : lostError(url, error) }
  } finally {
    flow.stop()
  }
}

/** Without a name of its content, only its hash could tell whether the rest belongs to the part. */
function isResumable({ origin }: PartialFile, { sha256 }: FetchRequest): boolean {
  return origin?.etag != null || origin?.lastModified != null || (origin !== undefined && sha256 !== undefined)
}

/** No compression: ranges count bytes of what is sent. */
function headersFor({ size, origin }: PartialFile): Record<string, string> {
  const identity = { 'accept-encoding': 'identity' }
  if (size === 0) return identity
  const validator = origin?.etag ?? origin?.lastModified
  return { ...identity, range: `bytes=${size}-`, ...(validator && { 'if-range': validator }) }
}

async function take(
  response: Response,
  part: PartialFile,
  request: FetchRequest,
  flow: Flow,
): Promise<Failed | undefined> {
  const { status } = response
  if (status === 200 || status === 206) {
    expectNoPage(request.url, response)
    return (
      (status === 200 ? await beginWhole(response, part, request) : await goOn(response, part, request)) ??
      (await readBody(response, part, request, flow))
    )
  }
  await response.body?.cancel()
  if (status === 416) return beyondEnd(response, part, request.url)
  return refused(request.url, response)
}

/** A page in place of a file: a login, a licence to accept, or a proxy’s notice. */
function expectNoPage(url: string, { headers }: Response): void {
  if (headers.get('content-type')?.startsWith('text/html') !== true) return
  throw new EngineError('invalid', `Expected a file from ${url}, received a web page: open it in a browser to see why`)
}

async function beginWhole(response: Response, part: PartialFile, request: FetchRequest): Promise<undefined> {
  const plain = response.headers.get('content-encoding') === null
  const length = plain ? response.headers.get('content-length') : null
  const total = length === null ? null : Number(length)
  await begin(response, part, request, total)
  return undefined
}

async function begin(
  response: Response,
  part: PartialFile,
  { url, bytes }: FetchRequest,
  total: number | null,
): Promise<void> {
  if (total !== null && bytes !== undefined && total !== bytes)
    throw new EngineError('invalid', `Expected ${bytes} bytes from ${url}, received the announcement of ${total}`)
  if (total !== null && total > maxModelBytes) throw tooLarge(url, maxModelBytes)
  const etag = response.headers.get('etag')
  const strong = etag?.startsWith('W/') === true ? null : etag
  await part.begin({ url, etag: strong, lastModified: response.headers.get('last-modified'), total })
  if (total !== null) await expectRoom(part.path, total + roomBesideBytes)
}

/** The rest, if it is the rest of this part. */
async function goOn(response: Response, part: PartialFile, request: FetchRequest): Promise<Failed | undefined> {
  const { url } = request
  const range = response.headers.get('content-range') ?? 'none'
  const [, start, end, total] = /^bytes (\d+)-(\d+)\/(\d+|\*)$/.exec(range) ?? []
  if (part.size === 0) throw new EngineError('invalid', `Expected the whole of ${url}, received the range ${range}`)
  const { etag = null, total: known = null } = part.origin ?? {}
  const told = response.headers.get('etag')
  const isRest = Number(start) === part.size && Number(end) >= part.size
  const isSame =
    (known === null || total === '*' || Number(total) === known) && (etag === null || told === null || told === etag)
  if (isRest && isSame) {
    if (known !== null) await expectRoom(part.path, known - part.size + roomBesideBytes)
    return undefined
  }
  const error = `Expected bytes from ${part.size} of ${url}, received the range ${range}: it may have changed, and is fetched anew`
  await response.body?.cancel()
  await part.clear()
  return { error: new EngineError('invalid', error), afterMs: 0 }
}

async function readBody(
  response: Response,
  part: PartialFile,
  request: FetchRequest,
  flow: Flow,
): Promise<Failed | undefined> {
  const { url, onProgress } = request
  const total = part.origin?.total ?? null
  const limit = request.bytes ?? total ?? maxModelBytes
  for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
    if (part.size + chunk.byteLength > limit) {
      await part.clear()
      throw tooLarge(url, limit)
    }
    await appendOrClear(part, chunk)
    flow.heard(chunk.byteLength)
    onProgress?.({ received: part.size, total: total ?? request.bytes ?? null })
  }
  if (total !== null && part.size < total)
    return { error: new EngineError('unavailable', `Expected ${total} bytes from ${url}, received ${part.size}`) }
  if (part.size === 0) throw new EngineError('invalid', `Expected some bytes from ${url}, received 0`)
  return undefined
}

/** A part that the disk could not take gives its room back: the rest of the machine needs some. */
async function appendOrClear(part: PartialFile, chunk: Uint8Array): Promise<void> {
  try {
    await part.append(chunk)
  } catch (error) {
    await part.clear()
    throw error
  }
}

/** Nothing is left to send: the part is whole already, or it is of another content. */
async function beyondEnd({ headers }: Response, part: PartialFile, url: string): Promise<Failed | undefined> {
  const [, total] = /^bytes \*\/(\d+)$/.exec(headers.get('content-range') ?? '') ?? []
  if (part.size > 0 && Number(total) === part.size) return undefined
  const error = new EngineError('unavailable', `Expected ${url} to answer 200, received 416`)
  if (part.size === 0) throw error
  await part.clear()
  return { error, afterMs: 0 }
}

/** What another try may mend comes back; what it cannot is thrown. */
function refused(url: string, { status, headers }: Response): Failed {
  const said = `Expected ${url} to answer 200, received ${status}`
  if (status === 404 || status === 410) throw new EngineError('not-found', said)
  if (status === 401 || status === 403)
    throw new EngineError(
      'unavailable',
      `${said}: it may need a login or a licence to be accepted there. Fetch it yourself, then: models import`,
    )
  const afterMs = retryAfterOf(headers.get('retry-after'))
  if (afterMs !== undefined && afterMs > longestRetryAfterMs)
    throw new EngineError('unavailable', `${said}: it asks to come back in ${Math.ceil(afterMs / 1000)} s`)
  const error = new EngineError('unavailable', said)
  const mayPass = status === 408 || status === 425 || status === 429 || status >= 500
  if (!mayPass) throw error
  return { error, ...(afterMs !== undefined && { afterMs }) }
}

/** Seconds, or a date. */
function retryAfterOf(text: string | null): number | undefined {
  if (text === null) return undefined
  const ms = /^\d+$/.test(text) ? Number(text) * 1000 : Date.parse(text) - Date.now()
  return Number.isNaN(ms) ? undefined : Math.max(0, ms)
}

interface Flow {
  /** Aborted when too little came for too long. */
  readonly signal: AbortSignal
  heard(bytes: number): void
  stop(): void
}

function watchFlow(): Flow {
  const still = new AbortController()
  let bytes = 0
  const timer = setInterval(() => {
    if (bytes < leastBytes) still.abort()
    bytes = 0
  }, stillMs)
  const heard = (count: number) => {
    bytes += count
  }
  return { signal: still.signal, heard, stop: () => clearInterval(timer) }
}

function stillError(url: string): EngineError {
  return new EngineError('timeout', `Expected ${url} to send ${leastBytes} bytes in ${stillMs / 1000} s, received less`)
}

function lostError(url: string, error: unknown): EngineError {
  const cause = error instanceof Error && error.cause !== undefined ? error.cause : error
  return new EngineError('unavailable', `Could not fetch ${url}: ${messageOf(cause)}`, { cause: error })
}

function tooLarge(url: string, limit: number): EngineError {
  return new EngineError('too-large', `Expected at most ${limit} bytes from ${url}, received more`)
}

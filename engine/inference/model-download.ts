import { setTimeout as wait } from 'node:timers/promises'
import { EngineError } from '../errors.ts'
import { type Failed, type FetchRequest, fetchOnce } from './fetch-once.ts'
import { PartialFile } from './partial-file.ts'

/** However slowly it comes, a file is here after this, or it is given up; what came stays for the next time. */
const deadlineMs = 24 * 60 * 60_000
/** Failures one after the other, without a new byte between them, after which a download is given up; and failures at all. */
const maxFailures = 5
const maxFailuresAtAll = 50
/** The first wait before another try; each further one is twice as long, up to the longest. */
const [firstWaitMs, longestWaitMs] = [500, 8000]

/** What is fetched, and what it must be. */
export interface Download extends FetchRequest {
  /** Where the whole, checked file will lie. */
  readonly path: string
  /** Where it grows, on the same disk. The caller holds the lock of it. */
  readonly part: string
  /** False: a failure that may pass is not waited out. */
  readonly patient?: boolean | undefined
  /** Told of the checked file just before it is put in its place. */
  readonly onWhole?: ((file: WholeFile) => Promise<void>) | undefined
}

/** A file that has arrived. */
export interface WholeFile {
  readonly sha256: string
  readonly bytes: number
  /** Time of its last change in ms. */
  readonly mtimeMs: number
}

/**
 * Fetches a file into place: as a whole, of the expected size and hash, or not at all. It goes on where an earlier try
 * ended, also one of another process, and tries again what may pass. Throws `not-found` when the server lacks it, `too-large`,
 * `invalid` when it is not the expected file, `unavailable`, `timeout` or `cancelled`; what came by then stays in `part`.
 */
export async function download(request: Download, signal: AbortSignal): Promise<WholeFile> {
  const part = await PartialFile.open(request.part)
  const ends = AbortSignal.any([signal, AbortSignal.timeout(deadlineMs)])
  try {
    await fetchWhole(part, request, ends)
    const file = { sha256: part.digest(), bytes: part.size, mtimeMs: await part.settle() }
    await request.onWhole?.(file)
    await part.place(request.path)
    return file
  } catch (error) {
    if (part.size === 0) await part.discard()
    if (error instanceof EngineError || !ends.aborted) throw error
    if (signal.aborted) throw new EngineError('cancelled', `The download of ${request.url} was cancelled`)
    throw new EngineError('timeout', `Expected ${request.url} within ${deadlineMs / 3_600_000} hours`)
  } finally {
    await part[Symbol.asyncDispose]()
  }
}

async function fetchWhole(part: PartialFile, request: Download, signal: AbortSignal): Promise<void> {
  let failures = 0
  let furthest = part.size
  for (let all = 1; ; all++) {
    const before = part.size
    const failed = (await fetchOnce(part, request, signal)) ?? (await mismatch(part, request, before))
    if (failed === undefined) return
    failures = part.size > furthest ? 1 : failures + 1
    furthest = Math.max(furthest, part.size)
    if (request.patient === false || failures >= maxFailures || all >= maxFailuresAtAll) throw failed.error
    const waitMs = failed.afterMs ?? Math.min(firstWaitMs * 2 ** (failures - 1), longestWaitMs)
    await wait(waitMs, undefined, { signal })
  }
}

/** A whole that began in an earlier try may be of two contents: it is fetched anew. One that came in one piece is what the server has. */
async function mismatch(part: PartialFile, request: Download, before: number): Promise<Failed | undefined> {
  const { url, bytes, sha256 } = request
  const wrong =
    bytes !== undefined && part.size !== bytes
      ? `Expected ${bytes} bytes from ${url}, received ${part.size}`
      : sha256 !== undefined && part.digest() !== sha256
        ? `Expected ${url} to have SHA-256 ${sha256}, received ${part.digest()}`
        : undefined
  if (wrong === undefined) return undefined
  const error = new EngineError('invalid', wrong)
  await part.clear()
  if (before === 0) throw error
  return { error, afterMs: 0 }
}

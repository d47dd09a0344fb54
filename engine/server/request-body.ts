import type { HttpResponse } from 'uWebSockets.js'
import { EngineError } from '../errors.ts'
import { SpareBlocks } from './spare-blocks.ts'
import { UploadStream } from './upload-stream.ts'

/** How much of requests is taken in, and for how long. */
export interface BodyLimits {
  /** Bytes of one body. */
  readonly maxBodyBytes: number
  /** Bytes of all bodies that are being received. */
  readonly maxPendingBytes: number
  /** From the request's head to the end of its body. */
  readonly bodyDeadlineMs: number
  /** Bytes of one body that is read while it arrives. */
  readonly maxUploadBytes: number
  /** Bytes of all such bodies of requests that are not answered yet: they may lie on disk. */
  readonly maxPendingUploadBytes: number
  /** Such a body may pause for so long. */
  readonly uploadIdleMs: number
}

/** uWebSockets.js cuts a body that brings less than 16 kB/s for 10 s; pausing and resuming starts that time anew. */
const renewMs = 4000

/** Receives the bodies of all requests of a server, each within its limits and all together within theirs. */
export class BodyReceiver {
  readonly #limits: BodyLimits
  #pendingBytes = 0
  readonly #uploads = { bytes: 0 }
  readonly #blocks = new SpareBlocks()

  constructor(limits: BodyLimits) {
    this.#limits = limits
  }

  /**
   * The whole body. Rejects with `too-large` at once by its announced length or while counting, `busy` when all bodies
   * together are too large, `timeout` when it takes too long. Call it before the handler returns; `signal` aborts when the client hangs up.
   */
  receive(response: HttpResponse, announcedBytes: number, signal: AbortSignal): Promise<Uint8Array<ArrayBuffer>> {
    const { maxBodyBytes, bodyDeadlineMs } = this.#limits
    return new Promise((resolve, reject) => {
      const chunks: Uint8Array[] = []
      let bytes = 0
      let settled = false
      const settle = (finish: () => void) => {
        if (settled) return
        settled = true
        clearTimeout(deadline)
        clearInterval(renewal)
        this.#pendingBytes -= bytes
        finish()
      }
      const fail = (error: EngineError) => settle(() => reject(error))
      const deadline = setTimeout(() => fail(late(bodyDeadlineMs, bytes)), bodyDeadlineMs)
      const renewal = setInterval(() => renew(response), renewMs)
      signal.addEventListener('abort', () => fail(cutShort(bytes)), { once: true })
      response.onData((chunk, isLast) => {
        if (settled) return
        const refusal = this.#refuse(bytes + chunk.byteLength, chunk.byteLength)
        if (refusal !== undefined) return fail(refusal)
        bytes += chunk.byteLength
        this.#pendingBytes += chunk.byteLength
        // Copied: the chunk is taken away when this handler returns. Joined once, at the end.
        chunks.push(new Uint8Array(chunk.slice(0)))
        if (isLast) settle(() => resolve(join(chunks, bytes)))
      })
      if (announcedBytes > maxBodyBytes) fail(tooLarge(maxBodyBytes, announcedBytes))
    })
  }

  /** The body while it arrives, at its reader's pace; the reader gets `too-large` at once by its announced length. Call it before the handler returns. */
  stream(response: HttpResponse, announcedBytes: number, signal: AbortSignal): UploadStream {
    const { maxUploadBytes: maxBytes, maxPendingUploadBytes: maxTogether, uploadIdleMs: idleMs } = this.#limits
    const shared = { together: this.#uploads, blocks: this.#blocks }
    const upload = new UploadStream(response, { maxBytes, maxTogether, idleMs, ...shared, signal })
    if (announcedBytes > maxBytes) upload.refuse(tooLarge(maxBytes, announcedBytes))
    return upload
  }

  #refuse(bytes: number, more: number): EngineError | undefined {
    const { maxBodyBytes, maxPendingBytes } = this.#limits
    if (bytes > maxBodyBytes) return tooLarge(maxBodyBytes, bytes)
    if (this.#pendingBytes + more <= maxPendingBytes) return undefined
    return new EngineError('busy', `Too many large requests at once (${maxPendingBytes} bytes). Try again later`)
  }
}

/** Starts uWebSockets.js's time for a body anew. */
function renew(response: HttpResponse): void {
  response.pause()
  response.resume()
}

function join(chunks: readonly Uint8Array[], bytes: number): Uint8Array<ArrayBuffer> {
  const body = new Uint8Array(bytes)
  let at = 0
  for (const chunk of chunks) {
    body.set(chunk, at)
    at += chunk.length
  }
  return body
}

function tooLarge(limit: number, bytes: number): EngineError {
  return new EngineError('too-large', `Expected a body of at most ${limit} bytes, received ${bytes} or more`)
}

function late(deadlineMs: number, bytes: number): EngineError {
  return new EngineError('timeout', `Expected the whole body within ${deadlineMs / 1000} s, received ${bytes} bytes`)
}

function cutShort(bytes: number): EngineError {
  return new EngineError('cancelled', `The client hung up after ${bytes} bytes of its body`)
}

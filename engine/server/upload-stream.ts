import type { HttpResponse } from 'uWebSockets.js'
import { EngineError } from '../errors.ts'
import { ByteQueue } from './byte-queue.ts'
import type { SpareBlocks } from './spare-blocks.ts'

/** How much of an upload is taken in. */
export interface UploadLimits {
  readonly maxBytes: number
  readonly idleMs: number
  /** Bytes of all uploads that are not discarded, and their bound. */
  readonly together: { bytes: number }
  readonly maxTogether: number
  /** Of all uploads of the server. */
  readonly blocks: SpareBlocks
  /** Aborts when the client hangs up: the response must not be touched any more. */
  readonly signal: AbortSignal
}

/** Bytes that wait for their reader before the socket is not read any more. */
const highWaterMark = 1_048_576
/** As for whole bodies: uWebSockets.js would cut a slow one. */
const renewMs = 4000

/**
 * A body that is read while it arrives. The socket is read on only as fast as `body` is; a reader gets `too-large`, `busy`, `timeout` or
 * `cancelled` where it ends before its time. What it reads is its own until it reads on: the next bytes may lie in the same place.
 * Whoever opened it discards it before the response is written, read or not.
 */
export class UploadStream {
  readonly body: ReadableStream<Uint8Array<ArrayBuffer>>
  readonly #response: HttpResponse
  readonly #limits: UploadLimits
  readonly #renewal: NodeJS.Timeout
  #controller: ReadableStreamDefaultController<Uint8Array<ArrayBuffer>> | undefined
  readonly #queue: ByteQueue
  /** The reader waits. */
  #isWanted = false
  #idle: NodeJS.Timeout | undefined
  #bytes = 0
  #paused = false
  /** All of it has come. */
  #isWhole = false
  #settled = false

  constructor(response: HttpResponse, limits: UploadLimits) {
    this.#response = response
    this.#limits = limits
    this.#queue = new ByteQueue(limits.blocks)
    this.#renewal = setInterval(() => this.#renew(), renewMs)
    const start = (controller: ReadableStreamDefaultController<Uint8Array<ArrayBuffer>>) => {
      this.#controller = controller
    }
    const cancel = () => this.#settle(() => this.#queue.clear())
    // Nothing waits in the stream: it asks when its reader does, who is done then with what it had.
    this.body = new ReadableStream({ start, pull: () => this.#ask(), cancel }, { highWaterMark: 0 })
    limits.signal.addEventListener('abort', () => this.refuse(cutShort(this.#bytes)), { once: true })
    response.onData((chunk, isLast) => this.#take(chunk, isLast))
    this.#awaitMore()
  }

  /** Its reader gets this; what comes is read off the socket and forgotten. */
  refuse(error: EngineError): void {
    this.#settle(() => {
      this.#queue.clear()
      this.#controller?.error(error)
    })
  }

  /** What comes from now on is read off the socket and forgotten. May be called twice, and after the client has hung up. */
  discard(): void {
    const error = new EngineError('closed', 'Expected the body to be read before the answer')
    this.refuse(error)
    // All of it has come, but not all was read.
    if (this.#queue.length > 0) this.#controller?.error(error)
    this.#queue.clear()
    this.#limits.together.bytes -= this.#bytes
    this.#bytes = 0
  }

  #take(chunk: ArrayBuffer, isLast: boolean): void {
    if (this.#settled) return
    const refusal = this.#refuse(chunk.byteLength)
    if (refusal !== undefined) this.refuse(refusal)
    else this.#keep(chunk, isLast)
  }

  #keep(chunk: ArrayBuffer, isLast: boolean): void {
    this.#bytes += chunk.byteLength
    this.#limits.together.bytes += chunk.byteLength
    this.#awaitMore()
    // Copied: the chunk is taken away when this handler returns.
    this.#queue.push(new Uint8Array(chunk))
    if (isLast)
      this.#settle(() => {
        this.#isWhole = true
      })
    else if (this.#queue.length >= highWaterMark) this.#pause()
    if (this.#isWanted) this.#give()
  }

  #ask(): void {
    this.#isWanted = true
    this.#give()
    if (this.#queue.length < highWaterMark) this.#resume()
  }

  #give(): void {
    const bytes = this.#queue.shift()
    if (!bytes) {
      if (this.#isWhole) this.#controller?.close()
      return
    }
    this.#isWanted = false
    this.#controller?.enqueue(bytes)
  }

  #refuse(more: number): EngineError | undefined {
    const { maxBytes, maxTogether, together } = this.#limits
    if (this.#bytes + more > maxBytes)
      return new EngineError(
        'too-large',
        `Expected a body of at most ${maxBytes} bytes, received ${this.#bytes + more} or more`,
      )
    if (together.bytes + more <= maxTogether) return undefined
    return new EngineError('busy', `Too many large uploads at once (${maxTogether} bytes). Try again later`)
  }

  /** The time for more to come counts only while the socket is read. */
  #awaitMore(): void {
    clearTimeout(this.#idle)
    const { idleMs } = this.#limits
    this.#idle = setTimeout(() => this.refuse(idle(idleMs, this.#bytes)), idleMs)
  }

  #pause(): void {
    this.#paused = true
    clearTimeout(this.#idle)
    this.#response.pause()
  }

  #resume(): void {
    if (!this.#paused || this.#settled) return
    this.#paused = false
    this.#awaitMore()
    this.#response.resume()
  }

  #renew(): void {
    if (this.#paused) return
    this.#response.pause()
    this.#response.resume()
  }

  #settle(finish: () => void): void {
    if (this.#settled) return
    this.#settled = true
    clearTimeout(this.#idle)
    clearInterval(this.#renewal)
    if (this.#paused && !this.#limits.signal.aborted) this.#response.resume()
    finish()
  }
}

function idle(idleMs: number, bytes: number): EngineError {
  return new EngineError('timeout', `Expected more of the body within ${idleMs / 1000} s, received ${bytes} bytes`)
}

function cutShort(bytes: number): EngineError {
  return new EngineError('cancelled', `The client hung up after ${bytes} bytes of its body`)
}

import type { Socket } from 'node:net'
import { EngineError } from '../errors.ts'
import { EventQueue } from './event-queue.ts'
import type { SendEvent } from './exchange.ts'
import { encodeEvent, FrameReader } from './frame.ts'

/** Bytes of events that wait to be answered; then no more is read until half of it is answered. A minute of sound. */
const mostWaitingBytes = 2 << 20
/** A frame that has begun is whole within this. Milliseconds. */
const frameDeadlineMs = 20_000
/** A client that takes nothing for so long is gone. */
const takesNothingMs = 30_000
/** One that says nothing is let go: it connects anew when it has something to say. */
const silentMs = 600_000
/** How long the last event may take to leave. */
const farewellMs = 2000

/** Times of a connection, for tests. */
export interface ConnectionTimes {
  readonly frameDeadlineMs?: number
  readonly silentMs?: number
}

/** One client's socket: its events in, ours out. Whoever made it calls `close`; a client that hangs up aborts `signal`. */
export class WyomingConnection {
  readonly events = new EventQueue()
  readonly #socket: Socket
  readonly #reader = new FrameReader()
  readonly #gone = new AbortController()
  readonly #frameDeadlineMs: number
  #late: NodeJS.Timeout | undefined
  #isBroken = false

  constructor(socket: Socket, times: ConnectionTimes = {}) {
    this.#socket = socket
    this.#frameDeadlineMs = times.frameDeadlineMs ?? frameDeadlineMs
    socket.setNoDelay(true)
    socket.on('data', (bytes) => this.#read(bytes))
    socket.on('close', () => this.#hangUp())
    socket.on('end', () => this.#hangUp())
    // What is wrong with a socket ends it: `close` follows.
    socket.on('error', () => undefined)
    socket.setTimeout(times.silentMs ?? silentMs, () => this.#hangUp())
  }

  /** Aborted when the client has hung up. */
  get signal(): AbortSignal {
    return this.#gone.signal
  }

  readonly send: SendEvent = async (type, data, payload) => {
    if (this.#gone.signal.aborted) throw new EngineError('cancelled', 'The client hung up')
    if (!this.#socket.write(encodeEvent(type, data, payload))) await this.#drained()
  }

  /** Room again, once an event was answered. */
  resume(): void {
    if (this.#socket.isPaused() && this.events.bytes < mostWaitingBytes / 2) this.#socket.resume()
  }

  /** As if the client had hung up. */
  end(): void {
    this.#hangUp()
  }

  /** Sends what is left, then ends the socket, at once where that takes too long. */
  async close(): Promise<void> {
    clearTimeout(this.#late)
    if (this.#socket.destroyed) return
    const closed = new Promise<void>((resolve) => this.#socket.once('close', () => resolve()))
    const timer = setTimeout(() => this.#socket.destroy(), farewellMs)
    this.#socket.removeAllListeners('data').resume()
    this.#socket.end()
    this.#socket.once('finish', () => this.#socket.destroy())
    await closed
    clearTimeout(timer)
  }

  #read(bytes: Buffer): void {
    if (this.#isBroken) return
    try {
      this.#reader.add(bytes)
      for (let event = this.#reader.next(); event; event = this.#reader.next()) {
        this.events.push(event)
        this.#stopDeadline()
      }
      if (this.#reader.isWithinFrame) this.#late ??= setTimeout(() => this.#break(tooLate()), this.#frameDeadlineMs)
      if (this.events.bytes > mostWaitingBytes) this.#socket.pause()
    } catch (error) {
      this.#break(error)
    }
  }

  #stopDeadline(): void {
    clearTimeout(this.#late)
    this.#late = undefined
  }

  #break(error: unknown): void {
    this.#isBroken = true
    this.events.fail(error)
  }

  #hangUp(): void {
    clearTimeout(this.#late)
    this.#gone.abort(new EngineError('cancelled', 'The client hung up'))
    this.events.drop()
    this.#socket.destroy()
  }

  #drained(): Promise<void> {
    const socket = this.#socket
    return new Promise((resolve, reject) => {
      const settle = (finish: () => void) => {
        clearTimeout(timer)
        socket.off('drain', onDrain).off('close', onClose)
        finish()
      }
      const onDrain = () => settle(resolve)
      const onClose = () => settle(() => reject(new EngineError('cancelled', 'The client hung up')))
      const timer = setTimeout(() => socket.destroy(), takesNothingMs)
      socket.on('drain', onDrain).on('close', onClose)
      if (socket.destroyed) onClose()
    })
  }
}

function tooLate(): EngineError {
  return new EngineError('timeout', 'Expected the rest of a frame that has begun. Send each frame as a whole')
}

import { randomBytes } from 'node:crypto'
import { connect, type Socket } from 'node:net'

const readBytes = 65_536

/** Told of the messages of one read; they are views that do not outlive the call. */
export type OnMessages = (messages: readonly Buffer[], client: RawClient) => void

/**
 * A WebSocket subscriber on a bare socket. It does little per message, so that the server is what is measured. Paused it reads
 * nothing, so that the kernel's buffers fill.
 */
export class RawClient {
  readonly #socket: Socket
  readonly #onMessages: OnMessages
  #rest: Buffer = Buffer.alloc(0)
  #upgraded: () => void
  #open = false

  private constructor({ port, path }: { port: number; path: string }, onMessages: OnMessages, upgraded: () => void) {
    this.#onMessages = onMessages
    this.#upgraded = upgraded
    const take = (length: number, buffer: Uint8Array) => {
      this.#take(Buffer.from(buffer.buffer, buffer.byteOffset, length))
      return true
    }
    const onread = { buffer: Buffer.alloc(readBytes), callback: take }
    this.#socket = connect({ host: '127.0.0.1', port, onread })
    this.#socket.setNoDelay(true)
    const key = randomBytes(16).toString('base64')
    this.#socket.write(
      `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: ${key}\r\nSec-WebSocket-Version: 13\r\n\r\n`,
    )
  }

  /** Resolves once the connection stands. */
  static open(address: { port: number; path: string }, onMessages: OnMessages): Promise<RawClient> {
    return new Promise((resolve, reject) => {
      const client = new RawClient(address, onMessages, () => resolve(client))
      client.#socket.on('error', reject)
    })
  }

  pause(): void {
    this.#socket.pause()
  }

  resume(): void {
    this.#socket.resume()
  }

  /** Acknowledges this message and all before it. */
  acknowledge(message: Buffer): void {
    this.#socket.write(maskedText(`{"type":"ack","n":${numberIn(message, 'n')}}`))
  }

  close(): void {
    this.#socket.destroy()
  }

  #take(chunk: Buffer): void {
    const bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk])
    let at = this.#open ? 0 : this.#upgrade(bytes)
    const messages: Buffer[] = []
    for (let found = this.#open && payloadAt(bytes, at); found; found = payloadAt(bytes, at)) {
      messages.push(bytes.subarray(found.from, found.to))
      at = found.to
    }
    if (messages.length > 0) this.#onMessages(messages, this)
    // Copied: the socket reads into the same buffer again.
    this.#rest = Buffer.from(bytes.subarray(at))
  }

  /** Where the frames begin. */
  #upgrade(bytes: Buffer): number {
    const end = bytes.indexOf('\r\n\r\n')
    if (end < 0) return 0
    this.#open = true
    this.#upgraded()
    return end + 4
  }
}

/** A number of a message's head: `"n":12`, `"capturedAt":1764011045123.4`. NaN where it is not. */
export function numberIn(message: Buffer, field: string): number {
  const at = message.indexOf(`"${field}":`)
  const from = at + field.length + 3
  return at < 0 || at > 300 ? NaN : Number.parseFloat(message.toString('latin1', from, from + 24))
}

/** Where the payload of the frame at `at` lies; undefined while it is not there whole. Frames of servers are not masked. */
function payloadAt(bytes: Buffer, at: number): { from: number; to: number } | undefined {
  if (bytes.length < at + 10) return undefined
  const short = bytes.readUInt8(at + 1) & 127
  const length =
    short < 126 ? short : short === 126 ? bytes.readUInt16BE(at + 2) : Number(bytes.readBigUInt64BE(at + 2))
  const from = at + (short < 126 ? 2 : short === 126 ? 4 : 10)
  return from + length > bytes.length ? undefined : { from, to: from + length }
}

/** A text frame of under 126 bytes, masked with zeros. */
function maskedText(text: string): Buffer {
  const frame = Buffer.alloc(6 + text.length)
  frame.writeUInt16BE(0x8180 | text.length)
  frame.write(text, 6, 'latin1')
  return frame
}

import { randomBytes } from 'node:crypto'
import { connect, type Socket } from 'node:net'

/**
 * Subscribers of the fan-out benchmark, in a process of their own. They do little per message, so that the server is what is
 * measured: they read frame headers, count, and acknowledge when they were told to.
 */
interface Order {
  readonly port: number
  readonly path: string
  readonly clients: number
  readonly acknowledge: boolean
  readonly warmUpMs: number
  readonly measureMs: number
}

interface Reader {
  /** What is left over of the last chunk. */
  rest: Buffer
  messages: number
}

process.on('message', (order: Order) => {
  run(order).then(
    (messages) => process.send?.({ messages }),
    (error: unknown) => process.send?.({ error: String(error) }),
  )
})

/** Messages that all clients together received in the time measured. */
async function run(order: Order): Promise<number> {
  const readers: Reader[] = []
  const sockets = await Promise.all(Array.from({ length: order.clients }, () => open(order, readers)))
  process.send?.({ ready: true })
  const total = () => readers.reduce((sum, { messages }) => sum + messages, 0)
  await wait(order.warmUpMs)
  process.send?.({ started: true })
  const before = total()
  await wait(order.measureMs)
  const received = total() - before
  for (const socket of sockets) socket.destroy()
  return received
}

function open({ port, path, acknowledge }: Order, readers: Reader[]): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1')
    const reader: Reader = { rest: Buffer.alloc(0), messages: 0 }
    let upgraded = false
    socket.setNoDelay(true)
    socket.on('error', reject)
    const key = randomBytes(16).toString('base64')
    socket.write(
      `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: ${key}\r\nSec-WebSocket-Version: 13\r\n\r\n`,
    )
    socket.on('data', (chunk) => {
      reader.rest = reader.rest.length === 0 ? chunk : Buffer.concat([reader.rest, chunk])
      if (!upgraded) {
        const end = reader.rest.indexOf('\r\n\r\n')
        if (end < 0) return
        upgraded = true
        reader.rest = reader.rest.subarray(end + 4)
        readers.push(reader)
        resolve(socket)
      }
      takeFrames(reader, socket, acknowledge)
    })
  })
}

function takeFrames(reader: Reader, socket: Socket, acknowledge: boolean): void {
  let at = 0
  let last: Buffer | undefined
  const { rest } = reader
  for (;;) {
    const payload = payloadAt(rest, at)
    if (payload === undefined) break
    last = rest.subarray(payload.from, payload.to)
    reader.messages++
    at = payload.to
  }
  reader.rest = rest.subarray(at)
  if (acknowledge && last !== undefined) socket.write(maskedText(`{"type":"ack","n":${counterOf(last)}}`))
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

function counterOf(message: Buffer): number {
  return Number(/"n":(\d+)/.exec(message.toString('latin1', 0, 100))?.[1])
}

/** A text frame of under 126 bytes, masked with zeros. */
function maskedText(text: string): Buffer {
  return Buffer.concat([Buffer.from([0x81, 0x80 | text.length, 0, 0, 0, 0]), Buffer.from(text)])
}

function wait(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

import {
  App,
  type us_listen_socket,
  us_listen_socket_close,
  type us_socket,
  us_socket_local_port,
} from 'uWebSockets.js'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { type WebSocket, WebSocketServer } from 'ws'
import { createPacket, type Kind, type Packet } from '../../engine/core/packet.ts'
import { type EncodedMessage, encodePacket } from '../../engine/streams/encode.ts'
import { maxBufferedBytes, Subscriber } from '../../engine/streams/subscriber.ts'
import { startServer } from '../support/server.ts'
import { CountedImage, StillClock } from '../support/topic-packets.ts'

const topic = 'demo/people'
/** Where every publisher's topic is. */
export const topicPath = `/ws/${topic}`
const clock = new StillClock()

/** A server of one topic. `publish` sends one message to all its subscribers. */
export interface Publisher extends AsyncDisposable {
  readonly port: number
  publish(): void
}

/** What is published: the next payload, made anew each time. */
export interface Content {
  readonly kind: Kind
  makePacket(seq: number): Packet
}

/** Results with as many objects; 10 make about 1 KB, 43 about 4 KB. */
export function results(count: number): Content {
  const objects = Array.from({ length: count }, (_, i) => ({
    label: 'person',
    confidence: 0.9 - i / 100,
    bbox: [10.5 * i, 20, 80, 210] as const,
  }))
  const frame = { width: 768, height: 576 }
  const payload = { kind: 'objects', objects, frame, model: 'yolov8n', backend: 'onnx', simulated: false } as const
  return { kind: 'objects', makePacket: (seq) => createPacket({ ...newFrame(seq), payload }) }
}

/** Binary messages of as many bytes. */
export function pictures(bytes: number): Content {
  const image = () => new CountedImage({ bytes, width: 1280, height: 720 })
  const makePacket = (seq: number) => createPacket({ ...newFrame(seq), payload: { kind: 'image', image: image() } })
  return { kind: 'image', makePacket }
}

function newFrame(seq: number) {
  return { stream: 'people', source: 'camera', seq, capturedAt: process.hrtime.bigint() }
}

/** How old a message is, in ms, by the `capturedAt` in it. */
export function ageOf(capturedAt: number): number {
  return clock.toUnixMs(process.hrtime.bigint()) - capturedAt
}

/** The engine's server and hub. */
export async function startOurs({ kind, makePacket }: Content): Promise<Publisher> {
  const app = await startServer()
  const packets = app.offer(topic, kind)
  let seq = 0
  return {
    port: app.server.port,
    publish: () => packets.next(makePacket(seq++)),
    [Symbol.asyncDispose]: () => app.server.close(),
  }
}

/** Nothing but uWebSockets.js: each message encoded, and published once. */
export async function startBare(content: Content): Promise<Publisher> {
  const app = App()
  app.ws('/*', { open: (socket) => void socket.subscribe(topic), maxBackpressure: maxBufferedBytes })
  const listening = await new Promise<us_listen_socket>((resolve, reject) =>
    app.listen('127.0.0.1', 0, (one) => (one ? resolve(one) : reject(new Error('Expected a free port')))),
  )
  const encode = encoderOf(content)
  const close = async () => {
    us_listen_socket_close(listening)
    app.close()
  }
  return {
    port: us_socket_local_port(listening as unknown as us_socket),
    publish: () => {
      const { bytes, binary } = encode()
      app.publish(topic, bytes, binary)
    },
    [Symbol.asyncDispose]: close,
  }
}

/** One client of a server made with `ws`; `deliver` sends or keeps, `acknowledge` makes room. */
export type WsClient = Pick<Subscriber, 'deliver' | 'acknowledge'>

/** The same with `ws`; `serve` says how a client is served. */
export async function startWs(content: Content, serve: (socket: WebSocket) => WsClient): Promise<Publisher> {
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0, perMessageDeflate: false })
  await once(server, 'listening')
  const clients = new Set<WsClient>()
  server.on('connection', (socket) => {
    const client = serve(socket)
    clients.add(client)
    socket.on('message', (data: Buffer) => {
      const { type, n } = JSON.parse(data.toString()) as { type: string; n: number }
      if (type === 'ack') client.acknowledge(n)
    })
    socket.on('close', () => clients.delete(client))
    socket.on('error', () => socket.terminate())
  })
  const encode = encoderOf(content)
  const publish = () => {
    const message = encode()
    for (const client of clients) client.deliver(message)
  }
  const close = () => {
    for (const socket of server.clients) socket.terminate()
    return new Promise<void>((resolve) => server.close(() => resolve()))
  }
  return { port: (server.address() as AddressInfo).port, publish, [Symbol.asyncDispose]: close }
}

/** The next message, as the hub encodes it. */
function encoderOf({ makePacket }: Content): () => EncodedMessage {
  let n = 0
  return () => {
    const packet = makePacket(n)
    const times = { capturedAt: clock.toUnixMs(packet.capturedAt), publishedAt: clock.toUnixMs(packet.capturedAt) }
    return encodePacket(packet, { topic, n, epoch: 'bench', seq: n++, ...times }, ({ bytes }) => Buffer.alloc(bytes, 7))
  }
}

/** Whatever the client takes. */
export function sendNaively(socket: WebSocket): WsClient {
  return { deliver: ({ bytes, binary }) => socket.send(bytes, { binary }), acknowledge: () => undefined }
}

/** Unless more than so many bytes wait for the client. */
export function sendUnlessBuffered(limit: number): (socket: WebSocket) => WsClient {
  return (socket) => ({
    deliver: ({ bytes, binary }) => {
      if (socket.bufferedAmount <= limit) socket.send(bytes, { binary })
    },
    acknowledge: () => undefined,
  })
}

/** With our own credits on top. */
export function sendByCredits(credits: number): (socket: WebSocket) => WsClient {
  return (socket) => {
    const outlet = {
      send: ({ bytes, binary }: EncodedMessage) => {
        socket.send(bytes, { binary })
        return true
      },
      get bufferedBytes() {
        return socket.bufferedAmount
      },
    }
    return new Subscriber(outlet, { credits })
  }
}

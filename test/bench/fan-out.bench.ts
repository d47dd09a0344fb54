import {
  App,
  type us_listen_socket,
  us_listen_socket_close,
  type us_socket,
  us_socket_local_port,
} from 'uWebSockets.js'
import { type ChildProcess, fork } from 'node:child_process'
import { type AddressInfo, createServer } from 'node:net'
import type { Subject } from 'rxjs'
import { type WebSocket, WebSocketServer } from 'ws'
import type { Packet } from '../../engine/core/packet.ts'
import { encodePacket } from '../../engine/streams/encode.ts'
import { maxBufferedBytes, Subscriber } from '../../engine/streams/subscriber.ts'
import { startServer } from '../support/server.ts'
import { objectsPacket } from '../support/topic-packets.ts'
import type { BenchRow } from './row.ts'

const clients = 200
const rounds = 3
const warmUpMs = 400
const measureMs = 1500
/** Packets per turn of the event loop: a saturated publisher. */
const burst = 4
/** A paced publisher: 200 clients × 100 a second, well below what either server can do. */
const pacedMs = 10
const credits = 2
const path = '/ws/demo/people'

interface Publisher extends AsyncDisposable {
  readonly port: number
  publish(): void
}

/**
 * 200 subscribers of 1 KB results: the engine's server against `ws` that keeps the same promises. Messages per second where
 * nothing holds the publisher back; with credits, where each message is acknowledged and the clients' own work would be
 * the limit, the server's CPU time per message at a steady load.
 */
export default async function bench(): Promise<BenchRow[]> {
  const plain = { ours: startOurs, peer: () => startPeer(sendPlainly), saturated: true, query: '' }
  const windowed = {
    ours: startOurs,
    peer: () => startPeer(sendByCredits),
    saturated: false,
    query: `?credits=${credits}`,
  }
  const bare = { ...plain, peer: startBare }
  const rates = await compare(plain)
  const costs = await compare(windowed)
  const many = { ...plain, clients: 1000 }
  const manyRates = await compare(many)
  const bareRates = await compare(bare)
  const manyBareRates = await compare({ ...bare, clients: many.clients })
  return [
    toRow(`fan-out ${clients} × 1 KB`, 'messages/s', rates, { ratio: rates.ours / rates.peer, goal: 3 }),
    toRow(`fan-out ${clients} × 1 KB, ${credits} credits`, 'µs CPU/message', costs, {
      ratio: costs.peer / costs.ours,
      goal: 2,
    }),
    toRow('fan-out 1000 × 1 KB', 'messages/s', manyRates, { ratio: manyRates.ours / manyRates.peer, goal: 3 }),
    toBareRow(`fan-out ${clients} × 1 KB`, bareRates),
    toBareRow('fan-out 1000 × 1 KB', manyBareRates),
  ]
}

interface Trial {
  readonly ours: () => Promise<Publisher>
  readonly peer: () => Promise<Publisher>
  readonly saturated: boolean
  readonly query: string
  /** Default 200. */
  readonly clients?: number
}

interface Figures {
  readonly ours: number
  readonly peer: number
}

/** Medians of runs that alternate. */
async function compare(trial: Trial): Promise<Figures> {
  const results = { ours: [] as number[], peer: [] as number[] }
  for (let round = 0; round < rounds; round++) {
    results.ours.push(await measure(await trial.ours(), trial))
    results.peer.push(await measure(await trial.peer(), trial))
  }
  return { ours: median(results.ours), peer: median(results.peer) }
}

function toRow(
  name: string,
  unit: string,
  figures: Figures,
  { ratio, goal }: { ratio: number; goal: number },
): BenchRow {
  return { name, ...figures, peerName: 'ws 8', unit, ratio, goal, met: ratio >= goal }
}

function toBareRow(name: string, figures: Figures): BenchRow {
  const row = toRow(name, 'messages/s', figures, { ratio: figures.ours / figures.peer, goal: 0.9 })
  return { ...row, peerName: 'bare uWebSockets.js' }
}

/** Saturated: messages per second that the clients received; else µs of this process's CPU per message. Closes the publisher. */
async function measure(publisher: Publisher, trial: Trial): Promise<number> {
  await using _ = publisher
  const { saturated, query } = trial
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
  const child = fork(new URL(`./fan-out-clients.${extension}`, import.meta.url))
  let stop: () => void = () => undefined
  try {
    const order = {
      path: path + query,
      clients: trial.clients ?? clients,
      acknowledge: !saturated,
      warmUpMs,
      measureMs,
    }
    child.send({ port: publisher.port, ...order })
    await hear(child, 'ready')
    stop = saturated ? publishAlways(publisher) : publishSteadily(publisher)
    await hear(child, 'started')
    const before = process.cpuUsage()
    const messages = await hear(child, 'messages')
    const { user, system } = process.cpuUsage(before)
    return saturated ? messages / (measureMs / 1000) : (user + system) / messages
  } finally {
    stop()
    child.kill()
  }
}

function publishAlways(publisher: Publisher): () => void {
  let publishing = true
  const turn = () => {
    for (let i = 0; i < burst; i++) publisher.publish()
    if (publishing) setImmediate(turn)
  }
  turn()
  return () => {
    publishing = false
  }
}

function publishSteadily(publisher: Publisher): () => void {
  const timer = setInterval(() => publisher.publish(), pacedMs)
  return () => clearInterval(timer)
}

function hear(child: ChildProcess, field: string): Promise<number> {
  return new Promise((resolve, reject) => {
    child.once('message', (message: Record<string, number | string>) => {
      if (field in message) resolve(Number(message[field]))
      else reject(new Error(`Expected ${field} from the clients, received ${JSON.stringify(message)}`))
    })
    child.once('exit', (code) => reject(new Error(`The clients' process ended with ${code}`)))
  })
}

async function startOurs(): Promise<Publisher> {
  const app = await startServer()
  const packets: Subject<Packet> = app.offer('demo/people')
  let seq = 0
  return {
    port: app.server.port,
    publish: () => packets.next(makePacket(seq++)),
    [Symbol.asyncDispose]: () => app.server.close(),
  }
}

/** Nothing but uWebSockets.js: each message encoded, and published once. */
async function startBare(): Promise<Publisher> {
  const app = App()
  app.ws('/*', { open: (socket) => void socket.subscribe(path), maxBackpressure: maxBufferedBytes })
  const listening = await new Promise<us_listen_socket>((resolve, reject) =>
    app.listen('127.0.0.1', 0, (one) => (one ? resolve(one) : reject(new Error('Expected a free port')))),
  )
  let n = 0
  const publish = () => {
    const message = encodePacket(makePacket(n), makeHead(n++), () => new Uint8Array(0))
    app.publish(path, message.bytes, false)
  }
  const close = async () => {
    us_listen_socket_close(listening)
    app.close()
  }
  return { port: us_socket_local_port(listening as unknown as us_socket), publish, [Symbol.asyncDispose]: close }
}

/** One client of the peer; `deliver` sends or keeps, `acknowledge` makes room. */
type Peer = Pick<Subscriber, 'deliver' | 'acknowledge'>

async function startPeer(serve: (socket: WebSocket) => Peer): Promise<Publisher> {
  const http = createServer()
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve))
  const { port } = http.address() as AddressInfo
  await new Promise((resolve) => http.close(resolve))
  const server = new WebSocketServer({ host: '127.0.0.1', port, perMessageDeflate: false })
  await new Promise((resolve) => server.once('listening', resolve))
  const peers = new Set<Peer>()
  server.on('connection', (socket) => {
    const peer = serve(socket)
    peers.add(peer)
    socket.on('message', (data: Buffer) => {
      const { type, n } = JSON.parse(data.toString()) as { type: string; n: number }
      if (type === 'ack') peer.acknowledge(n)
    })
    socket.on('close', () => peers.delete(peer))
    socket.on('error', () => socket.terminate())
  })
  let n = 0
  const publish = () => {
    const message = encodePacket(makePacket(n), makeHead(n++), () => new Uint8Array(0))
    for (const peer of peers) peer.deliver(message)
  }
  const close = () => {
    for (const socket of server.clients) socket.terminate()
    return new Promise<void>((resolve) => server.close(() => resolve()))
  }
  return { port, publish, [Symbol.asyncDispose]: close }
}

function sendPlainly(socket: WebSocket): Peer {
  return {
    deliver: ({ bytes }) => {
      if (socket.bufferedAmount <= maxBufferedBytes) socket.send(bytes, { binary: false })
    },
    acknowledge: () => undefined,
  }
}

function sendByCredits(socket: WebSocket): Peer {
  const outlet = {
    send: ({ bytes }: { readonly bytes: Uint8Array }) => {
      socket.send(bytes, { binary: false })
      return true
    },
    get bufferedBytes() {
      return socket.bufferedAmount
    },
  }
  return new Subscriber(outlet, { credits })
}

const objects = Array.from({ length: 10 }, (_, i) => ({
  label: 'person',
  confidence: 0.9 - i / 100,
  bbox: [10.5 * i, 20, 80, 210] as const,
}))

/** About 1 KB as a message. */
function makePacket(seq: number): Packet {
  return objectsPacket(seq, objects)
}

function makeHead(n: number) {
  const times = { capturedAt: 1_764_011_045_123.4, publishedAt: 1_764_011_045_151.9 }
  return { topic: 'demo/people', n, epoch: 'bench', seq: n, ...times }
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] as number
}

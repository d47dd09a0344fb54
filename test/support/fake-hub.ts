import { readFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { extname, join } from 'node:path'
import { type RawData, type WebSocket, WebSocketServer } from 'ws'
import {
  type BinaryHead,
  type FrameHead,
  maxUnacknowledgedFrames,
  packBinary,
  type ResultMessage,
  type SocketRequest,
  unpackBinary,
} from '../../engine/streams/wire.ts'

const types: Record<string, string> = { '.html': 'text/html', '.js': 'text/javascript', '.css': 'text/css' }

/** A topic as `GET /api/topics` names it. */
export interface FakeTopic {
  readonly topic: string
  readonly kind: 'image' | 'objects'
}

/** What a message has beside what the hub gives: topic, n, epoch and publishedAt. */
export type FakeResult = Omit<ResultMessage, 'topic' | 'n' | 'epoch' | 'publishedAt'>

interface Subscription {
  readonly credits: number
  readonly sent: number[]
  waiting: { readonly n: number; readonly data: string | Uint8Array } | undefined
}

/** Speaks CONTRACT's protocol with the page, and lets a test decide when each message goes. */
export class FakeHub {
  epoch = 'first'
  /** Answers nothing and sends nothing, as when a network has died without a word. */
  mute = false
  /** Names of browser sources. */
  sources: readonly string[] = []
  /** Milliseconds until a published frame is acknowledged. */
  acknowledgeAfterMs = 0
  /** Heads of the frames that pages have published. */
  readonly published: FrameHead[] = []
  /** The most frames that were unacknowledged at once. */
  mostUnacknowledged = 0
  /** Messages that were acknowledged, per topic. */
  readonly acknowledged = new Map<string, number>()
  readonly #page: string
  readonly #topics: readonly FakeTopic[]
  readonly #counters = new Map<string, number>()
  readonly #subscriptions = new Map<WebSocket, Map<string, Subscription>>()
  #publisher: WebSocket | undefined
  #unacknowledged = 0
  #server: Server | undefined
  #port = 0

  /** `page`: folder of the built page. */
  constructor(page: string, topics: readonly FakeTopic[]) {
    this.#page = page
    this.#topics = topics
  }

  get url(): string {
    return `http://localhost:${this.#port}/`
  }

  /** Sockets that stand now. */
  get clients(): number {
    return this.#subscriptions.size
  }

  /** What answers other WebSockets and `GET /api/health` than the hub's own. */
  beside: { listen(server: Server): void } | undefined
  health: object = { models: [], devices: {}, tls: null }

  /** Listens; on the same port as before when it was stopped meanwhile. */
  async start(): Promise<void> {
    const server = createServer((request, response) => {
      void this.#answer(new URL(request.url ?? '/', this.url).pathname).then(([status, type, body]) =>
        response.writeHead(status, { 'content-type': type }).end(body),
      )
    })
    const sockets = new WebSocketServer({ noServer: true })
    server.on('upgrade', (request, socket, head) => {
      if (request.url === '/ws') sockets.handleUpgrade(request, socket, head, (open) => this.#connected(open))
      else if (this.beside === undefined) socket.destroy()
    })
    this.beside?.listen(server)
    await new Promise<void>((resolve) => server.listen(this.#port, '127.0.0.1', resolve))
    this.#port = (server.address() as AddressInfo).port
    this.#server = server
  }

  /** Breaks all connections and stops listening. */
  async stop(): Promise<void> {
    for (const socket of this.#subscriptions.keys()) socket.terminate()
    this.#server?.closeAllConnections()
    await new Promise((resolve) => this.#server?.close(resolve))
  }

  subscribed(topic: string): boolean {
    return [...this.#subscriptions.values()].some((topics) => topics.has(topic))
  }

  sendPicture(topic: string, seq: number, jpeg: Uint8Array, capturedAt = Date.now()): void {
    const publishedAt = Date.now()
    const head = { v: 1, topic, n: this.#next(topic), epoch: this.epoch, seq, capturedAt, publishedAt } as const
    this.#send(topic, head.n, packBinary({ ...head, type: 'image/jpeg' } satisfies BinaryHead, jpeg))
  }

  sendResult(topic: string, result: FakeResult): void {
    const head = { topic, n: this.#next(topic), epoch: this.epoch, publishedAt: Date.now() }
    this.#send(topic, head.n, JSON.stringify({ ...head, ...result }))
  }

  /** Counts a message that no client gets: a gap in `n`. */
  skip(topic: string): void {
    this.#next(topic)
  }

  /** Tells the page that publishes to stop or to go on. */
  tellPublisher(type: 'pause' | 'resume'): void {
    this.#publisher?.send(JSON.stringify({ type, source: this.sources[0] }))
  }

  async #answer(path: string): Promise<[status: number, type: string, body: string | Buffer]> {
    if (path === '/api/topics') {
      const topics = this.#topics.map(({ topic, kind }) => {
        const [pipeline, stream] = topic.split('/')
        return { topic, kind, pipeline, stream, subscribers: 0, schema: null }
      })
      return [200, 'application/json', JSON.stringify(topics)]
    }
    if (path === '/api/health') return [200, 'application/json', JSON.stringify(this.health)]
    if (path === '/api/pipelines') return [200, 'application/json', '[]']
    const file = path === '/' ? '/index.html' : path
    const body = await readFile(join(this.#page, file)).catch(() => undefined)
    return body === undefined ? [404, 'text/plain', 'not found'] : [200, types[extname(file)] ?? 'text/plain', body]
  }

  #connected(socket: WebSocket): void {
    this.#subscriptions.set(socket, new Map())
    socket.on('message', (data, binary) => {
      if (this.mute) return
      if (binary) this.#takeFrame(socket, data)
      else this.#take(socket, JSON.parse(String(data)) as SocketRequest)
    })
    socket.on('close', () => {
      this.#subscriptions.delete(socket)
      if (this.#publisher === socket) this.#publisher = undefined
    })
  }

  #take(socket: WebSocket, request: SocketRequest): void {
    const topics = this.#subscriptions.get(socket)
    const answer = (fields: object) =>
      socket.send(JSON.stringify({ ...fields, ...('id' in request && { id: request.id }) }))
    if (request.type === 'ack') this.#acknowledge(socket, request.topic ?? '', request.n)
    else if (request.type === 'publish') this.#publish(socket, request.source, answer)
    else if (request.type === 'unsubscribe') topics?.delete(request.topic)
    else if (topics?.has(request.topic)) answer({ type: 'error', error: 'conflict', detail: 'subscribed already' })
    else {
      answer({ type: 'subscribed', topic: request.topic })
      topics?.set(request.topic, { credits: request.credits ?? Number.POSITIVE_INFINITY, sent: [], waiting: undefined })
    }
  }

  #publish(socket: WebSocket, source: string, answer: (fields: object) => void): void {
    const error = !this.sources.includes(source) ? 'not-found' : this.#publisher !== undefined ? 'conflict' : undefined
    if (error !== undefined) {
      answer({ type: 'error', error, detail: `no ${source}` })
      return
    }
    this.#publisher = socket
    this.#unacknowledged = 0
    answer({ type: 'publishing', source })
    answer({ type: 'resume', source })
  }

  #takeFrame(socket: WebSocket, data: RawData): void {
    const { head } = unpackBinary(data as Buffer)
    const frame = head as FrameHead
    this.published.push(frame)
    this.#unacknowledged += 1
    this.mostUnacknowledged = Math.max(this.mostUnacknowledged, this.#unacknowledged)
    if (this.#unacknowledged > maxUnacknowledgedFrames) return
    setTimeout(() => {
      this.#unacknowledged -= 1
      socket.send(JSON.stringify({ type: 'ack', source: frame.source, seq: frame.seq }))
    }, this.acknowledgeAfterMs)
  }

  #next(topic: string): number {
    const n = this.#counters.get(topic) ?? 0
    this.#counters.set(topic, n + 1)
    return n
  }

  #send(topic: string, n: number, data: string | Uint8Array): void {
    for (const [socket, topics] of this.#subscriptions) {
      const subscription = topics.get(topic)
      if (subscription === undefined) continue
      subscription.waiting = { n, data }
      this.#flush(socket, subscription)
    }
  }

  #flush(socket: WebSocket, subscription: Subscription): void {
    if (this.mute || subscription.waiting === undefined || subscription.sent.length >= subscription.credits) return
    subscription.sent.push(subscription.waiting.n)
    socket.send(subscription.waiting.data)
    subscription.waiting = undefined
  }

  #acknowledge(socket: WebSocket, topic: string, n: number): void {
    const subscription = this.#subscriptions.get(socket)?.get(topic)
    const at = subscription?.sent.indexOf(n) ?? -1
    if (subscription === undefined || at < 0) return
    this.acknowledged.set(topic, (this.acknowledged.get(topic) ?? 0) + at + 1)
    subscription.sent.splice(0, at + 1)
    this.#flush(socket, subscription)
  }
}

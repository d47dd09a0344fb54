import { Subject } from 'rxjs'
import { WebSocket } from 'ws'
import type { Kind, Packet } from '../../engine/core/packet.ts'
import type { AccessRules } from '../../engine/server/access.ts'
import { Server, type ServerOptions } from '../../engine/server/server.ts'
import { BrowserSourceRegistry } from '../../engine/streams/browser-sources.ts'
import { Hub } from '../../engine/streams/hub.ts'
import { StillClock, silentLog } from './topic-packets.ts'
import { until } from './wait.ts'

export const openRules: AccessRules = { access: 'token-unless-loopback', token: null, origins: [] }

/** A server on a free port of 127.0.0.1, with topics that the test feeds. */
export async function startServer(options: Partial<ServerOptions> = {}) {
  const clock = new StillClock()
  const hub = new Hub({ clock, log: silentLog, readImage: ({ bytes }) => Buffer.alloc(bytes, 7) })
  const browserSources = new BrowserSourceRegistry(clock)
  const fetch = () => new Response('from the routes')
  const defaults = {
    host: '127.0.0.1',
    port: 0,
    rules: openRules,
    hub,
    browserSources,
    fetch,
    page: null,
    log: silentLog,
  }
  const server = await Server.listen({ ...defaults, ...options })
  const offer = (topic: string, kind: Kind = 'objects') => {
    const packets = new Subject<Packet>()
    hub.offer(topic, { kind, packets })
    return packets
  }
  const subscribersOf = (topic: string) => hub.topics().find((summary) => summary.topic === topic)?.subscribers
  const url = `http://127.0.0.1:${server.port}`
  return { server, hub, browserSources, clock, offer, subscribersOf, url, socketUrl: url.replace('http', 'ws') }
}

/** A WebSocket client that keeps what it hears. */
export class TestClient {
  readonly socket: WebSocket
  readonly heard: (Record<string, unknown> | Buffer)[] = []
  readonly closed: Promise<{ readonly code: number; readonly reason: string }>

  constructor(url: string, protocols: readonly string[] = [], headers: Readonly<Record<string, string>> = {}) {
    this.socket = new WebSocket(url, [...protocols], { headers })
    this.socket.on('message', (data: Buffer, isBinary) =>
      this.heard.push(isBinary ? data : JSON.parse(data.toString())),
    )
    this.closed = new Promise((resolve) =>
      this.socket.on('close', (code, reason) => resolve({ code, reason: reason.toString() })),
    )
    this.socket.on('error', () => undefined) // the close that follows is what tests look at
  }

  /** Resolves once the connection stands. */
  static async open(...args: ConstructorParameters<typeof TestClient>): Promise<TestClient> {
    const client = new TestClient(...args)
    await until('the connection', () => client.socket.readyState === WebSocket.OPEN)
    return client
  }

  send(message: object | string | Uint8Array): void {
    this.socket.send(typeof message === 'string' || message instanceof Uint8Array ? message : JSON.stringify(message))
  }

  /** The message at this place, once it is there. */
  async hear(at: number): Promise<Record<string, unknown>> {
    await until(`message ${at} (heard ${JSON.stringify(this.heard)})`, () => this.heard.length > at)
    return this.heard[at] as Record<string, unknown>
  }

  /** Sends the request and waits for the next message. */
  ask(message: object | string | Uint8Array): Promise<Record<string, unknown>> {
    const at = this.heard.length
    this.send(message)
    return this.hear(at)
  }

  /** The counters `n` of the results heard. */
  get counters(): unknown[] {
    return this.heard.flatMap((message) => (Buffer.isBuffer(message) || message.type !== undefined ? [] : [message.n]))
  }
}

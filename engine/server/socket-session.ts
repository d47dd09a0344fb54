import { EngineError } from '../errors.ts'
import type { BrowserSourceRegistry, Publication } from '../streams/browser-sources.ts'
import type { Hub } from '../streams/hub.ts'
import { type Flow, type Outlet, Subscriber } from '../streams/subscriber.ts'
import { type RequestId, type SocketAnswer, type SocketRequest, unpackBinary } from '../streams/wire.ts'
import type { Member } from './plain-group.ts'
import type { PlainGroups } from './plain-groups.ts'
import { parseFlow, parseFrameHead, parseRequest, readPlainAck } from './requests.ts'

/** Topics that one socket may subscribe to, and sources that it may publish. */
const maxSubscriptions = 64
const maxPublications = 8

/** One client's socket. */
export interface Client extends Outlet, Member {
  /** Sends an answer as JSON text. */
  answer(answer: SocketAnswer): void
}

interface Subscription {
  readonly topic: string
  readonly subscriber: Subscriber | undefined
  readonly cancel: () => void
}

/** What the sessions of all sockets share. */
export interface SessionNeeds {
  readonly hub: Hub
  readonly groups: PlainGroups
  readonly browserSources: BrowserSourceRegistry
}

/** What one WebSocket has subscribed to and publishes: CONTRACT's protocol, without the socket. */
export class SocketSession {
  readonly #client: Client
  readonly #needs: SessionNeeds
  readonly #subscriptions = new Map<string, Subscription>()
  readonly #publications = new Map<string, Publication>()
  /** The topic of the URL, which an `ack` may leave out. */
  #ownTopic: string | undefined

  constructor(client: Client, needs: SessionNeeds) {
    this.#client = client
    this.#needs = needs
  }

  /** For a one-topic URL: subscribes at once, and says only what is wrong. */
  open(topic: string, query: URLSearchParams): void {
    this.#ownTopic = topic
    this.#attempt(undefined, () => this.#subscribe(topic, parseFlow(query)))
  }

  /** A text message in UTF-8; read before this returns. */
  text(message: Uint8Array): void {
    const acknowledged = readPlainAck(message)
    if (acknowledged !== undefined) {
      this.#acknowledge(acknowledged, this.#ownTopic)
      return
    }
    const parsed = parseRequest(Buffer.from(message.buffer, message.byteOffset, message.length).toString())
    if ('error' in parsed) {
      this.#refuse(parsed.error, parsed.id)
      return
    }
    const { request } = parsed
    if (request.type === 'ack') this.#acknowledge(request.n, request.topic ?? this.#ownTopic)
    else this.#attempt(request.id, () => this.#carryOut(request))
  }

  /** A frame of a browser source. The bytes become the session's. */
  binary(message: Uint8Array): void {
    this.#attempt(undefined, () => {
      const { head, bytes } = unpack(message)
      const frame = parseFrameHead(head)
      const publication = this.#publications.get(frame.source)
      if (publication === undefined) {
        throw new EngineError(
          'not-found',
          `Expected a source that this socket publishes, received ${frame.source}. Send publish first`,
        )
      }
      publication.frame(frame, bytes)
    })
  }

  /** The socket has room again. */
  drained(): void {
    for (const { subscriber } of this.#subscriptions.values()) subscriber?.flush()
  }

  /** The topic was taken back. */
  ended(topic: string): void {
    this.#subscriptions.get(topic)?.subscriber?.close()
    this.#subscriptions.delete(topic)
    this.#refuse(new EngineError('closed', `The topic ${topic} has ended`), undefined)
  }

  /** The socket is gone: nothing is asked of it any more. */
  close(): void {
    for (const { cancel } of this.#subscriptions.values()) cancel()
    for (const publication of this.#publications.values()) publication.close()
    this.#subscriptions.clear()
    this.#publications.clear()
  }

  #carryOut(request: Exclude<SocketRequest, { type: 'ack' }>): void {
    const answered = request.id === undefined ? {} : { id: request.id }
    if (request.type === 'publish') this.#publish(request.source, answered)
    else if (request.type === 'unsubscribe') {
      this.#unsubscribe(request.topic)
      this.#client.answer({ type: 'unsubscribed', topic: request.topic, ...answered })
    } else {
      const { topic, credits, rate } = request
      this.#checkSubscription(topic)
      // Answered first, so that no message comes before.
      this.#client.answer({ type: 'subscribed', topic, ...answered })
      this.#subscribe(topic, { ...(credits === undefined ? {} : { credits }), ...(rate === undefined ? {} : { rate }) })
    }
  }

  #checkSubscription(topic: string): void {
    this.#needs.hub.kindOf(topic)
    if (this.#subscriptions.has(topic)) {
      throw new EngineError(
        'conflict',
        `This socket is subscribed to ${topic} already. Unsubscribe first to change credits or rate`,
      )
    }
    if (this.#subscriptions.size >= maxSubscriptions)
      throw new EngineError('busy', `Expected at most ${maxSubscriptions} subscriptions on one socket. Open another`)
  }

  #subscribe(topic: string, flow: Flow): void {
    this.#checkSubscription(topic)
    const { hub, groups } = this.#needs
    if (flow.credits === undefined && flow.rate === undefined && !hub.tellsLatest(topic)) {
      const cancel = groups.add(topic, this.#client)
      this.#subscriptions.set(topic, { topic, subscriber: undefined, cancel })
      return
    }
    const subscriber = new Subscriber(this.#client, flow, () => this.ended(topic))
    const leave = hub.subscribe(topic, subscriber)
    const cancel = () => {
      leave()
      subscriber.close()
    }
    this.#subscriptions.set(topic, { topic, subscriber, cancel })
  }

  #unsubscribe(topic: string): void {
    const subscription = this.#subscriptions.get(topic)
    if (subscription === undefined) throw new EngineError('not-found', `This socket is not subscribed to ${topic}`)
    this.#subscriptions.delete(topic)
    subscription.cancel()
  }

  #acknowledge(n: number, topic: string | undefined): void {
    if (topic !== undefined) this.#subscriptions.get(topic)?.subscriber?.acknowledge(n)
  }

  #publish(source: string, answered: { readonly id?: RequestId }): void {
    if (this.#publications.size >= maxPublications)
      throw new EngineError('busy', `Expected at most ${maxPublications} sources on one socket. Open another`)
    const client = this.#client
    const publication = this.#needs.browserSources.claim(source, {
      pause: () => client.answer({ type: 'pause', source }),
      resume: () => client.answer({ type: 'resume', source }),
      acknowledge: (seq) => client.answer({ type: 'ack', source, seq }),
    })
    this.#publications.set(source, publication)
    client.answer({ type: 'publishing', source, ...answered })
    client.answer({ type: publication.wanted ? 'resume' : 'pause', source })
  }

  #attempt(id: RequestId | undefined, work: () => void): void {
    try {
      work()
    } catch (error) {
      if (!(error instanceof EngineError)) throw error
      this.#refuse(error, id)
    }
  }

  #refuse(error: EngineError, id: RequestId | undefined): void {
    this.#client.answer({
      type: 'error',
      error: error.code,
      detail: error.message,
      ...(id === undefined ? {} : { id }),
    })
  }
}

function unpack(message: Uint8Array) {
  try {
    return unpackBinary(message)
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new EngineError('invalid', `Expected a binary message with a header: ${reason}`, { cause: error })
  }
}

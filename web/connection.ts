import { type MessageHead, type ResultMessage, unpackBinary } from '../engine/streams/wire.ts'
import { GapCounter, ServerClock, unixNow } from './measures.ts'
import { ReconnectingSocket, type SocketState } from './socket.ts'

/** Takes the messages of one topic. The acknowledgement goes out when the promise has settled. */
export interface TopicReader {
  image?(head: ImageHead, bytes: Uint8Array): Promise<void> | void
  result?(message: ResultMessage): void
  /** The server refused the topic, with its reason. */
  refused?(detail: string): void
}

/** Head of a picture of a topic. `frame` is there when the picture was made from another stream's. */
export type ImageHead = MessageHead & { readonly frame?: { readonly stream: string } }

/** What the page is told of its connection. */
export interface ConnectionEvents {
  state(state: SocketState): void
  /** The engine has been started anew: all counters begin again. */
  restarted(): void
  /** A topic has ended: what there is should be asked anew. */
  changed(): void
}

interface Subscription {
  readonly reader: TopicReader
  readonly gaps: GapCounter
}

const credits = 2
/** Names the request that only wants an answer; no topic has this name. */
const lifeSignId = '?'
/** A silent server is asked for a sign of life after this, and given up after that, ms. */
const askAfterMs = 4000
const giveUpAfterMs = 7000
/** A page that nobody looks at lets go of its topics after this, so that a camera can close. */
const hiddenAfterMs = 5000

/** Topics over one WebSocket: subscribes anew after every break, acknowledges, counts gaps, keeps the server's clock. */
export class Connection {
  readonly clock = new ServerClock()
  readonly #events: ConnectionEvents
  readonly #socket: ReconnectingSocket
  readonly #subscriptions = new Map<string, Subscription>()
  #epoch: string | undefined
  #asked = false
  #hiddenSince: number | undefined
  #resting = false

  constructor(url: string, events: ConnectionEvents) {
    this.#events = events
    this.#socket = new ReconnectingSocket(url, {
      opened: () => this.#subscribeAll(),
      text: (message) => this.#takeText(message),
      binary: (message) => this.#takeBinary(message),
      state: (state) => events.state(state),
    })
    setInterval(() => this.#watch(), 500)
    document.addEventListener('visibilitychange', () => this.#look())
  }

  open(): void {
    this.#socket.open()
  }

  subscribe(topic: string, reader: TopicReader): void {
    this.unsubscribe(topic)
    this.#subscriptions.set(topic, { reader, gaps: new GapCounter() })
    if (!this.#resting) this.#ask(topic)
  }

  unsubscribe(topic: string): void {
    if (this.#subscriptions.delete(topic) && !this.#resting) this.#socket.send({ type: 'unsubscribe', topic })
  }

  /** Messages of this topic that never came here, since the subscription or the start of the engine. */
  missed(topic: string): number {
    return this.#subscriptions.get(topic)?.gaps.missed ?? 0
  }

  #ask(topic: string, id = topic): void {
    this.#socket.send({ type: 'subscribe', topic, credits, id })
  }

  #subscribeAll(): void {
    this.#asked = false
    if (this.#resting) return
    for (const topic of this.#subscriptions.keys()) this.#ask(topic)
  }

  #takeText(message: unknown): void {
    this.#asked = false
    if (typeof message !== 'object' || message === null) return
    if ('topic' in message && 'n' in message) {
      const result = message as ResultMessage
      const subscription = this.#take(result)
      subscription?.reader.result?.(result)
      if (subscription !== undefined) this.#acknowledge(result)
    } else if ('type' in message && message.type === 'error') {
      const { id, detail, error } = message as { id?: unknown; detail?: unknown; error?: unknown }
      if (error === 'closed') this.#events.changed()
      if (typeof id === 'string') this.#subscriptions.get(id)?.reader.refused?.(String(detail ?? error))
    }
  }

  #takeBinary(message: ArrayBuffer): void {
    this.#asked = false
    const { head, bytes } = unpackBinary(message)
    if (head.topic === undefined || head.n === undefined) return
    const image = head as typeof head & ImageHead
    const subscription = this.#take(image)
    if (subscription === undefined) return
    void Promise.resolve(subscription.reader.image?.(image, bytes)).finally(() => {
      if (this.#subscriptions.get(image.topic) === subscription) this.#acknowledge(image)
    })
  }

  /** Epoch, clock and gaps, the same for every message; undefined for a topic that was left meanwhile. */
  #take(head: MessageHead): Subscription | undefined {
    if (this.#epoch !== head.epoch) {
      if (this.#epoch !== undefined) this.#restart()
      this.#epoch = head.epoch
    }
    this.clock.heard(unixNow(), head.publishedAt)
    const subscription = this.#subscriptions.get(head.topic)
    subscription?.gaps.saw(head.n)
    return subscription
  }

  #restart(): void {
    for (const subscription of this.#subscriptions.values()) subscription.gaps.reset()
    this.clock.reset()
    this.#events.restarted()
  }

  /** An acknowledgement of an earlier connection does no harm: a number that the server does not expect is ignored. */
  #acknowledge(head: MessageHead): void {
    if (head.epoch === this.#epoch) this.#socket.send({ type: 'ack', topic: head.topic, n: head.n })
  }

  /** A socket can be dead without closing. Subscribing twice changes nothing, but must be answered; and it brings back a topic that had ended. */
  #watch(): void {
    this.#rest()
    if (this.#subscriptions.size === 0 || this.#resting || !this.#socket.isOpen) return
    if (this.#socket.silentMs > giveUpAfterMs && this.#asked) this.#socket.reconnect()
    else if (this.#socket.silentMs > askAfterMs && !this.#asked) {
      for (const topic of this.#subscriptions.keys()) this.#ask(topic, lifeSignId)
      this.#asked = true
    }
  }

  #rest(): void {
    if (this.#resting || this.#hiddenSince === undefined) return
    if (performance.now() - this.#hiddenSince < hiddenAfterMs) return
    this.#resting = true
    for (const topic of this.#subscriptions.keys()) this.#socket.send({ type: 'unsubscribe', topic })
  }

  #look(): void {
    this.#hiddenSince = document.visibilityState === 'hidden' ? performance.now() : undefined
    if (this.#hiddenSince !== undefined || !this.#resting) return
    this.#resting = false
    for (const { gaps } of this.#subscriptions.values()) gaps.reset()
    this.#subscribeAll()
  }
}

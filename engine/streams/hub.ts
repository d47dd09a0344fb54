import { randomBytes } from 'node:crypto'
import type { Logger } from 'pino'
import type { Observable, Subscription } from 'rxjs'
import type { Clock } from '../core/clock.ts'
import { consume, Edge } from '../core/edge.ts'
import type { Kind, Packet } from '../core/packet.ts'
import { EngineError, messageOf } from '../errors.ts'
import { type EncodedMessage, encodePacket, type ReadImage, round } from './encode.ts'

/** A stream that is to become a topic. */
export interface Offer {
  readonly kind: Kind
  /** Every subscription owns the packets it gets. Images are JPEG. */
  readonly packets: Observable<Packet>
  /** JSON schema of the payload, shown to clients. */
  readonly schema?: unknown
  /** A listener that comes later gets the newest message at once. */
  readonly tellsLatest?: true
  /** Its name is never offered again, so that nothing of it has to be remembered. */
  readonly once?: true
}

/** A topic as `GET /api/topics` shows it. */
export interface TopicSummary {
  readonly topic: string
  readonly kind: Kind
  readonly pipeline: string
  readonly stream: string
  readonly subscribers: number
  readonly schema: unknown
}

/** What went through a topic. */
export interface TopicTraffic {
  readonly pipeline: string
  readonly stream: string
  readonly subscribers: number
  /** Messages, each counted once however many got it. */
  readonly published: number
  /** Messages that clients have missed, counted per client. */
  readonly dropped: number
}

/** Someone who gets a topic's messages. */
export interface Listener {
  /** Clients that it stands for. */
  readonly size: number
  /** Messages that they have missed. */
  readonly dropped?: number
  /** Called in the order of `n`; returns at once. */
  deliver(message: EncodedMessage): void
  /** The topic was taken back: nothing more comes. */
  ended?(): void
}

interface Topic {
  readonly name: string
  readonly offer: Offer
  readonly edge: Edge
  readonly listeners: Set<Listener>
  subscription: Subscription | undefined
  latest: EncodedMessage | undefined
  /** Messages missed by listeners that have left. */
  droppedBefore: number
  /** What was logged last, and when: monotonic nanoseconds. */
  loggedDropped: number
  loggedAt: bigint
}

/** Losses are logged at most so often. */
const lossLogNs = 1_000_000_000n

/** What a hub is made with. */
export interface HubOptions {
  readonly clock: Clock
  readonly log: Logger
  readonly readImage: ReadImage
  /** Told after each message: nanoseconds from its frame's capture to its publication. */
  readonly onPublished?: (topic: string, latency: bigint) => void
}

/** Topics between streams and clients: opened by the first listener, closed after the last, encoded once per packet. */
export class Hub {
  /** Random text per start of the engine: with `n` it names a message. */
  readonly epoch = randomBytes(4).toString('hex')
  readonly #options: HubOptions
  readonly #topics = new Map<string, Topic>()
  /** The next `n` per topic; outlives the offer, so that no number is given twice in one epoch. */
  readonly #counters = new Map<string, number>()

  constructor(options: HubOptions) {
    this.#options = options
  }

  /** Makes the stream a topic, `<pipeline>/<stream>`; the returned function takes it back. Throws `conflict` for a name in use. */
  offer(name: string, offer: Offer): () => void {
    if (this.#topics.has(name))
      throw new EngineError('conflict', `Expected a new topic, but ${name} is offered already`)
    const edge = new Edge(`topic ${name}`)
    const topic: Topic = {
      name,
      offer,
      edge,
      listeners: new Set(),
      subscription: undefined,
      latest: undefined,
      droppedBefore: 0,
      loggedDropped: 0,
      loggedAt: 0n,
    }
    this.#topics.set(name, topic)
    return () => this.#withdraw(topic)
  }

  /** What went through every topic since the start of the engine. */
  traffic(): TopicTraffic[] {
    return this.topics().map(({ topic, pipeline, stream, subscribers }) => {
      const published = this.#counters.get(topic) ?? 0
      return { pipeline, stream, subscribers, published, dropped: this.dropped(topic) }
    })
  }

  topics(): TopicSummary[] {
    return [...this.#topics.values()].map(({ name, offer, listeners }) => {
      const [pipeline = '', ...stream] = name.split('/')
      const subscribers = [...listeners].reduce((sum, { size }) => sum + size, 0)
      return {
        topic: name,
        kind: offer.kind,
        pipeline,
        stream: stream.join('/'),
        subscribers,
        schema: offer.schema ?? null,
      }
    })
  }

  /** Messages that clients of the topic have missed since it was offered. */
  dropped(name: string): number {
    return droppedOf(this.#find(name))
  }

  /** Whether each listener gets the newest message at once: listeners of one topic then differ in what they get. */
  tellsLatest(name: string): boolean {
    return this.#find(name).offer.tellsLatest === true
  }

  kindOf(name: string): Kind {
    return this.#find(name).offer.kind
  }

  /** The newest message while somebody listens; undefined before the first, and when nobody listens. */
  latest(name: string): EncodedMessage | undefined {
    return this.#find(name).latest
  }

  /** Listens until the returned function is called. Throws `not-found`. The first listener opens the stream. */
  subscribe(name: string, listener: Listener): () => void {
    const topic = this.#find(name)
    const { latest } = topic
    topic.listeners.add(listener)
    this.#open(topic)
    if (topic.offer.tellsLatest && latest !== undefined) listener.deliver(latest)
    return () => this.#leave(topic, listener)
  }

  #find(name: string): Topic {
    const topic = this.#topics.get(name)
    if (topic === undefined)
      throw new EngineError('not-found', `Expected one of the topics of GET /api/topics, received ${name}`)
    return topic
  }

  #open(topic: Topic): void {
    if (topic.subscription !== undefined && !topic.subscription.closed) return
    const { log } = this.#options
    const tell = (error: unknown, message: string) =>
      log.error({ topic: topic.name, reason: messageOf(error) }, message)
    const onError = (error: unknown) => {
      if (topic.edge.counts.failed <= 1) tell(error, 'packet not published, and more may follow')
    }
    const publish = consume<Packet>(topic.edge, (packet) => this.#publish(topic, packet), { onError })
    topic.subscription = topic.offer.packets
      .pipe(publish)
      .subscribe({ error: (error: unknown) => tell(error, 'stream ended') })
    // A listener may have left already, while the first packet was delivered.
    if (topic.listeners.size === 0) this.#close(topic)
  }

  #publish(topic: Topic, packet: Packet): void {
    const { clock, readImage, onPublished } = this.#options
    const n = this.#counters.get(topic.name) ?? 0
    const now = clock.now()
    const head = {
      topic: topic.name,
      n,
      epoch: this.epoch,
      seq: packet.seq,
      capturedAt: round(clock.toUnixMs(packet.capturedAt), 1000),
      publishedAt: round(clock.toUnixMs(now), 1000),
    }
    const message = encodePacket(packet, head, readImage)
    this.#counters.set(topic.name, n + 1)
    topic.latest = message
    for (const listener of topic.listeners) listener.deliver(message)
    onPublished?.(topic.name, now - packet.capturedAt)
    if (now - topic.loggedAt >= lossLogNs) this.#logLosses(topic, now)
  }

  #logLosses(topic: Topic, now: bigint): void {
    const dropped = droppedOf(topic)
    if (dropped > topic.loggedDropped)
      this.#options.log.debug(
        { topic: topic.name, dropped: dropped - topic.loggedDropped },
        'slow clients missed messages',
      )
    topic.loggedDropped = dropped
    topic.loggedAt = now
  }

  #leave(topic: Topic, listener: Listener): void {
    if (!topic.listeners.delete(listener)) return
    topic.droppedBefore += listener.dropped ?? 0
    if (topic.listeners.size === 0) this.#close(topic)
  }

  #withdraw(topic: Topic): void {
    if (this.#topics.get(topic.name) !== topic) return
    this.#topics.delete(topic.name)
    if (topic.offer.once) this.#counters.delete(topic.name)
    this.#close(topic)
    for (const listener of [...topic.listeners]) listener.ended?.()
    topic.listeners.clear()
  }

  #close(topic: Topic): void {
    topic.subscription?.unsubscribe()
    topic.subscription = undefined
    topic.latest = undefined
  }
}

function droppedOf({ listeners, droppedBefore }: Topic): number {
  return [...listeners].reduce((sum, { dropped = 0 }) => sum + dropped, droppedBefore)
}

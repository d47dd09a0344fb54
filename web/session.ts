import type { ResultMessage } from '../engine/streams/wire.ts'
import {
  type Choice,
  choosePicture,
  overlaysFor,
  readChoice,
  stateTopicOf,
  type Topic,
  troubleOf,
  writeChoice,
} from './choice.ts'
import type { Connection, ImageHead } from './connection.ts'
import { RateMeter, unixNow } from './measures.ts'
import type { Drawn, Player } from './player.ts'
import { fetchTopics, NotAllowed } from './server-api.ts'
import type { SocketState } from './socket.ts'
import {
  element,
  setText,
  showConnection,
  showData,
  showFigures,
  showMark,
  showNotice,
  showOverlays,
  showPictures,
} from './view.ts'

/** A picture that is older than this has stopped, ms. */
const stoppedAfterMs = 3000
const renderEveryMs = 250
const retryTopicsMs = 2000
/** Weight of the newest picture in the latency on show. */
const latencyWeight = 0.15

/** What the user watches: the picture, its overlays, and what the page says about them. */
export class Session {
  /** Told whenever the server's topics were read anew. */
  onTopics: (topics: readonly Topic[]) => void = () => undefined
  picture: Topic | undefined
  readonly #connection: Connection
  readonly #player: Player
  #choice: Choice = readChoice(location.hash)
  #topics: readonly Topic[] | undefined
  /** Topic → stream its frames come from, as its messages say. */
  readonly #sources = new Map<string, string>()
  readonly #latest = new Map<string, ResultMessage>()
  #overlays: readonly string[] = []
  #stateTopic: string | undefined
  /** What is wrong with the picture's source. */
  #trouble: string | undefined
  #state: SocketState = 'connecting'
  #refusal: { readonly text: string; readonly askToken?: boolean } | undefined
  #rate = new RateMeter()
  #latency: number | undefined
  #drawn: Drawn | undefined
  #arrivedAt = 0

  constructor(connection: Connection, player: Player) {
    this.#connection = connection
    this.#player = player
    window.addEventListener('hashchange', () => this.#choose(readChoice(location.hash)))
    element<HTMLSelectElement>('stream').addEventListener('change', (event) => {
      this.show((event.target as HTMLSelectElement).value)
    })
    element<HTMLSelectElement>('pipeline').addEventListener('change', (event) => {
      const pipeline = (event.target as HTMLSelectElement).value
      const first = choosePicture(
        (this.#topics ?? []).filter((topic) => topic.pipeline === pipeline),
        undefined,
      )
      if (first !== undefined) this.show(first.topic)
    })
    setInterval(() => this.#render(), renderEveryMs)
  }

  /** Shows another picture. */
  show(topic: string): void {
    this.#choose({ ...this.#choice, picture: topic })
  }

  connected(state: SocketState): void {
    this.#state = state
    if (state === 'open' || state === 'waiting') void this.#readTopics()
    this.#render()
  }

  /** The server's topics are no longer what they were. */
  changed(): void {
    void this.#readTopics()
  }

  /** The engine began anew: its numbers have nothing to do with those before. */
  restarted(): void {
    this.#player.reset()
    this.#latest.clear()
    this.#sources.clear()
    this.#latency = undefined
  }

  drawn(drawn: Drawn): void {
    this.#drawn = drawn
    this.#rate.count(performance.now())
    const latency = this.#connection.clock.latency(drawn.capturedAt, unixNow())
    if (latency === undefined) return
    this.#latency = this.#latency === undefined ? latency : this.#latency + (latency - this.#latency) * latencyWeight
  }

  async #readTopics(): Promise<void> {
    try {
      this.#topics = await fetchTopics()
      this.#refusal = undefined
      this.onTopics(this.#topics)
      this.#choose(this.#choice)
    } catch (error) {
      if (error instanceof NotAllowed) this.#refusal = { text: error.message, askToken: true }
      else if (this.#state === 'open') setTimeout(() => void this.#readTopics(), retryTopicsMs)
    }
    this.#render()
  }

  #choose(choice: Choice): void {
    this.#choice = choice
    if (this.#topics === undefined) return
    const picture = choosePicture(this.#topics, choice.picture)
    if (picture?.topic !== this.picture?.topic) this.#changePicture(picture)
    showPictures(this.#topics, picture)
    this.#changeOverlays()
    const hash = writeChoice({ ...choice, picture: picture?.topic ?? choice.picture })
    if (hash !== location.hash) history.replaceState(null, '', hash)
  }

  #changePicture(picture: Topic | undefined): void {
    if (this.picture !== undefined) this.#connection.unsubscribe(this.picture.topic)
    this.picture = picture
    this.#player.reset()
    this.#rate = new RateMeter()
    this.#latency = this.#drawn = undefined
    this.#refusal = undefined
    this.#arrivedAt = 0
    if (picture === undefined) return
    this.#connection.subscribe(picture.topic, {
      image: (head, bytes) => this.#takeImage(head, bytes),
      refused: (text) => {
        this.#refusal = { text }
      },
    })
  }

  /** Subscribes what is switched on and fits the picture, and leaves the rest. */
  #changeOverlays(): void {
    const fitting = this.picture === undefined ? [] : overlaysFor(this.picture, this.#topics ?? [], this.#sources)
    const wanted = fitting.map(({ topic }) => topic).filter((topic) => !this.#choice.off.includes(topic))
    for (const topic of this.#overlays) if (!wanted.includes(topic)) this.#leave(topic)
    for (const topic of wanted) {
      if (this.#overlays.includes(topic)) continue
      this.#connection.subscribe(topic, { result: (message) => this.#takeResult(message) })
    }
    this.#overlays = wanted
    this.#followState()
    this.#player.choose(wanted)
    const rows = fitting.map((topic) => ({ topic, on: wanted.includes(topic.topic) }))
    showOverlays(rows, (topic, on) => this.#switch(topic, on))
  }

  #followState(): void {
    const topic = this.picture && stateTopicOf(this.picture, this.#topics ?? [], this.#sources)
    if (topic === this.#stateTopic) return
    if (this.#stateTopic !== undefined) this.#connection.unsubscribe(this.#stateTopic)
    this.#stateTopic = topic
    this.#trouble = undefined
    if (topic === undefined) return
    this.#connection.subscribe(topic, {
      result: ({ event }) => {
        this.#trouble = troubleOf(event)
        this.#render()
      },
    })
  }

  #switch(topic: string, on: boolean): void {
    const others = this.#choice.off.filter((name) => name !== topic)
    this.#choose({ ...this.#choice, off: on ? others : [...others, topic] })
    document.getElementsByName(topic)[0]?.focus()
  }

  #leave(topic: string): void {
    this.#connection.unsubscribe(topic)
    this.#latest.delete(topic)
  }

  async #takeImage(head: ImageHead, bytes: Uint8Array): Promise<void> {
    this.#arrivedAt = performance.now()
    const source = head.frame?.stream
    if (source !== undefined) this.#learn(head.topic, source)
    await this.#player.addPicture(head, bytes)
  }

  #takeResult(message: ResultMessage): void {
    if (message.frame !== undefined) this.#learn(message.topic, message.frame.stream)
    if (!this.#overlays.includes(message.topic)) return
    this.#latest.set(message.topic, message)
    this.#player.addResult(message.topic, message)
  }

  /** Results of another stream's frames never belong on this picture: such a topic is left at once. */
  #learn(topic: string, stream: string): void {
    if (this.#sources.get(topic) === stream) return
    this.#sources.set(topic, stream)
    this.#changeOverlays()
  }

  #render(): void {
    showConnection(this.#refusal?.askToken === true ? 'refused' : this.#state)
    this.#renderStage()
    const topics = [this.picture?.topic, ...this.#overlays].filter((topic) => topic !== undefined)
    const rate = this.#drawn === undefined ? undefined : this.#rate.rate(performance.now())
    const missed =
      topics.length === 0 ? undefined : topics.reduce((sum, topic) => sum + this.#connection.missed(topic), 0)
    showFigures({ rate, latency: this.#latency, missed })
    for (const topic of this.#overlays) {
      const message = this.#latest.get(topic)
      setText(`count-${topic}`, countOf(message))
      setText(`by-${topic}`, computedBy(message))
    }
    showData(this.#latest.values())
  }

  #renderStage(): void {
    const age = performance.now() - this.#arrivedAt
    const stopped = this.#arrivedAt > 0 && age > stoppedAfterMs
    if (this.#refusal !== undefined) showNotice({ busy: false, ...this.#refusal })
    else if (this.#state !== 'open' && (this.#drawn === undefined || stopped))
      showNotice({ text: this.#lost(), busy: true })
    else if (this.#topics === undefined) showNotice({ text: 'Connecting…', busy: true })
    else if (this.picture === undefined) showNotice({ text: 'No pipeline publishes a picture yet.', busy: false })
    else if (this.#drawn === undefined)
      showNotice({ text: this.#trouble ?? 'Waiting for the first picture…', busy: true })
    else showNotice(undefined)
    const plain = this.#drawn?.match === 'none' && this.#overlays.length > 0
    const silence = stopped ? `No picture for ${Math.round(age / 1000)} s` : undefined
    const simulated = [...this.#latest.values()].some((message) => message.simulated === true)
    const state = this.#trouble ?? silence ?? (plain ? 'No results' : undefined)
    const mark = [state, simulated ? 'Simulated results' : undefined].filter((text) => text !== undefined).join(' · ')
    showMark(this.#drawn === undefined || this.#state !== 'open' || mark === '' ? undefined : mark)
    if (this.#drawn !== undefined) element('picture').ariaLabel = `Live picture of ${this.picture?.topic}`
  }

  #lost(): string {
    return this.#drawn === undefined ? 'Connecting…' : 'The connection is lost. Trying again…'
  }
}

/** The model, and what ran it. */
function computedBy({ model, backend, simulated }: Partial<ResultMessage> = {}): string {
  if (model === undefined) return ''
  return `${model} · ${simulated === true ? 'simulated' : backend}`
}

function countOf(message: ResultMessage | undefined): string {
  const count = message?.objects?.length
  return count === undefined ? '–' : String(count)
}

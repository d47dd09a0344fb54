import { ClockPlayer } from '../clock-player.ts'
import type { ReplySound, VoiceNotice, VoiceOutput } from '../voice-output.ts'
import type { ConversationEvents } from './conversation-events.ts'
import type { ReplyEncoder } from './reply-encoder.ts'
import { packReplyPacket } from './reply-packet.ts'

/** What a client's output is made of. */
export interface RealtimeOutputOptions {
  readonly events: ConversationEvents
  /** Of the session's output format; the output's own from now on. */
  readonly encoder: ReplyEncoder
  /** Resolves when the socket has room. */
  readonly room: () => Promise<void>
  readonly sendBinary: (bytes: Uint8Array) => void
  readonly onPlayed: (turn: number, ms: number) => void
  readonly now?: () => number
}

/** A voice session's sound and notices as events of the protocol. Its client plays by itself: what it has heard goes by the clock. */
export class RealtimeOutput implements VoiceOutput, Disposable {
  readonly #options: RealtimeOutputOptions
  readonly #player: ClockPlayer
  #encoder: ReplyEncoder
  /** From the next response on. */
  #next: ReplyEncoder | undefined
  #hasSpoken = false
  /** Replies up to this turn are sent no further. */
  #flushedTurn = 0

  constructor(options: RealtimeOutputOptions) {
    this.#options = options
    this.#encoder = options.encoder
    const { onPlayed, now } = options
    this.#player = new ClockPlayer({ send: (sound) => this.#send(sound), onPlayed, ...(now && { now }) })
  }

  /** Whether a voice was heard already: it cannot be another one then. */
  get hasSpoken(): boolean {
    return this.#hasSpoken
  }

  /** The output's own from now on. A response keeps the format with which it began. */
  use(encoder: ReplyEncoder): void {
    this.#next?.[Symbol.dispose]()
    this.#next = encoder
  }

  notice(notice: VoiceNotice): void {
    if (notice.type === 'response-started') this.#takeNext()
    if (notice.type === 'item-done') {
      const rest = this.#encoder.end(notice.item.id)
      // Of a reply that was interrupted nothing more is sent.
      if (notice.status === 'completed') for (const piece of rest) this.#tell(notice.item.id, piece)
    }
    this.#options.events.tell(notice)
  }

  play(sound: ReplySound): Promise<void> {
    return this.#player.play(sound)
  }

  hold(turn: number): void {
    this.#player.hold(turn)
  }

  resume(turn: number): void {
    this.#player.resume(turn)
  }

  flush(turn: number): Promise<number> {
    this.#flushedTurn = Math.max(this.#flushedTurn, turn)
    return this.#player.flush(turn)
  }

  /** Nothing is sent any more. */
  close(): void {
    this.#flushedTurn = Number.POSITIVE_INFINITY
    this.#player.close()
  }

  /** Once the session has ended: notices come until then. */
  [Symbol.dispose](): void {
    this.close()
    this.#next?.[Symbol.dispose]()
    this.#next = undefined
    this.#encoder[Symbol.dispose]()
  }

  #takeNext(): void {
    if (!this.#next) return
    this.#encoder[Symbol.dispose]()
    this.#encoder = this.#next
    this.#next = undefined
  }

  async #send(sound: ReplySound): Promise<void> {
    const encoder = this.#encoder
    this.#hasSpoken = true
    for (const piece of encoder.encode(sound)) {
      this.#tell(sound.item, piece)
      if (encoder.format !== 'audio/opus') continue
      await new Promise((resolve) => setImmediate(resolve))
      if (sound.turn <= this.#flushedTurn || encoder !== this.#encoder) return
    }
    await this.#options.room()
  }

  #tell(item: string, piece: Uint8Array): void {
    const { events, sendBinary } = this.#options
    const { response } = events
    if (!response) return
    if (this.#encoder.format === 'audio/opus') sendBinary(packReplyPacket(response.placeOf(item), piece))
    else response.sound(item, toBase64(piece))
  }
}

function toBase64({ buffer, byteOffset, length }: Uint8Array): string {
  return Buffer.from(buffer, byteOffset, length).toString('base64')
}

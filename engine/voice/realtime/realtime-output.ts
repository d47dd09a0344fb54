import { ClockPlayer } from '../clock-player.ts'
import type { ReplySound, VoiceNotice, VoiceOutput } from '../voice-output.ts'
import type { ConversationEvents } from './conversation-events.ts'
import { ReplyEncoder } from './reply-encoder.ts'
import type { SoundCodec } from './sound-format.ts'

/** What a client's output is made of. */
export interface RealtimeOutputOptions {
  readonly events: ConversationEvents
  /** Of the session's output format, as it is when a reply begins. */
  readonly codec: () => SoundCodec
  /** Resolves when the socket has room. */
  readonly room: () => Promise<void>
  readonly onPlayed: (turn: number, ms: number) => void
  readonly now?: () => number
}

/** A voice session's sound and notices as events of the protocol. Its client plays by itself: what it has heard goes by the clock. */
export class RealtimeOutput implements VoiceOutput {
  readonly #options: RealtimeOutputOptions
  readonly #player: ClockPlayer
  #encoder: ReplyEncoder | undefined

  constructor(options: RealtimeOutputOptions) {
    this.#options = options
    const { onPlayed, now } = options
    this.#player = new ClockPlayer({ send: (sound) => this.#send(sound), onPlayed, ...(now && { now }) })
  }

  /** Whether a voice was heard already: it cannot be another one then. */
  get hasSpoken(): boolean {
    return this.#encoder !== undefined
  }

  notice(notice: VoiceNotice): void {
    const { events, codec } = this.#options
    if (notice.type === 'response-started') this.#nextCodec = codec
    if (notice.type === 'item-done') this.#sendRest(notice.item.id)
    events.tell(notice)
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
    return this.#player.flush(turn)
  }

  /** Nothing is sent any more. */
  close(): void {
    this.#player.close()
  }

  /** A response's format is that with which it began. */
  #nextCodec: (() => SoundCodec) | undefined

  async #send(sound: ReplySound): Promise<void> {
    const { events, room } = this.#options
    if (this.#nextCodec) this.#encoder = new ReplyEncoder(this.#nextCodec())
    this.#nextCodec = undefined
    const delta = this.#encoder?.encode(sound) ?? ''
    if (delta !== '') events.response?.sound(sound.item, delta)
    await room()
  }

  #sendRest(item: string): void {
    const rest = this.#encoder?.end(item) ?? ''
    if (rest !== '') this.#options.events.response?.sound(item, rest)
  }
}

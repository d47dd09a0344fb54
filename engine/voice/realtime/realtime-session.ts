import { randomBytes } from 'node:crypto'
import type { SoundDecoder } from '../../audio/codec.ts'
import { openSoundDecoder, type StreamFormat } from '../../audio/sound-codec.ts'
import { EngineError } from '../../errors.ts'
import type { HistoryItem } from '../history.ts'
import { itemOf } from '../history.ts'
import type { VoiceRequest } from '../voice-request.ts'
import type { VoiceSession } from '../voice-session.ts'
import type { ClientEvent } from './client-events.ts'
import { ConversationEvents } from './conversation-events.ts'
import { toHistoryItem } from './items.ts'
import { RealtimeOutput } from './realtime-output.ts'
import { ReplyEncoder } from './reply-encoder.ts'
import { toMessages } from './response-input.ts'
import type { SendEvent } from './server-event.ts'
import { type KnownNames, type SessionConfig, toOverrides, toSettings, withUpdate } from './session-config.ts'

/** OpenAI's own bound of an append, in bytes of sound. */
const mostAppendBytes = 15 * 1024 * 1024
/** A large append is taken in such pieces, so that others are served in between: a quarter of a second. */
const pieceBytes = 12_000
/** So many Opus packets are decoded before others are served: one takes up to a millisecond. */
const packetsAtOnce = 4

/** What a session of the protocol is made of. */
export interface RealtimeSessionOptions {
  readonly conversation: string
  readonly config: SessionConfig
  readonly known: KnownNames
  /** That the client's dialect has. */
  readonly formats: readonly StreamFormat[]
  readonly send: SendEvent
  readonly sendBinary: (bytes: Uint8Array) => void
  readonly room: () => Promise<void>
  readonly now?: () => number
}

type EventOf<T extends ClientEvent['type']> = Extract<ClientEvent, { type: T }>
type AudioUpdate = NonNullable<EventOf<'session.update'>['session']['audio']>
type Handlers = { readonly [T in ClientEvent['type']]: (event: EventOf<T>) => void | Promise<void> }

/** A client's event could not be heeded. */
export class RequestFault extends Error {
  readonly code: string
  readonly param: string | null

  constructor(code: string, message: string, param: string | null = null) {
    super(message)
    this.code = code
    this.param = param
  }
}

/** Translates between a client of the protocol and a voice session: configuration, items, sound. Knows no socket and no dialect. */
export class RealtimeSession implements Disposable {
  readonly output: RealtimeOutput
  readonly #options: RealtimeSessionOptions
  readonly #events: ConversationEvents
  #config: SessionConfig
  #session: VoiceSession | undefined
  #input: SoundDecoder
  #isClosed = false
  #packets = 0

  private constructor(options: RealtimeSessionOptions, input: SoundDecoder, encoder: ReplyEncoder) {
    this.#options = options
    this.#config = options.config
    this.#input = input
    const { conversation, send, sendBinary, room, now } = options
    this.#events = new ConversationEvents({
      ...{ conversation, send, config: () => this.#config, history: () => this.#session?.history ?? [] },
      onSettings: () => send({ type: 'session.updated', session: this.describe() }),
    })
    const onPlayed = (turn: number, ms: number) => this.#tell({ type: 'played', turn, ms })
    const events = this.#events
    this.output = new RealtimeOutput({ events, encoder, room, sendBinary, onPlayed, ...(now && { now }) })
  }

  static async open(options: RealtimeSessionOptions): Promise<RealtimeSession> {
    const { input, output } = options.config.audio
    const decoder = await openSoundDecoder(input.format.type)
    return new RealtimeSession(options, decoder, await ReplyEncoder.open(output.format.type))
  }

  /** The voice session that it translates for; its owner's. */
  begin(session: VoiceSession): void {
    this.#session = session
    this.#options.send({ type: 'session.created', session: this.describe() })
    for (const item of session.history) this.#events.restore(item)
  }

  /** The whole configuration, as `session.created` and `session.updated` tell it. */
  describe(): object {
    const { type, audio, temperature, ...rest } = this.#config
    const shared = { id: `sess_${this.#session?.id}`, include: null }
    if (type === 'transcription')
      return { object: 'realtime.transcription_session', type, ...shared, audio: { input: audio.input } }
    const warmth = temperature === null ? {} : { temperature }
    return { object: 'realtime.session', type, ...shared, ...rest, ...warmth, prompt: null, audio }
  }

  /** Throws `RequestFault`, or `EngineError`, when the event cannot be heeded. */
  handle<T extends ClientEvent['type']>(event: EventOf<T>): void | Promise<void> {
    const handler = this.#handlers[event.type as T] as (event: EventOf<T>) => void | Promise<void>
    return handler(event)
  }

  /** Sound of the input format: any bytes of it, of Opus one packet. Throws `RequestFault`. */
  hear(bytes: Uint8Array): void | Promise<void> {
    if (bytes.length > mostAppendBytes)
      throw new RequestFault(
        'invalid_value',
        `Expected at most 15 MiB of audio, received ${bytes.length} bytes`,
        'audio',
      )
    if (this.#config.audio.input.format.type === 'audio/opus') return this.#hearPacket(bytes)
    return bytes.length <= pieceBytes ? this.#hear(bytes) : this.#hearAll(bytes)
  }

  #hearPacket(packet: Uint8Array): void | Promise<void> {
    this.#hear(packet)
    this.#packets++
    if (this.#packets % packetsAtOnce === 0) return new Promise((resolve) => setImmediate(resolve))
  }

  /** Nothing is sent or heard any more. */
  close(): void {
    this.#isClosed = true
    this.output.close()
  }

  /** Once its voice session has ended. */
  [Symbol.dispose](): void {
    this.close()
    this.output[Symbol.dispose]()
    this.#input[Symbol.dispose]()
  }

  readonly #handlers: Handlers = {
    'session.update': ({ session }) => this.#update(session),
    'input_audio_buffer.append': ({ audio }) => this.#append(audio),
    'input_audio_buffer.commit': (event) => this.#tell({ type: 'commit', ...idOf(event) }),
    'input_audio_buffer.clear': () => this.#tell({ type: 'clear' }),
    'conversation.item.create': (event) => this.#createItem(event),
    'conversation.item.retrieve': ({ item_id }) => this.#retrieve(item_id),
    'conversation.item.truncate': (event) => {
      const { item_id: item, audio_end_ms: endMs } = event
      this.#tell({ type: 'truncate', item, endMs, ...idOf(event) })
    },
    'conversation.item.delete': (event) => this.#tell({ type: 'delete-item', item: event.item_id, ...idOf(event) }),
    'response.create': (event) => this.#respond(event),
    'response.cancel': (event) => {
      const response = event.response_id ? { response: event.response_id } : {}
      this.#tell({ type: 'cancel-response', ...response, ...idOf(event) })
    },
    'output_audio_buffer.clear': () => {
      const message = 'Expected no output_audio_buffer.clear: it is for WebRTC. Stop playing, then truncate the item'
      throw new RequestFault('invalid_value', message, 'type')
    },
  }

  #update(update: EventOf<'session.update'>['session']): void | Promise<void> {
    const wanted = update.audio?.output?.voice
    if (wanted !== undefined && wanted !== this.#config.audio.output.voice && this.output.hasSpoken)
      throw new RequestFault(
        'cannot_update_voice',
        'Expected the voice to stay: it was heard already',
        'session.audio.output.voice',
      )
    if (update.type !== undefined && update.type !== this.#config.type) {
      const message = `Expected the session to stay of type ${this.#config.type}. Connect anew, with or without intent=transcription`
      throw new RequestFault('invalid_value', message, 'session.type')
    }
    if (update.audio) this.#checkFormats(update.audio)
    const config = withUpdate(this.#config, update)
    const [before, after] = [formatsOf(this.#config), formatsOf(config)]
    if (before.input === after.input && before.output === after.output) return this.#apply(config)
    return this.#changeFormats(config)
  }

  #checkFormats(audio: AudioUpdate): void {
    const { formats } = this.#options
    for (const side of ['input', 'output'] as const) {
      const type = audio[side]?.format?.type
      if (type === undefined || formats.includes(type)) continue
      const message = `Expected ${formats.join(', ')}; received ${type}, which this dialect lacks. Connect without OpenAI-Beta for it`
      throw new RequestFault('invalid_value', message, `session.audio.${side}.format`)
    }
  }

  /** The configuration holds from when its codecs are there. */
  async #changeFormats(config: SessionConfig): Promise<void> {
    const [before, after] = [formatsOf(this.#config), formatsOf(config)]
    const decoder = after.input === before.input ? undefined : await openSoundDecoder(after.input)
    const encoder = after.output === before.output ? undefined : await ReplyEncoder.open(after.output)
    if (this.#isClosed) {
      decoder?.[Symbol.dispose]()
      return encoder?.[Symbol.dispose]()
    }
    if (decoder) {
      this.#input[Symbol.dispose]()
      this.#input = decoder
    }
    if (encoder) this.output.use(encoder)
    this.#apply(config)
  }

  #apply(config: SessionConfig): void {
    this.#config = config
    this.#tell({ type: 'update', settings: toSettings(config, this.#options.known) })
  }

  #append(audio: string): void | Promise<void> {
    if (!/^[A-Za-z0-9+/]*={0,2}$/.test(audio))
      throw new RequestFault('invalid_value', 'Expected audio to be base64', 'audio')
    return this.hear(Buffer.from(audio, 'base64'))
  }

  async #hearAll(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length; at += pieceBytes) {
      this.#hear(bytes.subarray(at, at + pieceBytes))
      await new Promise((resolve) => setImmediate(resolve))
    }
  }

  #hear(bytes: Uint8Array): void {
    if (this.#isClosed) return
    const samples = this.#decode(bytes)
    if (samples.length > 0) this.#session?.push(samples, this.#input.sampleRate)
  }

  #decode(bytes: Uint8Array): Int16Array {
    try {
      return this.#input.push(bytes)
    } catch (error) {
      if (error instanceof EngineError) throw new RequestFault('invalid_value', error.message, 'audio')
      throw error
    }
  }

  #createItem(event: EventOf<'conversation.item.create'>): void {
    const { previous_item_id: before } = event
    const id = event.item.id ?? `item_${randomBytes(12).toString('base64url')}`
    const item = toHistoryItem(event.item, id, this.#session?.history ?? [])
    const previous = before === undefined || before === null ? {} : { previous: before === 'root' ? null : before }
    this.#tell({ type: 'create-item', item, ...previous, ...idOf(event) })
  }

  #retrieve(id: string): void {
    const item: HistoryItem = itemOf(this.#session?.history ?? [], id)
    this.#options.send({ type: 'conversation.item.retrieved', item: this.#events.show(item) })
  }

  #respond(event: EventOf<'response.create'>): void {
    if (this.#config.type === 'transcription')
      throw new RequestFault('invalid_value', 'Expected no response.create in a transcription session', 'type')
    const { response } = event
    const format = response?.audio?.output?.format?.type
    if (format !== undefined && format !== this.#config.audio.output.format.type) {
      const message = `Expected the session's output format, received ${format}. Change it by session.update`
      throw new RequestFault('invalid_value', message, 'response.audio.output.format')
    }
    const history = this.#session?.history ?? []
    this.#tell({
      type: 'respond',
      ...(response && { settings: toOverrides(this.#config, response, this.#options.known) }),
      ...(response?.input && { messages: toMessages(response, this.#config, history) }),
      isOutOfBand: response?.conversation === 'none',
      ...idOf(event),
    })
  }

  #tell(request: VoiceRequest): void {
    this.#session?.tell(request)
  }
}

function formatsOf({ audio }: SessionConfig): { readonly input: StreamFormat; readonly output: StreamFormat } {
  return { input: audio.input.format.type, output: audio.output.format.type }
}

function idOf({ event_id }: { readonly event_id?: string | undefined }): { readonly id?: string } {
  return event_id === undefined ? {} : { id: event_id }
}

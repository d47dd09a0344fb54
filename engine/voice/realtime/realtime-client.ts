import { randomBytes } from 'node:crypto'
import { EngineError, messageOf } from '../../errors.ts'
import type { VoiceSettings } from '../settings.ts'
import type { VoiceSession } from '../voice-session.ts'
import type { VoiceSessions } from '../voice-sessions.ts'
import { betaDialect, type Dialect, gaDialect } from './beta.ts'
import { type ClientFault, parseClientEvent } from './client-events.ts'
import type { ClientSocket, ClientVisit } from './client-socket.ts'
import type { KeptConversations } from './kept-conversations.ts'
import { RealtimeSession, RequestFault } from './realtime-session.ts'
import type { ServerEvent } from './server-event.ts'
import { defaultConfig, type KnownNames, toSettings } from './session-config.ts'

/** Characters and bytes that wait to be read while models load or a large append is taken in: two of the largest appends. */
const mostWaiting = 48 * 1024 * 1024
/** What a message takes beside its own length. */
const messageCost = 64
/** With more than this on its way the sound waits: 16 s of it. */
const mostBufferedBytes = 1_048_576

/** RFC 6455: 1011 server error, 1013 try again later, 1009 too big. */
const closeCodes = { failed: 1011, full: 1013, tooBig: 1009 } as const

/** A frame as it came: text of JSON, or sound. */
type Message = string | Uint8Array

/** What all clients of the protocol share. */
export interface RealtimeParts {
  readonly sessions: VoiceSessions
  /** Models and voices that are here, the default first. */
  readonly known: () => Promise<KnownNames>
  /** What a client begins with that says nothing else: instructions, and how the end of a turn is found. */
  readonly settings: Pick<VoiceSettings, 'instructions' | 'turnDetection'>
  readonly conversations: KeptConversations
  /** A bug came up while a client was served. */
  readonly onBug: (error: unknown) => void
}

/** One client: from its connection to its end. Its events are handled in their order, those that came before its models were loaded with them. */
export class RealtimeClient {
  readonly #parts: RealtimeParts
  readonly #socket: ClientSocket
  readonly #visit: ClientVisit
  readonly #dialect: Dialect
  readonly #left = new AbortController()
  readonly #id = randomBytes(9).toString('base64url')
  /** Unguessable: whoever knows it goes on with the conversation later. */
  #conversation = `conv_${randomBytes(18).toString('base64url')}`
  readonly #waiting: Message[] = []
  #waitingSize = 0
  #lastEvent = 0
  #isHandling = true
  #onRoom: (() => void)[] = []
  #session: VoiceSession | undefined
  #protocol: RealtimeSession | undefined
  /** Resolves when all its work has ended. */
  readonly ended: Promise<void>

  constructor(parts: RealtimeParts, socket: ClientSocket, visit: ClientVisit) {
    this.#parts = parts
    this.#socket = socket
    this.#visit = visit
    this.#dialect = isBeta(visit) ? betaDialect : gaDialect
    this.ended = this.#run()
  }

  text(message: string): void {
    this.#take(message)
  }

  /** Sound of the input format. */
  binary(message: Uint8Array): void {
    this.#take(message)
  }

  #take(message: Message): void {
    if (this.#left.signal.aborted) return
    this.#waitingSize += message.length + messageCost
    if (this.#waitingSize > mostWaiting)
      return void this.#socket.end(closeCodes.tooBig, 'Expected a client that waits: too much was sent at once')
    this.#waiting.push(message)
    void this.#handleAll()
  }

  drained(): void {
    const waiting = this.#onRoom
    this.#onRoom = []
    for (const go of waiting) go()
  }

  closed(): void {
    this.#left.abort()
    this.#protocol?.close()
    this.drained()
  }

  async #run(): Promise<void> {
    try {
      await this.#open()
      this.#isHandling = false
      void this.#handleAll()
      if (!this.#left.signal.aborted)
        await new Promise((resolve) => this.#left.signal.addEventListener('abort', resolve, { once: true }))
    } catch (error) {
      if (!this.#left.signal.aborted) this.#fail(error)
    } finally {
      await this.#session?.[Symbol.asyncDispose]()
      this.#protocol?.[Symbol.dispose]()
      if (this.#session) this.#parts.conversations.keep(this.#conversation, this.#session.history)
    }
  }

  async #open(): Promise<void> {
    const { sessions, known: find } = this.#parts
    const known = await find()
    const { query } = this.#visit
    const purpose = query.get('intent') === 'transcription' ? 'transcribe' : 'converse'
    const type = purpose === 'transcribe' ? 'transcription' : 'realtime'
    const [model = '', voice = ''] = [query.get('model') ?? known.models[0], known.voices[0]]
    const { instructions, turnDetection } = this.#parts.settings
    const config = defaultConfig({ type, model, voice, instructions, turnDetection })
    const send = (event: ServerEvent) => this.#send(event)
    const asked = query.get('conversation_id')
    const history = asked === null ? undefined : this.#parts.conversations.take(asked)
    if (history && asked !== null) this.#conversation = asked
    const conversation = this.#conversation
    const protocol = await RealtimeSession.open({
      ...{ conversation, config, known, send, formats: this.#dialect.formats },
      sendBinary: (bytes) => this.#sendBinary(bytes),
      room: () => this.#room(),
    })
    this.#protocol = protocol
    const options = {
      user: 'realtime',
      purpose,
      settings: toSettings(config, known),
      machine: { holdMs: 0 },
      ...(history && { history }),
    } as const
    this.#session = await sessions.open(protocol.output, options, this.#left.signal)
    if (this.#left.signal.aborted) return
    protocol.begin(this.#session)
    if (this.#dialect.name === 'beta')
      send({ type: 'conversation.created', conversation: { id: conversation, object: 'realtime.conversation' } })
  }

  /** One after the other; a large append is taken in bit by bit. */
  async #handleAll(): Promise<void> {
    if (this.#isHandling) return
    this.#isHandling = true
    try {
      for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) {
        this.#waitingSize -= next.length + messageCost
        const handled = this.#handle(next)
        if (handled) await handled
        if (this.#left.signal.aborted) return
      }
    } finally {
      this.#isHandling = false
    }
  }

  #handle(message: Message): void | Promise<void> {
    if (typeof message !== 'string') return this.#hear(message)
    const value = parseJson(message)
    const parsed = parseClientEvent(isObject(value) ? this.#dialect.fromClient(value) : value)
    if ('fault' in parsed) return this.#refuse(parsed.fault)
    const eventId = parsed.event.event_id ?? null
    return this.#heed(() => this.#protocol?.handle(parsed.event), eventId)
  }

  #hear(sound: Uint8Array): void | Promise<void> {
    if (this.#dialect.takesBinary) return this.#heed(() => this.#protocol?.hear(sound), null)
    this.#refuse({ code: 'invalid_value', message: 'Expected text frames of JSON', param: null, eventId: null })
  }

  #heed(work: () => void | Promise<void> | undefined, eventId: string | null): void | Promise<void> {
    try {
      return work()?.catch((error: unknown) => this.#explain(error, eventId))
    } catch (error) {
      return this.#explain(error, eventId)
    }
  }

  #explain(error: unknown, eventId: string | null): void {
    if (error instanceof RequestFault)
      return void this.#refuse({ code: error.code, message: error.message, param: error.param, eventId })
    if (!(error instanceof EngineError)) this.#parts.onBug(error)
    const code = error instanceof EngineError ? error.code : 'internal'
    this.#refuse({ code, message: messageOf(error), param: null, eventId })
  }

  #refuse({ code, message, param, eventId }: ClientFault): void {
    this.#send({ type: 'error', error: { type: 'invalid_request_error', code, message, param, event_id: eventId } })
  }

  /** There will be no session: the client is told why, and left. */
  #fail(error: unknown): void {
    if (!(error instanceof EngineError)) this.#parts.onBug(error)
    const isFull = error instanceof EngineError && error.code === 'busy'
    const message = messageOf(error)
    const code = isFull ? 'session_limit_reached' : 'model_load_error'
    this.#send({ type: 'error', error: { type: 'server_error', code, message, param: null, event_id: null } })
    this.#socket.end(isFull ? closeCodes.full : closeCodes.failed, message)
  }

  #send(event: ServerEvent): void {
    if (this.#left.signal.aborted) return
    for (const { type, ...fields } of this.#dialect.toClient(event)) {
      this.#lastEvent++
      const event_id = `event_${this.#id}_${this.#lastEvent}`
      this.#socket.sendText(JSON.stringify({ type, event_id, ...fields }))
    }
  }

  #sendBinary(bytes: Uint8Array): void {
    if (!this.#left.signal.aborted) this.#socket.sendBinary(bytes)
  }

  async #room(): Promise<void> {
    while (!this.#left.signal.aborted && this.#socket.bufferedBytes > mostBufferedBytes)
      await new Promise<void>((resolve) => this.#onRoom.push(resolve))
  }
}

function isBeta({ headers, offered }: ClientVisit): boolean {
  return headers['openai-beta']?.includes('realtime=v1') || offered.includes('openai-beta.realtime-v1')
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

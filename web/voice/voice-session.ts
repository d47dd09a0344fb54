import { decodeSamples, encodeSamples } from './base64.ts'
import { Conversation } from './conversation.ts'
import type { ServerEvent, ServerResponse } from './server-event.ts'
import { TurnClock } from './turn-times.ts'

/** Who says when you have finished: the engine, or a button. */
export type VoiceMode = 'hands-free' | 'push'

/** What plays, as the session needs it. */
export interface Speaker {
  play(item: string, samples: Int16Array): void
  end(item: string): void
  pause(): void
  resume(): void
  flush(): Promise<readonly { readonly item: string; readonly ms: number }[]>
}

/** What the session is given. */
export interface VoiceSessionOptions {
  readonly mode: VoiceMode
  readonly speaker: Speaker
  /** What was said before, where the session goes on with it. */
  readonly conversation?: Conversation | undefined
  /** Sends an event of the protocol; false when it was not sent. */
  readonly send: (event: object) => boolean
  /** Something to show has changed. */
  readonly changed: () => void
  /** A sentence for the user; the session goes on unless it was not ready yet. */
  readonly failed: (sentence: string) => void
  readonly now?: () => number
}

/** How the session is, for the user. */
export type VoiceState = 'connecting' | 'listening' | 'hearing' | 'thinking' | 'speaking'

const samplesPerMs = 24
/** A commit follows the end of speech at once: without one it was a cough, and the reply goes on. */
const commitWithinMs = 400
/** What a wrong moment of ours brings, and the user need not know of. */
const harmless = new Set(['response_cancel_not_active', 'item_truncate_invalid'])

/** A conversation over the Realtime protocol, GA, from its `session.created` on. Knows neither sockets nor the document. */
export class VoiceSession {
  readonly conversation: Conversation
  readonly clock = new TurnClock()
  readonly #options: VoiceSessionOptions
  readonly #now: () => number
  #mode: VoiceMode
  #ready = false
  #model: string | undefined
  #voice: string | undefined
  #conversationId: string | undefined
  #isPressed = false
  #hears = false
  #response: string | undefined
  /** Items of which sound waits or plays. */
  readonly #playing = new Set<string>()
  /** Items that were interrupted: what still comes of them is for nobody. */
  readonly #cut = new Set<string>()
  #paused = false
  #resumeTimer: ReturnType<typeof setTimeout> | undefined

  constructor(options: VoiceSessionOptions) {
    this.#options = options
    this.conversation = options.conversation ?? new Conversation()
    this.#mode = options.mode
    this.#now = options.now ?? (() => performance.now())
  }

  get model(): string | undefined {
    return this.#model
  }

  get voice(): string | undefined {
    return this.#voice
  }

  /** The server's name for the conversation, by which it is gone on with after a break; undefined before the first reply. */
  get conversationId(): string | undefined {
    return this.#conversationId
  }

  get isReady(): boolean {
    return this.#ready
  }

  get state(): VoiceState {
    if (!this.#ready) return 'connecting'
    if (this.#hears || this.#isPressed) return 'hearing'
    if (this.#playing.size > 0) return 'speaking'
    return this.#response === undefined ? 'listening' : 'thinking'
  }

  choose(mode: VoiceMode): void {
    if (mode === this.#mode) return
    this.#mode = mode
    this.#isPressed = false
    if (this.#ready) this.#configure()
  }

  /** The next sound of the microphone, 24,000 samples a second. */
  hear(samples: Int16Array): void {
    if (!this.#ready || samples.length === 0 || (this.#mode === 'push' && !this.#isPressed)) return
    this.#options.send({ type: 'input_audio_buffer.append', audio: encodeSamples(samples) })
  }

  press(): void {
    if (!this.#ready || this.#mode !== 'push' || this.#isPressed) return
    void this.interrupt()
    this.#options.send({ type: 'input_audio_buffer.clear' })
    this.#isPressed = true
    this.#options.changed()
  }

  release(): void {
    if (!this.#isPressed) return
    this.#isPressed = false
    this.#options.send({ type: 'input_audio_buffer.commit' })
    this.#options.send({ type: 'response.create' })
    this.clock.stopped(this.#now())
    this.#options.changed()
  }

  /** Ends the reply, in its making and in your ears. */
  async interrupt(): Promise<void> {
    if (this.#response !== undefined) this.#options.send({ type: 'response.cancel' })
    await this.#flush()
  }

  heard(item: string, ms: number): void {
    this.clock.saw('heard', this.#now())
    this.conversation.heard(item, ms)
    this.#options.changed()
  }

  /** Everything that came was played. */
  silent(): void {
    for (const item of this.#playing) this.conversation.heard(item, Number.POSITIVE_INFINITY)
    this.#playing.clear()
    this.#options.changed()
  }

  close(): void {
    clearTimeout(this.#resumeTimer)
  }

  take(event: ServerEvent): void {
    this.#handlers[event.type]?.(event)
    this.#options.changed()
  }

  readonly #handlers: Readonly<Record<string, (event: ServerEvent) => void>> = {
    'session.created': ({ session }) => this.#created(session),
    'session.updated': ({ session }) => this.#named(session),
    error: ({ error }) => this.#refused(error),
    'input_audio_buffer.speech_started': () => this.#speechStarted(),
    'input_audio_buffer.speech_stopped': () => this.#speechStopped(),
    'input_audio_buffer.committed': () => this.#confirm(),
    'conversation.item.input_audio_transcription.delta': ({ item_id = '', delta = '' }) =>
      this.conversation.addText(item_id, 'you', delta),
    'conversation.item.input_audio_transcription.completed': ({ item_id = '', transcript = '' }) => {
      this.clock.saw('transcript', this.#now())
      this.conversation.setText(item_id, 'you', transcript)
    },
    'conversation.item.input_audio_transcription.failed': ({ item_id = '', error }) => {
      this.conversation.remove(item_id)
      this.#refused(error)
    },
    'conversation.item.deleted': ({ item_id = '' }) => this.conversation.remove(item_id),
    'conversation.item.truncated': ({ item_id = '' }) => this.#truncated(item_id),
    'conversation.item.retrieved': ({ item }) =>
      this.conversation.correct(item?.id ?? '', item?.content?.[0]?.transcript ?? ''),
    'response.created': ({ response }) => {
      this.#response = response?.id
      this.#conversationId = response?.conversation_id ?? this.#conversationId
    },
    'response.output_audio_transcript.delta': (event) => this.#addText(event),
    'response.output_text.delta': (event) => this.#addText(event),
    'response.output_audio.delta': (event) => this.#addSound(event),
    'response.output_audio.done': ({ item_id = '' }) => {
      this.#options.speaker.end(item_id)
      this.conversation.end(item_id, { isMute: false })
    },
    'response.output_text.done': ({ item_id = '' }) => this.conversation.end(item_id, { isMute: true }),
    'response.done': ({ response }) => this.#ended(response),
  }

  #created(session: ServerEvent['session']): void {
    this.#ready = true
    this.#named(session)
    this.#configure()
  }

  #named(session: ServerEvent['session']): void {
    this.#model = session?.model ?? this.#model
    this.#voice = session?.audio?.output?.voice ?? this.#voice
  }

  #configure(): void {
    const turn_detection = this.#mode === 'push' ? null : { type: 'server_vad', interrupt_response: true }
    const input = { format: { type: 'audio/pcm', rate: 24_000 }, transcription: { model: 'whisper-1' }, turn_detection }
    this.#options.send({ type: 'session.update', session: { type: 'realtime', audio: { input } } })
  }

  #refused(error: ServerEvent['error']): void {
    if (error?.code === 'input_audio_buffer_commit_empty')
      this.#options.failed('That was too short. Hold the button while you speak.')
    else if (!harmless.has(error?.code ?? ''))
      this.#options.failed(error?.message ?? 'The server refused, without a reason.')
  }

  /** Nothing more is heard from now on; whether the reply is over or goes on is decided by what comes next. */
  #speechStarted(): void {
    this.#hears = true
    clearTimeout(this.#resumeTimer)
    if (this.#playing.size === 0) return
    this.#paused = true
    this.#options.speaker.pause()
  }

  #speechStopped(): void {
    this.#hears = false
    this.clock.stopped(this.#now())
    if (this.#paused) this.#resumeTimer = setTimeout(() => this.#resume(), commitWithinMs)
  }

  #resume(): void {
    if (!this.#paused) return
    this.#paused = false
    this.#options.speaker.resume()
    this.#options.changed()
  }

  /** It was speech indeed. */
  #confirm(): void {
    if (this.#paused) void this.#flush()
  }

  /** By the server's own clock, where the item still waits here: then it is told what was truly heard. */
  #truncated(item: string): void {
    if (this.#playing.has(item)) void this.#flush()
    else this.#options.send({ type: 'conversation.item.retrieve', item_id: item })
  }

  #addText({ item_id = '', delta = '' }: ServerEvent): void {
    if (this.#cut.has(item_id)) return
    this.clock.saw('firstWords', this.#now())
    this.conversation.addText(item_id, 'assistant', delta)
  }

  #addSound({ item_id = '', delta = '' }: ServerEvent): void {
    if (this.#cut.has(item_id)) return
    this.clock.saw('firstSound', this.#now())
    const samples = decodeSamples(delta)
    this.#playing.add(item_id)
    this.conversation.addSound(item_id, samples.length / samplesPerMs)
    this.#options.speaker.play(item_id, samples)
  }

  #ended(response: ServerResponse | undefined): void {
    this.#response = undefined
    this.clock.measured(response?.usage?.hailstream ?? {})
    if (response?.status === 'cancelled') void this.#flush()
    if (response?.status !== 'failed') return
    const { error } = response.status_details ?? {}
    this.#options.failed(error?.message ?? `The reply failed (${error?.code ?? 'the server gives no reason'}).`)
  }

  /** The server is told to the millisecond what you heard, and forgets the rest. */
  async #flush(): Promise<void> {
    clearTimeout(this.#resumeTimer)
    this.#paused = false
    for (const item of this.#playing) this.#cut.add(item)
    if (this.#playing.size === 0) return
    this.#playing.clear()
    for (const { item, ms } of await this.#options.speaker.flush()) {
      const audio_end_ms = Math.floor(ms)
      this.#options.send({ type: 'conversation.item.truncate', item_id: item, content_index: 0, audio_end_ms })
      this.conversation.cut(item, ms)
    }
    this.#options.changed()
  }
}

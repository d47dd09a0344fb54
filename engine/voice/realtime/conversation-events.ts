import { StablePrefix } from '../../inference/stable-prefix.ts'
import type { ResponseEnd } from '../effects.ts'
import { type History, type HistoryItem, previousOf } from '../history.ts'
import type { VoiceNotice } from '../voice-output.ts'
import { type ServerItem, toServerItem } from './items.ts'
import { ResponseEvents } from './response-events.ts'
import type { SendEvent } from './server-event.ts'
import type { SessionConfig } from './session-config.ts'

type NoticeOf<T extends VoiceNotice['type']> = Extract<VoiceNotice, { type: T }>
type Tellers = { readonly [T in VoiceNotice['type']]: (notice: NoticeOf<T>) => void }

/** What the user said by voice. */
interface HeardItem {
  /** null before it is known. */
  text: string | null
  readonly seconds: number
}

/** What of a conversation is told on its way. */
interface Growing {
  readonly prefix: StablePrefix
  sent: string
}

/** What the events are made of. */
export interface ConversationEventsOptions {
  readonly conversation: string
  readonly send: SendEvent
  readonly config: () => SessionConfig
  readonly history: () => History
  /** The settings have changed, or were found to be the same. */
  readonly onSettings: () => void
}

/** Tells what happens in a voice session by the protocol's GA events, in its order. */
export class ConversationEvents {
  readonly #options: ConversationEventsOptions
  readonly #send: SendEvent
  readonly #heard = new Map<string, HeardItem>()
  readonly #growing = new Map<string, Growing>()
  /** Items that the client knows of: ours for built-in tools it never sees. */
  readonly #shown = new Set<string>()
  #response: ResponseEvents | undefined

  constructor(options: ConversationEventsOptions) {
    this.#options = options
    this.#send = options.send
  }

  /** The response in progress, for its sound. */
  get response(): ResponseEvents | undefined {
    return this.#response
  }

  tell<T extends VoiceNotice['type']>(notice: NoticeOf<T>): void {
    const teller = this.#tellers[notice.type as T] as (notice: NoticeOf<T>) => void
    teller(notice)
  }

  /** An item of a conversation that is gone on with. */
  restore(item: HistoryItem): void {
    this.#showItem(item, this.previousOf(item.id))
  }

  /** An item of the history as the client sees it. */
  show(item: HistoryItem): ServerItem {
    const status = item.type === 'reply' && item.status !== 'completed' ? replyStatus(item.status) : 'completed'
    return toServerItem(item, { status, ...this.#heardOf(item.id) })
  }

  /** The item before it that the client knows. */
  previousOf(id: string): string | null {
    const history = this.#options.history()
    let before = previousOf(history, id)
    while (before !== null && !this.#shown.has(before)) before = previousOf(history, before)
    return before
  }

  readonly #tellers: Tellers = {
    'speech-started': ({ item, audioMs }) =>
      this.#send({ type: 'input_audio_buffer.speech_started', audio_start_ms: Math.round(audioMs), item_id: item }),
    'speech-stopped': ({ item, audioMs }) =>
      this.#send({ type: 'input_audio_buffer.speech_stopped', audio_end_ms: Math.round(audioMs), item_id: item }),
    partial: (notice) => this.#tellPartial(notice),
    committed: (notice) => this.#tellCommitted(notice),
    cleared: () => this.#send({ type: 'input_audio_buffer.cleared' }),
    transcribed: (notice) => this.#tellTranscribed(notice),
    'transcription-failed': (notice) => this.#tellTranscriptionFailed(notice),
    'idle-timeout': (notice) => this.#tellIdle(notice),
    'response-started': (notice) => this.#begin(notice),
    measured: ({ measures }) => this.#response?.measured(measures),
    'response-ended': ({ end }) => this.#end(end),
    'item-added': (notice) => this.#addItem(notice),
    'item-done': (notice) => this.#endItem(notice),
    'reply-text': ({ item, text }) => this.#response?.text(item, text),
    // A client plays by itself: it is told nothing of a pause that may be none.
    'reply-held': () => undefined,
    'reply-resumed': () => undefined,
    'item-deleted': ({ item }) => this.#tellDeleted(item),
    'item-truncated': ({ item, endMs }) => {
      const audio_end_ms = Math.round(endMs)
      this.#send({ type: 'conversation.item.truncated', item_id: item, content_index: 0, audio_end_ms })
    },
    settings: () => this.#options.onSettings(),
    'stage-failed': ({ code, message }) => this.#tellFailure(code, message),
    refused: ({ id, code, reason, message }) => this.#tellRefusal(reason ?? code, message, id),
  }

  #heardOf(id: string): { readonly heard?: string | null } {
    const heard = this.#heard.get(id)
    if (!heard) return {}
    return { heard: this.#isTranscribing ? heard.text : null }
  }

  get #isTranscribing(): boolean {
    return this.#options.config().audio.input.transcription !== null
  }

  #tellPartial({ item, text }: NoticeOf<'partial'>): void {
    if (!this.#isTranscribing) return
    const growing = this.#growing.get(item) ?? { prefix: new StablePrefix(), sent: '' }
    this.#growing.set(item, growing)
    const { stable } = growing.prefix.update(text)
    const delta = stable.slice(growing.sent.length)
    growing.sent = stable
    if (delta === '') return
    this.#send({ type: 'conversation.item.input_audio_transcription.delta', item_id: item, content_index: 0, delta })
  }

  #tellCommitted({ item, fromMs, toMs, previous }: NoticeOf<'committed'>): void {
    this.#heard.set(item, { text: null, seconds: (toMs - fromMs) / 1000 })
    const previous_item_id = this.#visible(item, previous)
    this.#send({ type: 'input_audio_buffer.committed', item_id: item, previous_item_id })
    this.#showItem({ id: item, type: 'message', role: 'user', text: '' }, previous_item_id)
  }

  #tellTranscribed({ item, text }: NoticeOf<'transcribed'>): void {
    this.#growing.delete(item)
    const heard = this.#heard.get(item)
    if (heard) heard.text = text
    if (this.#isTranscribing)
      this.#send({
        type: 'conversation.item.input_audio_transcription.completed',
        ...{ item_id: item, content_index: 0, transcript: text },
        usage: { type: 'duration', seconds: heard?.seconds ?? 0 },
      })
    if (text === '') this.#tellDeleted(item)
  }

  #tellTranscriptionFailed({ item, message }: NoticeOf<'transcription-failed'>): void {
    this.#growing.delete(item)
    this.#send({
      type: 'conversation.item.input_audio_transcription.failed',
      ...{ item_id: item, content_index: 0 },
      error: { type: 'server_error', code: 'transcription_failed', message, param: null },
    })
    this.#tellDeleted(item)
  }

  #tellDeleted(item: string): void {
    this.#shown.delete(item)
    this.#heard.delete(item)
    this.#send({ type: 'conversation.item.deleted', item_id: item })
  }

  #tellIdle({ audioMs }: NoticeOf<'idle-timeout'>): void {
    const at = Math.round(audioMs)
    const item_id = [...this.#shown].at(-1) ?? ''
    this.#send({ type: 'input_audio_buffer.timeout_triggered', audio_start_ms: at, audio_end_ms: at, item_id })
  }

  #begin({ response, settings, isOutOfBand }: NoticeOf<'response-started'>): void {
    const conversation = isOutOfBand ? null : this.#options.conversation
    const start = { response, conversation, settings, config: this.#options.config() }
    this.#response = new ResponseEvents(start, this.#send)
  }

  #end(end: ResponseEnd): void {
    this.#response?.end(end)
    this.#response = undefined
  }

  #addItem({ response, item, previous }: NoticeOf<'item-added'>): void {
    const before = this.#visible(item.id, previous)
    if (response === null) return void this.#showItem(item, before)
    const isOutOfBand = this.#response?.isOutOfBand
    this.#response?.addItem(item, (shown) => {
      if (isOutOfBand) return
      this.#shown.add(item.id)
      this.#send({ type: 'conversation.item.added', previous_item_id: before, item: shown })
    })
  }

  #endItem({ item, status }: NoticeOf<'item-done'>): void {
    const isOutOfBand = this.#response?.isOutOfBand
    this.#response?.endItem(item, status, (shown) => {
      if (isOutOfBand) return
      this.#send({ type: 'conversation.item.done', previous_item_id: this.previousOf(item.id), item: shown })
    })
  }

  /** An item that is whole at once. */
  #showItem(item: HistoryItem, previous_item_id: string | null): void {
    this.#shown.add(item.id)
    const shown = this.show(item)
    this.#send({ type: 'conversation.item.added', previous_item_id, item: shown })
    this.#send({ type: 'conversation.item.done', previous_item_id, item: shown })
  }

  #visible(id: string, previous: string | null): string | null {
    const isThere = this.#options.history().some((item) => item.id === id)
    return isThere ? this.previousOf(id) : previous
  }

  #tellFailure(code: string, message: string): void {
    this.#response?.failed(code, message)
    this.#send({ type: 'error', error: { type: 'server_error', code, message, param: null, event_id: null } })
  }

  #tellRefusal(code: string, message: string, event_id: string | null): void {
    this.#send({ type: 'error', error: { type: 'invalid_request_error', code, message, param: null, event_id } })
  }
}

function replyStatus(status: 'in-progress' | 'incomplete'): 'in_progress' | 'incomplete' {
  return status === 'incomplete' ? 'incomplete' : 'in_progress'
}

import type { ResponseEnd } from '../effects.ts'
import type { HistoryItem, ReplyItem } from '../history.ts'
import type { VoiceSettings } from '../settings.ts'
import type { TurnMeasures } from '../turn-measures.ts'
import { type ServerItem, toServerItem } from './items.ts'
import type { ReplyPlace } from './reply-packet.ts'
import type { SendEvent } from './server-event.ts'
import type { SessionConfig } from './session-config.ts'
import { toUsage } from './usage.ts'

/** What a response begins with. */
export interface ResponseStart {
  readonly response: string
  /** null: it leaves the conversation as it is. */
  readonly conversation: string | null
  readonly settings: VoiceSettings
  readonly config: SessionConfig
}

/** A response of the protocol, from created to done: what belongs to it is sent through here. */
export class ResponseEvents {
  readonly id: string
  readonly #start: ResponseStart
  readonly #send: SendEvent
  readonly #indexes = new Map<string, number>()
  /** By their places. */
  readonly #output: ServerItem[] = []
  #measures: TurnMeasures | undefined
  #failure: { readonly code: string; readonly message: string } | undefined

  constructor(start: ResponseStart, send: SendEvent) {
    this.id = start.response
    this.#start = start
    this.#send = send
    send({ type: 'response.created', response: this.#object('in_progress', null) })
    // Nobody counts here; stock clients wait for it all the same.
    send({ type: 'rate_limits.updated', rate_limits: [] })
  }

  get isOutOfBand(): boolean {
    return this.#start.conversation === null
  }

  measured(measures: TurnMeasures): void {
    this.#measures = measures
  }

  failed(code: string, message: string): void {
    this.#failure = { code, message }
  }

  /** `added` shows the item to the conversation. */
  addItem(item: HistoryItem, added: (item: ServerItem) => void): void {
    const output_index = this.#indexes.size
    this.#indexes.set(item.id, output_index)
    const shown = toServerItem(item, { status: 'in_progress', isEmpty: true })
    this.#send({ type: 'response.output_item.added', response_id: this.id, output_index, item: shown })
    added(shown)
    if (item.type !== 'reply') return
    const part = partOf(item, '')
    this.#send({ type: 'response.content_part.added', ...this.placeOf(item.id), part })
  }

  text(item: string, delta: string): void {
    const kind = this.#isSpoken ? 'output_audio_transcript' : 'output_text'
    this.#send({ type: `response.${kind}.delta`, ...this.placeOf(item), delta })
  }

  /** Base64. */
  sound(item: string, delta: string): void {
    this.#send({ type: 'response.output_audio.delta', ...this.placeOf(item), delta })
  }

  endItem(item: HistoryItem, status: 'completed' | 'incomplete', done: (item: ServerItem) => void): void {
    if (item.type === 'reply') this.#endReply(item)
    if (item.type === 'call') this.#tellCall(item)
    const shown = toServerItem(item, { status, isWhole: true })
    const output_index = this.#indexes.get(item.id) ?? 0
    this.#output[output_index] = shown
    this.#send({ type: 'response.output_item.done', response_id: this.id, output_index, item: shown })
    done(shown)
  }

  end(end: ResponseEnd): void {
    this.#send({ type: 'response.done', response: this.#object(end.status, this.#details(end)) })
  }

  get #isSpoken(): boolean {
    return this.#start.settings.modality === 'audio'
  }

  /** Where the item stands in the response. */
  placeOf(item_id: string): ReplyPlace {
    const output_index = this.#indexes.get(item_id) ?? 0
    return { response_id: this.id, item_id, output_index, content_index: 0 }
  }

  #endReply(item: ReplyItem): void {
    const place = this.placeOf(item.id)
    if (item.isSpoken) {
      this.#send({ type: 'response.output_audio.done', ...place })
      this.#send({ type: 'response.output_audio_transcript.done', ...place, transcript: item.text })
    } else this.#send({ type: 'response.output_text.done', ...place, text: item.text })
    this.#send({ type: 'response.content_part.done', ...place, part: partOf(item, item.text) })
  }

  #tellCall({ id, call }: Extract<HistoryItem, { type: 'call' }>): void {
    const { content_index: _, ...place } = this.placeOf(id)
    const args = JSON.stringify(call.arguments)
    const about = { ...place, call_id: call.id }
    this.#send({ type: 'response.function_call_arguments.delta', ...about, delta: args })
    this.#send({ type: 'response.function_call_arguments.done', ...about, name: call.name, arguments: args })
  }

  #details({ status, reason }: ResponseEnd): object | null {
    if (status === 'completed') return null
    if (status === 'cancelled')
      return { type: 'cancelled', reason: reason === 'turn_detected' ? reason : 'client_cancelled' }
    return { type: 'failed', error: { type: 'server_error', code: this.#failure?.code ?? 'internal' } }
  }

  #object(status: string, details: object | null): object {
    const { conversation, settings, config } = this.#start
    const { format, voice } = config.audio.output
    return {
      object: 'realtime.response',
      id: this.id,
      status,
      status_details: details,
      output: this.#output,
      conversation_id: conversation,
      output_modalities: [settings.modality],
      max_output_tokens: settings.sampling.maxTokens ?? 'inf',
      audio: { output: { format, voice } },
      usage: this.#measures ? toUsage(this.#measures) : null,
      metadata: settings.metadata ?? null,
    }
  }
}

function partOf({ isSpoken }: ReplyItem, text: string): object {
  return isSpoken ? { type: 'audio', transcript: text } : { type: 'text', text }
}

import type { EventPayload, TextPayload } from '../core/packet.ts'
import { heardText } from './heard.ts'
import type { History, HistoryItem, ReplyItem } from './history.ts'
import type { VoiceNotice } from './voice-output.ts'

/** Something to publish about a conversation. */
export type ConversationPayload =
  | { readonly output: 'transcript' | 'reply'; readonly payload: TextPayload }
  | { readonly output: 'turn'; readonly payload: EventPayload }

/** What transcripts and replies are marked with. */
export interface ConversationMarks {
  readonly language: string | undefined
  /** Of the recogniser, and of the language model; undefined where the default is taken and not known. */
  readonly recogniser: string | undefined
  readonly writer: string | undefined
}

/** Makes texts and events of what a voice session tells: what is certain of what the user says, what the assistant writes, and how the turns go. */
export class ConversationPackets {
  readonly #marks: ConversationMarks
  /** What was written of the reply so far. */
  #written = { item: '', text: '' }
  #partial = ''
  /** The item of a reply that was cut off. */
  #cut: string | undefined

  constructor(marks: ConversationMarks) {
    this.#marks = marks
  }

  /** In the order in which they are published. */
  toPayloads(notice: VoiceNotice): ConversationPayload[] {
    const event = toEvent(notice)
    return [...this.#toTexts(notice), ...(event ? [{ output: 'turn', payload: event } as const] : [])]
  }

  /** The words of the reply that was cut off last, as far as they were heard; undefined where none was since. */
  heard(history: History): ConversationPayload | undefined {
    const found = history.find(({ id }) => id === this.#cut)
    this.#cut = undefined
    return found?.type === 'reply' && found.status === 'incomplete' ? this.#reply(heardOf(found), true) : undefined
  }

  #toTexts(notice: VoiceNotice): ConversationPayload[] {
    switch (notice.type) {
      case 'partial':
        if (notice.text === this.#partial) return []
        this.#partial = notice.text
        return [this.#transcript(notice.text, false)]
      case 'transcribed':
        this.#partial = ''
        return notice.text === '' ? [] : [this.#transcript(notice.text, true)]
      case 'reply-text': {
        const before = this.#written.item === notice.item ? this.#written.text : ''
        this.#written = { item: notice.item, text: before + notice.text }
        return [this.#reply(this.#written.text, false)]
      }
      case 'item-done':
        if (!isReply(notice.item)) return []
        if (notice.status === 'completed') return [this.#reply(notice.item.text, true)]
        this.#cut = notice.item.id
        return []
      default:
        return []
    }
  }

  #transcript(text: string, final: boolean): ConversationPayload {
    const { language, recogniser: model } = this.#marks
    return { output: 'transcript', payload: toText(text, final, { language, model }) }
  }

  #reply(text: string, final: boolean): ConversationPayload {
    return { output: 'reply', payload: toText(text, final, { language: undefined, model: this.#marks.writer }) }
  }
}

function toText(
  text: string,
  final: boolean,
  { language, model }: { readonly language: string | undefined; readonly model: string | undefined },
): TextPayload {
  const marks = { ...(language !== undefined && { language }), ...(model !== undefined && { model }) }
  return { kind: 'text', text, final, ...marks }
}

function isReply(item: HistoryItem): item is ReplyItem {
  return item.type === 'reply'
}

function heardOf({ isSpoken, text, clauses, playedMs }: ReplyItem): string {
  return isSpoken ? heardText(clauses, playedMs) : text
}

/** How a turn goes, without the texts, which are published elsewhere. */
function toEvent(notice: VoiceNotice): EventPayload | undefined {
  const base = { kind: 'event', name: notice.type } as const
  switch (notice.type) {
    case 'speech-started':
    case 'idle-timeout':
      return { ...base, turn: notice.turn, audioMs: notice.audioMs }
    case 'speech-stopped':
      return { ...base, turn: notice.turn, audioMs: notice.audioMs, outcome: notice.outcome }
    case 'transcription-failed':
      return { ...base, turn: notice.turn, message: notice.message }
    case 'response-started':
      return { ...base, turn: notice.turn, response: notice.response }
    case 'response-ended':
      return { ...base, turn: notice.turn, response: notice.response, ...notice.end }
    case 'measured':
      return { ...base, turn: notice.turn, response: notice.response, ...notice.measures }
    case 'reply-held':
    case 'reply-resumed':
      return { ...base, turn: notice.turn }
    case 'stage-failed':
      return { ...base, turn: notice.turn, stage: notice.stage, code: notice.code, message: notice.message }
    default:
      return undefined
  }
}

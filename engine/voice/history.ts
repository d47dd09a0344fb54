import { EngineError } from '../errors.ts'
import type { ChatMessage, ToolCall } from '../inference/language.ts'
import { heardText, type SpokenClause, soundOf } from './heard.ts'

/** What the assistant said, or is saying. */
export interface ReplyItem {
  readonly id: string
  readonly type: 'reply'
  /** All that the model wrote, as the text channel has it. */
  readonly text: string
  /** Else it is only written, and what is written is read. */
  readonly isSpoken: boolean
  readonly clauses: readonly SpokenClause[]
  /** Milliseconds of its sound that were played, as far as is known. */
  readonly playedMs: number
  /** `incomplete`: it was interrupted or failed, so only what was heard counts. */
  readonly status: 'in-progress' | 'completed' | 'incomplete'
}

/** An entry of the conversation. */
export type HistoryItem =
  | {
      readonly id: string
      readonly type: 'message'
      readonly role: 'user' | 'system' | 'assistant'
      readonly text: string
    }
  | ReplyItem
  | { readonly id: string; readonly type: 'call'; readonly call: ToolCall }
  | {
      readonly id: string
      readonly type: 'result'
      readonly callId: string
      readonly name: string
      readonly output: string
    }

/** The conversation, oldest first. Immutable: each change gives a new one. */
export type History = readonly HistoryItem[]

/**
 * At this many the older half is dropped at once, up to the next thing that the user says: a prompt whose beginning moves with every turn
 * would be read anew each time.
 */
export const mostItems = 128

/** A client's clock may be so far beyond the end of the sound: reported of stock clients, 85 ms. */
const graceMs = 100

/**
 * With the item behind the one named; null is the front, undefined the end. Throws `not-found` for an unknown one and `conflict` for an id that is
 * there already.
 */
export function withItem(history: History, item: HistoryItem, previous?: string | null): History {
  if (history.some(({ id }) => id === item.id))
    throw new EngineError('conflict', `Expected an id that is not in the conversation yet, received ${item.id}`)
  const at = placeAfter(history, previous)
  return trim([...history.slice(0, at), item, ...history.slice(at)])
}

/** Throws `not-found`. */
export function itemOf(history: History, id: string): HistoryItem {
  const item = history.find((one) => one.id === id)
  if (item) return item
  throw new EngineError('not-found', `Expected the id of an item of this conversation, received ${id}`)
}

/** The id before the item's; null at the front. */
export function previousOf(history: History, id: string): string | null {
  return history[history.findIndex((one) => one.id === id) - 1]?.id ?? null
}

/** Throws `not-found`. */
export function withoutItem(history: History, id: string): History {
  itemOf(history, id)
  return history.filter((one) => one.id !== id)
}

/** With a reply changed; unchanged where it is not there any more. */
export function withReply(history: History, id: string, change: Partial<Omit<ReplyItem, 'id' | 'type'>>): History {
  return history.map((one) => (one.id === id && one.type === 'reply' ? { ...one, ...change } : one))
}

/**
 * Keeps of a reply the words whose sound was over at `endMs`, whether it is completed or not. Up to 100 ms beyond its sound are taken as its end;
 * more, a negative number, or an item that is no spoken reply throws `invalid`.
 */
export function truncated(history: History, id: string, endMs: number): History {
  const item = itemOf(history, id)
  if (item.type !== 'reply')
    throw new EngineError('invalid', `Expected a reply of the assistant to truncate, ${id} is a ${item.type}`)
  const soundMs = soundOf(item.clauses)
  if (!(endMs >= 0 && endMs <= soundMs + graceMs))
    throw new EngineError(
      'invalid',
      `Expected audio_end_ms to be 0 to ${Math.floor(soundMs)}, the sound of ${id}, received ${endMs}`,
    )
  const playedMs = Math.min(endMs, soundMs)
  const isAll = item.status === 'completed' && playedMs === soundMs
  return withReply(history, id, { playedMs, status: isAll ? 'completed' : 'incomplete' })
}

/** What of a reply the listener knows: all of it, or the words that were heard. */
export function knownText({ text, isSpoken, clauses, playedMs, status }: ReplyItem): string {
  return status === 'completed' || !isSpoken ? text : heardText(clauses, playedMs)
}

/**
 * The conversation as a model reads it: what was never heard is not there, nor a call without its result or a result without its call; what the user
 * said in several goes is one message, since many templates want the roles to alternate.
 */
export function toMessages(history: History): ChatMessage[] {
  const calls = new Map(history.flatMap((item) => (item.type === 'call' ? [[item.call.id, item.call] as const] : [])))
  const answered = new Set(history.flatMap((item) => (item.type === 'result' ? [item.callId] : [])))
  const messages: ChatMessage[] = []
  for (const item of history) {
    const message = toMessage(item, (id) => (answered.has(id) ? calls.get(id) : undefined))
    if (message) append(messages, message)
  }
  return messages
}

function toMessage(item: HistoryItem, answeredCall: (id: string) => ToolCall | undefined): ChatMessage | undefined {
  if (item.type === 'message') return item.text === '' ? undefined : { role: item.role, content: item.text }
  if (item.type === 'reply') {
    const content = knownText(item)
    return content === '' ? undefined : { role: 'assistant', content }
  }
  const call = answeredCall(item.type === 'call' ? item.call.id : item.callId)
  if (!call) return undefined
  if (item.type === 'call') return { role: 'assistant', content: '', toolCalls: [call] }
  return { role: 'tool', content: item.output, toolCallId: item.callId, toolName: item.name }
}

function append(messages: ChatMessage[], message: ChatMessage): void {
  const last = messages.at(-1)
  const isJoined = last?.role === message.role && message.role !== 'tool' && message.role !== 'system'
  if (last && isJoined) messages[messages.length - 1] = joined(last, message)
  else messages.push(message)
}

function joined(a: ChatMessage, b: ChatMessage): ChatMessage {
  // A reply that was cut off by a noise goes on in the same sentence.
  const gap = a.content === '' || b.content === '' ? '' : a.role === 'assistant' ? ' ' : '\n'
  const content = `${gap === ' ' ? a.content.trimEnd() : a.content}${gap}${b.content}`
  const toolCalls = [...(a.toolCalls ?? []), ...(b.toolCalls ?? [])]
  return { role: a.role, content, ...(toolCalls.length > 0 ? { toolCalls } : {}) }
}

function placeAfter(history: History, previous: string | null | undefined): number {
  if (previous === undefined) return history.length
  if (previous === null) return 0
  itemOf(history, previous)
  return history.findIndex(({ id }) => id === previous) + 1
}

function trim(history: History): History {
  if (history.length <= mostItems) return history
  const kept = history.slice(mostItems / 2)
  const start = kept.findIndex((item) => item.type === 'message' && item.role === 'user')
  return start < 0 ? kept : kept.slice(start)
}

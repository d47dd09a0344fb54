import { EngineError } from '../../errors.ts'
import type { History, HistoryItem, ReplyItem } from '../history.ts'
import { knownText } from '../history.ts'
import type { ClientItem } from './client-events.ts'

/** An item of the conversation as the protocol shows it. */
export type ServerItem = Readonly<Record<string, unknown>> & { readonly id: string; readonly type: string }

type Status = 'completed' | 'incomplete' | 'in_progress'

/** What of an item is not in the history. */
export interface ItemView {
  readonly status: Status
  /** What the user said by voice: its transcript, where it is told; null before. undefined: it was typed. */
  readonly heard?: string | null
  /** Of a reply that is just beginning. */
  readonly isEmpty?: boolean
  /** Of a reply: all that was written, also what was never heard. */
  readonly isWhole?: boolean
}

export function toServerItem(item: HistoryItem, view: ItemView): ServerItem {
  const shared = { id: item.id, object: 'realtime.item', status: view.status }
  if (item.type === 'message') return { ...shared, type: 'message', role: item.role, content: [contentOf(item, view)] }
  if (item.type === 'reply')
    return { ...shared, type: 'message', role: 'assistant', content: view.isEmpty ? [] : [replyContent(item, view)] }
  if (item.type === 'call') {
    const { id: call_id, name, arguments: args } = item.call
    return { ...shared, type: 'function_call', call_id, name, arguments: view.isEmpty ? '' : JSON.stringify(args) }
  }
  return { ...shared, type: 'function_call_output', call_id: item.callId, output: item.output }
}

function contentOf({ role, text }: Extract<HistoryItem, { type: 'message' }>, { heard }: ItemView): object {
  if (heard !== undefined) return { type: 'input_audio', transcript: heard }
  return role === 'assistant' ? { type: 'output_text', text } : { type: 'input_text', text }
}

/** What is known to have been heard; while it is being said, all of it. */
function replyContent(item: ReplyItem, { isWhole }: ItemView): object {
  const text = isWhole || item.status === 'in-progress' ? item.text : knownText(item)
  return item.isSpoken ? { type: 'output_audio', transcript: text } : { type: 'output_text', text }
}

/** An item that a client made. Throws `invalid` for a call's output without its call, or arguments that are no JSON object. */
export function toHistoryItem(item: ClientItem, id: string, history: History): HistoryItem {
  if (item.type === 'message') {
    const text = item.content.map((part) => ('text' in part ? part.text : part.transcript)).join('\n')
    return { id, type: 'message', role: item.role, text }
  }
  if (item.type === 'function_call') {
    const call = { id: item.call_id, name: item.name, arguments: parseArguments(item.arguments) }
    return { id, type: 'call', call }
  }
  const call = history.find((one) => one.type === 'call' && one.call.id === item.call_id)
  if (call?.type !== 'call')
    throw new EngineError('invalid', `Expected the call_id of a call in the conversation, received ${item.call_id}`)
  return { id, type: 'result', callId: item.call_id, name: call.call.name, output: item.output }
}

function parseArguments(text: string): Readonly<Record<string, unknown>> {
  const value = parseJson(text)
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>
  throw new EngineError('invalid', `Expected arguments to be a JSON object, received ${text.slice(0, 100)}`)
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

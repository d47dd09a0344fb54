import { z } from 'zod'
import { EngineError } from '../../errors.ts'
import type { ChatMessage } from '../../inference/language.ts'
import { type History, type HistoryItem, itemOf, toMessages as messagesOf } from '../history.ts'
import { clientItemSchema } from './client-events.ts'
import { toHistoryItem } from './items.ts'
import type { SessionConfig } from './session-config.ts'
import type { ResponseOverrides } from './session-schema.ts'

const referenceSchema = z.strictObject({ type: z.literal('item_reference'), id: z.string().min(1) })

/** What a response reads in place of the conversation: items of its own and of the conversation. Throws `invalid`, `not-found`. */
export function toMessages(response: ResponseOverrides, config: SessionConfig, history: History): ChatMessage[] {
  const items: HistoryItem[] = []
  for (const [i, value] of (response.input ?? []).entries()) items.push(toItem(value, i, [...history, ...items]))
  const instructions = response.instructions ?? config.instructions
  const messages = messagesOf(items)
  return instructions === '' ? messages : [{ role: 'system', content: instructions }, ...messages]
}

function toItem(value: unknown, i: number, known: History): HistoryItem {
  const reference = referenceSchema.safeParse(value)
  if (reference.success) return itemOf(known, reference.data.id)
  const parsed = clientItemSchema.safeParse(value)
  if (parsed.success) return toHistoryItem(parsed.data, parsed.data.id ?? `input_${i}`, known)
  const [issue] = parsed.error.issues
  throw new EngineError('invalid', `response.input.${i}.${issue?.path.join('.')}: ${issue?.message}`)
}

import { z } from 'zod'
import {
  betaItemSchema,
  betaResponseSchema,
  betaSessionSchema,
  contentPartSchema,
  id,
  index,
  itemSchema,
  ms,
  part,
  responseSchema,
  sessionSchema,
} from './realtime-shapes.ts'

/** Server events of the Realtime protocol, written from its reference: strict, so that a field which the protocol lacks is noticed. */

const shared = { event_id: id }

const errorSchema = z.strictObject({
  ...shared,
  type: z.literal('error'),
  error: z.strictObject({
    type: z.enum(['invalid_request_error', 'server_error']),
    code: z.string(),
    message: z.string().min(1),
    param: z.string().nullable(),
    event_id: z.string().nullable(),
  }),
})
const event = <T extends string, S extends z.ZodRawShape>(type: T, fields: S) =>
  z.strictObject({ ...shared, type: z.literal(type), ...fields })
const heard = { item_id: id, content_index: z.literal(0) }

/** Of both dialects. */
const common = [
  errorSchema,
  event('rate_limits.updated', { rate_limits: z.array(z.never()) }),
  event('conversation.item.truncated', { item_id: id, content_index: z.literal(0), audio_end_ms: ms }),
  event('conversation.item.deleted', { item_id: id }),
  event('conversation.item.input_audio_transcription.delta', { ...heard, delta: z.string().min(1) }),
  event('conversation.item.input_audio_transcription.completed', {
    ...{ ...heard, transcript: z.string() },
    usage: z.strictObject({ type: z.literal('duration'), seconds: z.number().min(0) }),
  }),
  event('conversation.item.input_audio_transcription.failed', {
    ...heard,
    error: z.strictObject({ type: z.string(), code: z.string(), message: z.string(), param: z.null() }),
  }),
  event('input_audio_buffer.committed', { item_id: id, previous_item_id: id.nullable() }),
  event('input_audio_buffer.cleared', {}),
  event('input_audio_buffer.speech_started', { item_id: id, audio_start_ms: ms }),
  event('input_audio_buffer.speech_stopped', { item_id: id, audio_end_ms: ms }),
  event('response.content_part.added', { ...part, part: contentPartSchema }),
  event('response.content_part.done', { ...part, part: contentPartSchema }),
  event('response.function_call_arguments.delta', {
    ...{ response_id: id, item_id: id, output_index: index, call_id: id },
    delta: z.string(),
  }),
  event('response.function_call_arguments.done', {
    ...{ response_id: id, item_id: id, output_index: index, call_id: id },
    ...{ name: id, arguments: z.string() },
  }),
]
const placed = { response_id: id, output_index: index }

/** By name: every event of the GA protocol that a server without WebRTC and MCP sends. */
const gaEvents = toMap([
  ...common,
  event('session.created', { session: sessionSchema }),
  event('session.updated', { session: sessionSchema }),
  event('conversation.item.added', { previous_item_id: id.nullable(), item: itemSchema }),
  event('conversation.item.done', { previous_item_id: id.nullable(), item: itemSchema }),
  event('conversation.item.retrieved', { item: itemSchema }),
  event('input_audio_buffer.timeout_triggered', { audio_start_ms: ms, audio_end_ms: ms, item_id: id }),
  event('response.created', { response: responseSchema }),
  event('response.done', { response: responseSchema }),
  event('response.output_item.added', { ...placed, item: itemSchema }),
  event('response.output_item.done', { ...placed, item: itemSchema }),
  event('response.output_text.delta', { ...part, delta: z.string() }),
  event('response.output_text.done', { ...part, text: z.string() }),
  event('response.output_audio_transcript.delta', { ...part, delta: z.string() }),
  event('response.output_audio_transcript.done', { ...part, transcript: z.string() }),
  event('response.output_audio.delta', { ...part, delta: z.base64().min(1) }),
  event('response.output_audio.done', { ...part }),
])

const betaEvents = toMap([
  ...common,
  event('session.created', { session: betaSessionSchema }),
  event('session.updated', { session: betaSessionSchema }),
  event('conversation.created', {
    conversation: z.strictObject({ id, object: z.literal('realtime.conversation') }),
  }),
  event('conversation.item.created', { previous_item_id: id.nullable(), item: betaItemSchema }),
  event('conversation.item.retrieved', { item: betaItemSchema }),
  event('response.created', { response: betaResponseSchema }),
  event('response.done', { response: betaResponseSchema }),
  event('response.output_item.added', { ...placed, item: betaItemSchema }),
  event('response.output_item.done', { ...placed, item: betaItemSchema }),
  event('response.text.delta', { ...part, delta: z.string() }),
  event('response.text.done', { ...part, text: z.string() }),
  event('response.audio_transcript.delta', { ...part, delta: z.string() }),
  event('response.audio_transcript.done', { ...part, transcript: z.string() }),
  event('response.audio.delta', { ...part, delta: z.base64().min(1) }),
  event('response.audio.done', { ...part }),
])

const dialects = { ga: gaEvents, beta: betaEvents }

export type ServerDialect = keyof typeof dialects

/** Names of all events of a dialect. */
export function serverEventTypes(dialect: ServerDialect): string[] {
  return [...dialects[dialect].keys()]
}

/** Throws where the event is none of the dialect, or has not exactly its fields. */
export function expectServerEvent(received: { readonly type: string }, dialect: ServerDialect): void {
  const schema = dialects[dialect].get(received.type)
  if (!schema) throw new Error(`Expected an event of the ${dialect} dialect, received ${received.type}`)
  const parsed = schema.safeParse(received)
  if (!parsed.success)
    throw new Error(`${received.type}: ${z.prettifyError(parsed.error)}\n${JSON.stringify(received)}`)
}

const packetHeadSchema = z.strictObject({ v: z.literal(1), type: z.literal('audio/opus'), ...part })

/** Throws where a binary message has not exactly the header of our extension. */
export function expectPacketHead(head: object): asserts head is z.infer<typeof packetHeadSchema> {
  const parsed = packetHeadSchema.safeParse(head)
  if (!parsed.success) throw new Error(`Head of a packet: ${z.prettifyError(parsed.error)}\n${JSON.stringify(head)}`)
}

function toMap(schemas: readonly z.ZodObject<{ type: z.ZodLiteral<string> }>[]): ReadonlyMap<string, z.ZodType> {
  return new Map(schemas.map((schema) => [schema.shape.type.value, schema]))
}

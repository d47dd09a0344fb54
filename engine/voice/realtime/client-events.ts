import { z } from 'zod'
import { responseSchema, sessionUpdateSchema } from './session-schema.ts'

/** Clients' own ids; those of the server begin with item_ and a number. */
const id = z.string().min(1).max(64)
const event_id = z.string().max(512).optional()

/** What may be said in a message. `input_audio` only with its transcript: sound comes through the input buffer. */
const contentSchema = z.discriminatedUnion('type', [
  z.strictObject({ type: z.enum(['input_text', 'output_text', 'text']), text: z.string() }),
  z.strictObject({
    type: z.enum(['input_audio', 'output_audio', 'audio']),
    audio: z.string().nullish(),
    transcript: z.string({ error: 'Expected the transcript of the audio; send sound through the input buffer' }),
  }),
])

const shared = {
  id: id.optional(),
  object: z.literal('realtime.item').optional(),
  status: z.enum(['completed', 'incomplete', 'in_progress']).optional(),
}

/** An item of the conversation as a client writes it. */
export const clientItemSchema = z.discriminatedUnion('type', [
  z.strictObject({
    ...shared,
    type: z.literal('message'),
    role: z.enum(['user', 'assistant', 'system']),
    content: z.array(contentSchema).min(1).max(64),
  }),
  z.strictObject({
    ...shared,
    type: z.literal('function_call'),
    call_id: id,
    name: z.string().min(1).max(64),
    arguments: z.string(),
  }),
  z.strictObject({ ...shared, type: z.literal('function_call_output'), call_id: id, output: z.string() }),
])

export type ClientItem = z.infer<typeof clientItemSchema>

/** What clients send, by GA names. */
export const clientEventSchema = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('session.update'), event_id, session: sessionUpdateSchema }),
  z.strictObject({ type: z.literal('input_audio_buffer.append'), event_id, audio: z.string() }),
  z.strictObject({ type: z.literal('input_audio_buffer.commit'), event_id }),
  z.strictObject({ type: z.literal('input_audio_buffer.clear'), event_id }),
  z.strictObject({
    type: z.literal('conversation.item.create'),
    event_id,
    previous_item_id: z.string().max(64).nullish(),
    item: clientItemSchema,
  }),
  z.strictObject({ type: z.literal('conversation.item.retrieve'), event_id, item_id: id }),
  z.strictObject({
    type: z.literal('conversation.item.truncate'),
    event_id,
    item_id: id,
    content_index: z.literal(0),
    audio_end_ms: z.number().int().min(0),
  }),
  z.strictObject({ type: z.literal('conversation.item.delete'), event_id, item_id: id }),
  z.strictObject({ type: z.literal('response.create'), event_id, response: responseSchema.nullish() }),
  z.strictObject({ type: z.literal('response.cancel'), event_id, response_id: id.nullish() }),
  z.strictObject({ type: z.literal('output_audio_buffer.clear'), event_id }),
])

export type ClientEvent = z.infer<typeof clientEventSchema>

/** What is wrong with a client's message, as the protocol tells it. */
export interface ClientFault {
  readonly code: string
  readonly message: string
  readonly param: string | null
  readonly eventId: string | null
}

const eventTypes: ReadonlySet<string> = new Set(clientEventSchema.options.map(({ shape }) => shape.type.value))

/** A client's message, or what is wrong with it. */
export function parseClientEvent(value: unknown): { readonly event: ClientEvent } | { readonly fault: ClientFault } {
  const { type, event_id: given } = (typeof value === 'object' && value !== null ? value : {}) as Record<
    string,
    unknown
  >
  const eventId = typeof given === 'string' ? given : null
  if (typeof type !== 'string' || !eventTypes.has(type)) {
    const message = `Expected a client event of the Realtime protocol, received the type ${JSON.stringify(type)}`
    return { fault: { code: 'invalid_value', message, param: 'type', eventId } }
  }
  const parsed = clientEventSchema.safeParse(value)
  if (parsed.success) return { event: parsed.data }
  return { fault: { ...faultOf(parsed.error), eventId } }
}

function faultOf(error: z.ZodError): Pick<ClientFault, 'code' | 'message' | 'param'> {
  const issue = error.issues[0]
  const unknown = issue?.code === 'unrecognized_keys' ? issue.keys[0] : undefined
  const param = [...(issue?.path ?? []), ...(unknown === undefined ? [] : [unknown])].join('.')
  const code = unknown === undefined ? 'invalid_value' : 'unknown_parameter'
  const message = unknown === undefined ? `${param}: ${issue?.message}` : `Expected no parameter ${param}`
  return { code, message, param: param === '' ? null : param }
}

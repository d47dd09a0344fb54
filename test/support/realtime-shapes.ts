import { z } from 'zod'

/** What server events of the Realtime protocol hold, written from its reference. */

export const id = z.string().min(1)
export const ms = z.number().int().min(0)
export const index = z.number().int().min(0)
export const part = { response_id: id, item_id: id, output_index: index, content_index: z.literal(0) }

const formatSchema = z.union([
  z.strictObject({ type: z.literal('audio/pcm'), rate: z.literal(24_000) }),
  z.strictObject({ type: z.enum(['audio/pcmu', 'audio/pcma', 'audio/opus']) }),
])
const turnDetectionSchema = z
  .discriminatedUnion('type', [
    z.strictObject({
      type: z.literal('server_vad'),
      threshold: z.number().min(0).max(1),
      prefix_padding_ms: ms,
      silence_duration_ms: ms,
      idle_timeout_ms: ms.nullable(),
      create_response: z.boolean(),
      interrupt_response: z.boolean(),
    }),
    z.strictObject({
      type: z.literal('semantic_vad'),
      eagerness: z.enum(['low', 'medium', 'high', 'auto']),
      create_response: z.boolean(),
      interrupt_response: z.boolean(),
    }),
  ])
  .nullable()
const transcriptionSchema = z
  .strictObject({ model: z.string().optional(), language: z.string().optional(), prompt: z.string().optional() })
  .nullable()
const noiseSchema = z.strictObject({ type: z.enum(['near_field', 'far_field']) }).nullable()
const inputSchema = z.strictObject({
  format: formatSchema,
  transcription: transcriptionSchema,
  noise_reduction: noiseSchema,
  turn_detection: turnDetectionSchema,
})
const outputSchema = z.strictObject({ format: formatSchema, voice: z.string(), speed: z.number() })
const toolSchema = z.strictObject({
  type: z.literal('function'),
  name: z.string(),
  description: z.string().nullish(),
  parameters: z.record(z.string(), z.unknown()).optional(),
  strict: z.boolean().nullish(),
})
const tokensSchema = z.union([z.literal('inf'), z.number().int().min(1).max(4096)])
const modalitiesSchema = z.union([z.tuple([z.literal('audio')]), z.tuple([z.literal('text')])])

const realtimeSessionSchema = z.strictObject({
  object: z.literal('realtime.session'),
  type: z.literal('realtime'),
  id,
  include: z.null(),
  model: z.string(),
  output_modalities: modalitiesSchema,
  instructions: z.string(),
  tools: z.array(toolSchema),
  tool_choice: z.enum(['auto', 'none']),
  max_output_tokens: tokensSchema,
  temperature: z.number().optional(),
  tracing: z.unknown(),
  truncation: z.enum(['auto', 'disabled']),
  prompt: z.null(),
  audio: z.strictObject({ input: inputSchema, output: outputSchema }),
})
const transcriptionSessionSchema = z.strictObject({
  object: z.literal('realtime.transcription_session'),
  type: z.literal('transcription'),
  id,
  include: z.null(),
  audio: z.strictObject({ input: inputSchema }),
})
export const sessionSchema = z.union([realtimeSessionSchema, transcriptionSessionSchema])

const statusSchema = z.enum(['completed', 'incomplete', 'in_progress'])
const itemShared = { id, object: z.literal('realtime.item'), status: statusSchema }
const text = z.strictObject({ type: z.literal('input_text'), text: z.string() })
const itemsOf = (said: z.ZodType) =>
  z.union([
    z.strictObject({ ...itemShared, type: z.literal('message'), role: z.literal('system'), content: z.array(text) }),
    z.strictObject({
      ...itemShared,
      type: z.literal('message'),
      role: z.literal('user'),
      content: z.array(
        z.union([text, z.strictObject({ type: z.literal('input_audio'), transcript: z.string().nullable() })]),
      ),
    }),
    z.strictObject({ ...itemShared, type: z.literal('message'), role: z.literal('assistant'), content: z.array(said) }),
    z.strictObject({
      ...itemShared,
      type: z.literal('function_call'),
      call_id: id,
      name: id,
      arguments: z.string(),
    }),
    z.strictObject({ ...itemShared, type: z.literal('function_call_output'), call_id: id, output: z.string() }),
  ])
export const itemSchema = itemsOf(
  z.union([
    z.strictObject({ type: z.literal('output_audio'), transcript: z.string() }),
    z.strictObject({ type: z.literal('output_text'), text: z.string() }),
  ]),
)
export const betaItemSchema = itemsOf(
  z.union([
    z.strictObject({ type: z.literal('audio'), transcript: z.string() }),
    z.strictObject({ type: z.literal('text'), text: z.string() }),
  ]),
)
export const contentPartSchema = z.union([
  z.strictObject({ type: z.literal('audio'), transcript: z.string() }),
  z.strictObject({ type: z.literal('text'), text: z.string() }),
])

const count = z.number().int().min(0)
const measure = z.number().nullable()
const usageSchema = z.strictObject({
  total_tokens: count,
  input_tokens: count,
  output_tokens: count,
  input_token_details: z.strictObject({
    ...{ cached_tokens: count, text_tokens: count, audio_tokens: count, image_tokens: count },
    cached_tokens_details: z.strictObject({ text_tokens: count, audio_tokens: count, image_tokens: count }),
  }),
  output_token_details: z.strictObject({ text_tokens: count, audio_tokens: count }),
  /** Ours: the protocol has no place for times. */
  hailstream: z.strictObject({
    end_of_utterance_delay_ms: measure,
    transcription_delay_ms: measure,
    ttft_ms: measure,
    ttfb_ms: measure,
    e2e_ms: measure,
    tokens_per_second: measure,
    cancelled: z.boolean(),
  }),
})
const responseShared = {
  object: z.literal('realtime.response'),
  id,
  status: z.enum(['in_progress', 'completed', 'cancelled', 'failed', 'incomplete']),
  status_details: z
    .union([
      z.strictObject({ type: z.literal('cancelled'), reason: z.enum(['turn_detected', 'client_cancelled']) }),
      z.strictObject({
        type: z.literal('failed'),
        error: z.strictObject({ type: z.string(), code: z.string() }),
      }),
    ])
    .nullable(),
  conversation_id: id.nullable(),
  max_output_tokens: tokensSchema,
  usage: usageSchema.nullable(),
  metadata: z.record(z.string(), z.string()).nullable(),
}
export const responseSchema = z.strictObject({
  ...responseShared,
  output: z.array(itemSchema),
  output_modalities: modalitiesSchema,
  audio: z.strictObject({ output: z.strictObject({ format: formatSchema, voice: z.string() }) }),
})

const betaFormat = z.enum(['pcm16', 'g711_ulaw', 'g711_alaw'])
const betaModalities = z.union([z.tuple([z.literal('text')]), z.tuple([z.literal('text'), z.literal('audio')])])
export const betaSessionSchema = z.strictObject({
  object: z.enum(['realtime.session', 'realtime.transcription_session']),
  id,
  include: z.null(),
  model: z.string().optional(),
  modalities: betaModalities.optional(),
  instructions: z.string().optional(),
  voice: z.string().optional(),
  speed: z.number().optional(),
  input_audio_format: betaFormat,
  output_audio_format: betaFormat.optional(),
  input_audio_transcription: transcriptionSchema,
  input_audio_noise_reduction: noiseSchema,
  turn_detection: turnDetectionSchema,
  tools: z.array(toolSchema).optional(),
  tool_choice: z.enum(['auto', 'none']).optional(),
  temperature: z.number().optional(),
  max_response_output_tokens: tokensSchema.optional(),
  prompt: z.null().optional(),
})
export const betaResponseSchema = z.strictObject({
  ...responseShared,
  output: z.array(betaItemSchema),
  modalities: betaModalities,
  voice: z.string(),
  output_audio_format: betaFormat,
})

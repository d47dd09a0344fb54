import { z } from 'zod'
import { type StreamFormat, streamFormats } from '../../audio/sound-codec.ts'

/** Samples a second that a client may name; packets of Opus tell theirs themselves. */
const rates: Readonly<Partial<Record<StreamFormat, number>>> = {
  'audio/pcm': 24_000,
  'audio/pcmu': 8000,
  'audio/pcma': 8000,
}

const formatSchema = z
  .strictObject({
    type: z.enum(streamFormats),
    rate: z.union([z.literal(24_000), z.literal(8000)]).optional(),
  })
  .refine(({ type, rate }) => rate === undefined || rate === rates[type], {
    error: 'Expected a rate of 24000 for audio/pcm, of 8000 for audio/pcmu and audio/pcma, none for audio/opus',
  })

const common = { create_response: z.boolean().optional(), interrupt_response: z.boolean().optional() }

const turnDetectionSchema = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('server_vad'),
    threshold: z.number().min(0).max(1).optional(),
    prefix_padding_ms: z.number().int().min(0).max(10_000).optional(),
    silence_duration_ms: z.number().int().min(0).max(30_000).optional(),
    idle_timeout_ms: z.number().int().min(5000).max(30_000).nullable().optional(),
    ...common,
  }),
  z.strictObject({
    type: z.literal('semantic_vad'),
    eagerness: z.enum(['low', 'medium', 'high', 'auto']).optional(),
    ...common,
  }),
])

const transcriptionSchema = z.strictObject({
  /** Any name: the best recogniser that is here is taken. */
  model: z.string().optional(),
  /** ISO 639-1. */
  language: z.string().optional(),
  prompt: z.string().optional(),
})

const toolSchema = z.strictObject({
  type: z.literal('function'),
  name: z.string().min(1).max(64),
  description: z.string().nullish(),
  parameters: z.record(z.string(), z.unknown()).optional(),
  /** Our models are asked, not constrained: as the protocol's own default. */
  strict: z.boolean().nullish(),
})

const toolChoiceSchema = z.enum(['auto', 'none'], {
  error: 'Expected auto or none: no model here can be made to call a tool',
})

const inputSchema = z.strictObject({
  format: formatSchema.nullish(),
  transcription: transcriptionSchema.nullable().optional(),
  noise_reduction: z
    .strictObject({ type: z.enum(['near_field', 'far_field']) })
    .nullable()
    .optional(),
  turn_detection: turnDetectionSchema.nullable().optional(),
})

const outputSchema = z.strictObject({
  format: formatSchema.nullish(),
  voice: z.union([z.string().min(1), z.strictObject({ id: z.string().min(1) }).transform(({ id }) => id)]).optional(),
  speed: z.number().min(0.25).max(1.5).optional(),
})

const modalitiesSchema = z.union([z.tuple([z.literal('audio')]), z.tuple([z.literal('text')])], {
  error: 'Expected ["audio"] or ["text"]',
})

const answerSchema = {
  output_modalities: modalitiesSchema.optional(),
  instructions: z.string().optional(),
  tools: z.array(toolSchema).max(128).optional(),
  tool_choice: toolChoiceSchema.optional(),
  max_output_tokens: z.union([z.literal('inf'), z.number().int().min(1).max(4096)]).optional(),
  /** Of the beta dialect. */
  temperature: z.number().min(0).max(2).optional(),
  prompt: z.null().optional(),
  parallel_tool_calls: z.boolean().optional(),
}

/** The part of a session that a client may change; only what is present does. What comes back from us unchanged is taken. */
export const sessionUpdateSchema = z.strictObject({
  type: z.enum(['realtime', 'transcription']).optional(),
  object: z.string().optional(),
  id: z.string().optional(),
  expires_at: z.number().optional(),
  /** Any name: one that is not here is answered by the default model. */
  model: z.string().min(1).optional(),
  ...answerSchema,
  /** Traces go to nobody from here. */
  tracing: z.unknown().optional(),
  truncation: z.enum(['auto', 'disabled']).optional(),
  include: z.array(z.never('Expected an empty list: log probabilities are not told here')).nullish(),
  audio: z.strictObject({ input: inputSchema.optional(), output: outputSchema.optional() }).optional(),
})

/** What a response may have that differs from its session. */
export const responseSchema = z.strictObject({
  ...answerSchema,
  conversation: z.enum(['auto', 'none']).optional(),
  metadata: z.record(z.string().max(64), z.string().max(512)).nullish(),
  audio: z.strictObject({ output: outputSchema.optional() }).optional(),
  input: z.array(z.record(z.string(), z.unknown())).max(128).nullish(),
})

export type SessionUpdate = z.infer<typeof sessionUpdateSchema>
export type ResponseOverrides = z.infer<typeof responseSchema>

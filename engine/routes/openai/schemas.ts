import { z } from 'zod'

/** Texts of one request for embeddings. */
const maxTexts = 2048

const model = z.string({ error: 'model is required' }).min(1, 'model is required')
const tokens = z.number().int().min(1).optional()

/** For fields that only one value of can be honoured: anything else is refused by name. */
const only = <T extends string | number | boolean>(value: T, why: string) => z.literal(value, { error: why }).optional()

const sampling = {
  model,
  stream: z.boolean().default(false),
  stream_options: z
    .strictObject({ include_usage: z.boolean().optional(), include_obfuscation: only(false, 'Expected false') })
    .optional(),
  max_tokens: tokens,
  temperature: z.number().min(0).max(2).optional(),
  top_p: z.number().min(0).max(1).optional(),
  presence_penalty: z.number().min(-2).max(2).optional(),
  frequency_penalty: z.number().min(-2).max(2).optional(),
  seed: z.number().int().optional(),
  stop: z
    .union([z.string().min(1), z.array(z.string().min(1)).max(4)], { error: 'Expected a text, or at most 4' })
    .optional(),
  n: only(1, 'Expected 1: one answer a request'),
  /** Who asks, on whose behalf: names the request where users of models are shown. */
  user: z.string().max(256).optional(),
}

const imagePart = z.strictObject({
  type: z.literal('image_url'),
  image_url: z.strictObject({
    url: z.string().min(1),
    detail: z.enum(['auto', 'high'], { error: 'Expected auto or high: pictures are never made smaller' }).optional(),
  }),
})
const textPart = z.strictObject({ type: z.literal('text'), text: z.string() })
const part = z.discriminatedUnion('type', [textPart, imagePart], { error: 'Expected a part of type text or image_url' })
const texts = z.union([z.string(), z.array(textPart)], { error: 'Expected a text, or parts of type text' })

const toolCall = z.strictObject({
  id: z.string().min(1),
  type: z.literal('function'),
  function: z.strictObject({ name: z.string().min(1), arguments: z.string() }),
})

const message = z.discriminatedUnion(
  'role',
  [
    z.strictObject({ role: z.enum(['system', 'developer']), content: texts }),
    z.strictObject({
      role: z.literal('user'),
      content: z.union([z.string(), z.array(part)], { error: 'Expected a text, or parts of type text or image_url' }),
    }),
    z.strictObject({
      role: z.literal('assistant'),
      content: texts.optional(),
      /** What it thought, as our own answers tell it, or as others do. */
      reasoning: z.string().optional(),
      reasoning_content: z.string().optional(),
      tool_calls: z.array(toolCall).optional(),
    }),
    z.strictObject({
      role: z.literal('tool'),
      content: texts,
      tool_call_id: z.string().min(1),
      name: z.string().optional(),
    }),
  ],
  { error: 'Expected a role of system, developer, user, assistant or tool' },
)

const jsonSchema = z.record(z.string(), z.unknown())

const tool = z.strictObject({
  type: z.literal('function', { error: 'Expected function: other kinds of tools are not supported' }),
  function: z.strictObject({
    name: z.string().min(1),
    description: z.string().optional(),
    parameters: jsonSchema.default({ type: 'object', properties: {} }),
    strict: only(false, 'Expected false: arguments of calls are not constrained'),
  }),
})

const responseFormat = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('text') }),
  z.strictObject({ type: z.literal('json_object') }),
  z.strictObject({
    type: z.literal('json_schema'),
    json_schema: z.strictObject({
      name: z.string(),
      description: z.string().optional(),
      schema: jsonSchema,
      /** Answers are held to the schema either way. */
      strict: z.boolean().optional(),
    }),
  }),
])

/** `POST /v1/chat/completions`. A field that is not here is refused by name. */
export const chatCompletionSchema = z.strictObject({
  ...sampling,
  messages: z.array(message).min(1),
  max_completion_tokens: tokens,
  tools: z.array(tool).default([]),
  tool_choice: z.enum(['auto', 'none'], { error: 'Expected auto or none: a call cannot be forced' }).optional(),
  parallel_tool_calls: only(true, 'Expected true: how many calls a model makes cannot be bounded'),
  response_format: responseFormat.optional(),
  /** A model here thinks or does not: how long, nobody can tell it. */
  reasoning_effort: z
    .enum(['none', 'medium'], { error: 'Expected none, or medium for a model that thinks' })
    .optional(),
  /** Of no token: then it asks for nothing. */
  logit_bias: z.strictObject({}, { error: 'Expected none: single tokens cannot be made likelier' }).optional(),
  logprobs: only(false, 'Expected false: probabilities of tokens are not told'),
  top_logprobs: only(0, 'Expected 0: probabilities of tokens are not told'),
  modalities: z.tuple([z.literal('text')], { error: 'Expected ["text"]' }).optional(),
  store: only(false, 'Expected false: answers are not kept'),
  service_tier: z.enum(['auto', 'default'], { error: 'Expected auto or default' }).optional(),
})

/** `POST /v1/completions`: text that is gone on with as it stands. */
export const completionSchema = z.strictObject({
  ...sampling,
  prompt: z
    .union([z.string(), z.tuple([z.string()]).transform(([text]) => text)], { error: 'Expected one text' })
    .default(''),
  best_of: only(1, 'Expected 1: one answer a request'),
  echo: z.boolean().default(false),
})

/** `POST /v1/embeddings`. */
export const embeddingsSchema = z.strictObject({
  model,
  input: z.union([z.string().min(1), z.array(z.string().min(1)).min(1).max(maxTexts)], {
    error: `Expected a text or a list of 1 to ${maxTexts} texts, none of them empty`,
  }),
  encoding_format: z.enum(['float', 'base64']).default('float'),
  dimensions: z.number().int().min(1).optional(),
  user: z.string().max(256).optional(),
})

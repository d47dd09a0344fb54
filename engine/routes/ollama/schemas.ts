import { z } from 'zod'
import { optionsSchema } from './options.ts'

/** Texts of one request for embeddings. */
const maxTexts = 2048

const model = z.string({ error: 'model is required' }).min(1, 'model is required')
const keepAlive = z.union([z.string(), z.number()], { error: 'Expected seconds or a time such as 5m' }).optional()
const jsonSchema = z.record(z.string(), z.unknown())
const format = z
  .union([z.literal(''), z.literal('json'), jsonSchema], { error: 'Expected "json" or a JSON schema' })
  .optional()
/** No backend can be told how long to think, so only on and off are taken; `medium` is on. */
const think = z
  .union([z.boolean(), z.literal('medium')], { error: 'Expected true or false: levels of thinking are not supported' })
  .optional()
const images = z.array(z.string().min(1)).optional()
const notLogprobs = z.literal(false, { error: 'logprobs are not supported' }).optional()
const notTopLogprobs = z.literal(0, { error: 'top_logprobs are not supported' }).optional()
/** Either way: what is too long for the context is refused, never cut, so what is answered was read whole. */
const truncate = z.boolean().optional()
const notShift = z
  .literal(false, { error: 'Expected false: an answer ends with the context, which is never shifted' })
  .optional()

/** Sent by Ollama's own command line, whatever is asked. */
const empty = (error: string) => z.literal('', { error }).optional()

const toolCall = z.strictObject({
  id: z.string().optional(),
  type: z.literal('function').optional(),
  function: z.strictObject({ index: z.number().int().optional(), name: z.string().min(1), arguments: jsonSchema }),
})

const message = z.strictObject({
  role: z.enum(['system', 'user', 'assistant', 'tool']),
  content: z.string().default(''),
  thinking: z.string().optional(),
  images,
  tool_calls: z.array(toolCall).optional(),
  tool_name: z.string().optional(),
  tool_call_id: z.string().optional(),
})

const tool = z.strictObject({
  type: z.literal('function'),
  function: z.strictObject({
    name: z.string().min(1),
    description: z.string().optional(),
    parameters: jsonSchema.default({ type: 'object', properties: {} }),
  }),
})

const asked = {
  model,
  stream: z.boolean().default(true),
  format,
  keep_alive: keepAlive,
  think,
  logprobs: notLogprobs,
  top_logprobs: notTopLogprobs,
  truncate,
  shift: notShift,
  _debug_render_only: z.literal(false, { error: 'Expected false: prompts are not shown' }).optional(),
  options: optionsSchema.optional(),
}

/** `POST /api/chat`. */
export const chatSchema = z.strictObject({
  ...asked,
  messages: z.array(message).default([]),
  tools: z.array(tool).default([]),
})

/** `POST /api/generate`. `suffix` and `template` only empty: no model here fills in, and templates come with the models. */
export const generateSchema = z.strictObject({
  ...asked,
  prompt: z.string().default(''),
  suffix: empty('suffix: this engine does not support insert'),
  system: z.string().default(''),
  template: empty('template: only the one that comes with the model is supported'),
  context: z.array(z.number().int().nonnegative()).max(1_000_000).default([]),
  raw: z.boolean().default(false),
  images,
})

/** `POST /api/embed`. */
export const embedSchema = z.strictObject({
  model,
  input: z
    .union([z.string(), z.array(z.string()).max(maxTexts)], { error: 'Expected a text or a list of texts' })
    .default([]),
  truncate,
  dimensions: z.number().int().min(1).optional(),
  keep_alive: keepAlive,
  options: optionsSchema.optional(),
})

/** `POST /api/embeddings`, the older one. */
export const embeddingsSchema = z.strictObject({
  model,
  prompt: z.string().default(''),
  keep_alive: keepAlive,
  options: optionsSchema.optional(),
})

const nameOrModel = { model: z.string().optional(), name: z.string().optional() }

function named<T extends { readonly model?: string | undefined; readonly name?: string | undefined }>(body: T) {
  return { ...body, model: body.model || body.name || '' }
}

const hasName = [({ model }: { readonly model: string }) => model !== '', 'model is required'] as const

/** `POST /api/show`. `verbose` adds nothing: all that is known is told without. */
export const showSchema = z
  .strictObject({
    ...nameOrModel,
    verbose: z.boolean().optional(),
    system: empty('system: a model is shown as it is'),
    template: empty('template: a model is shown as it is'),
  })
  .transform(named)
  .refine(...hasName)

/** `POST /api/pull`. */
export const pullSchema = z
  .strictObject({
    ...nameOrModel,
    insecure: z.literal(false, { error: 'insecure: only addresses of the catalogue are fetched from' }).optional(),
    username: empty('username: the catalogue asks for none'),
    password: empty('password: the catalogue asks for none'),
    stream: z.boolean().default(true),
  })
  .transform(named)
  .refine(...hasName)

/** `DELETE /api/delete`. */
export const deleteSchema = z
  .strictObject(nameOrModel)
  .transform(named)
  .refine(...hasName)

/** `POST /api/copy`. */
export const copySchema = z.strictObject({ source: z.string().min(1), destination: z.string().min(1) })

import { z } from 'zod'
import type { Contents, Operation, RouteGroup } from '../operation.ts'
import {
  chatSchema,
  copySchema,
  deleteSchema,
  embeddingsSchema,
  embedSchema,
  generateSchema,
  pullSchema,
  showSchema,
} from './schemas.ts'

const model = 'qwen2.5:0.5b'
const count = z.number().int().min(0)
const ns = count.describe('Nanoseconds')

const line = {
  model: z.string(),
  created_at: z.string(),
  done: z.boolean(),
  done_reason: z.enum(['stop', 'length', 'load', 'unload']).optional(),
  total_duration: ns.optional(),
  load_duration: ns.optional(),
  prompt_eval_count: count.optional(),
  prompt_eval_duration: ns.optional(),
  eval_count: count.optional(),
  eval_duration: ns.optional(),
}
const call = z.strictObject({
  id: z.string(),
  function: z.strictObject({ index: count, name: z.string(), arguments: z.record(z.string(), z.unknown()) }),
})
const message = z.strictObject({
  role: z.literal('assistant'),
  content: z.string(),
  thinking: z.string().optional(),
  tool_calls: z.array(call).optional(),
})

/** A line of what `POST /api/chat` answers, or all of it. */
export const chatAnswerSchema = z.strictObject({ ...line, message })

/** A line of what `POST /api/generate` answers, or all of it. */
export const generateAnswerSchema = z.strictObject({
  ...line,
  response: z.string(),
  thinking: z.string().optional(),
  context: z.array(count).optional(),
})

const entry = { name: z.string(), model: z.string(), size: count, digest: z.string(), details: z.looseObject({}) }

/** What `GET /api/tags` answers. */
export const tagsSchema = z.strictObject({
  models: z.array(
    z.strictObject({ ...entry, modified_at: z.string(), capabilities: z.array(z.string()), loaded: z.boolean() }),
  ),
})

/** What `GET /api/ps` answers. */
export const psSchema = z.strictObject({
  models: z.array(z.strictObject({ ...entry, expires_at: z.string(), size_vram: count, context_length: count })),
})

/** What `POST /api/show` answers. */
export const showAnswerSchema = z.looseObject({
  license: z.string(),
  details: z.looseObject({}),
  model_info: z.record(z.string(), z.unknown()),
  capabilities: z.array(z.string()),
  modified_at: z.string(),
})

/** What `POST /api/embed` answers. */
export const embedAnswerSchema = z.strictObject({
  model: z.string(),
  embeddings: z.array(z.array(z.number())),
  total_duration: ns,
  load_duration: ns,
  prompt_eval_count: count,
})

const progress = z.looseObject({ status: z.string(), completed: count.optional(), total: count.optional() })

const json = (schema: z.ZodType, example?: unknown): Contents => ({ 'application/json': { schema, example } })
const lines = (schema: z.ZodType): Contents => ({ 'application/x-ndjson': { schema }, 'application/json': { schema } })
const streamed = 'A line of JSON per piece, the last one with done; with stream false all of it in one'
const post = { method: 'post', failures: [400, 404, 503] } as const
const get = { method: 'get', failures: [] } as const

const generation: readonly Operation[] = [
  {
    ...post,
    path: '/api/chat',
    summary: 'Answers a conversation; without messages it loads the model, or with keep_alive 0 unloads it',
    body: json(chatSchema, { model, messages: [{ role: 'user', content: 'Hello' }] }),
    answers: { 200: { summary: streamed, content: lines(chatAnswerSchema) } },
  },
  {
    ...post,
    path: '/api/generate',
    summary: 'Answers a prompt; without one it loads the model, or with keep_alive 0 unloads it',
    body: json(generateSchema, { model, prompt: 'Why is the sky blue?' }),
    answers: { 200: { summary: streamed, content: lines(generateAnswerSchema) } },
  },
  {
    ...post,
    path: '/api/embed',
    summary: 'Texts as vectors',
    body: json(embedSchema, { model: 'nomic-embed-text', input: ['Hello', 'Good morning'] }),
    answers: { 200: { summary: 'A vector per text', content: json(embedAnswerSchema) } },
  },
  {
    ...post,
    path: '/api/embeddings',
    summary: 'One text as a vector; the older form',
    body: json(embeddingsSchema, { model: 'nomic-embed-text', prompt: 'Hello' }),
    answers: {
      200: { summary: 'The vector', content: json(z.strictObject({ embedding: z.array(z.number()) })) },
    },
  },
]

const models: readonly Operation[] = [
  {
    ...get,
    path: '/api/version',
    summary: 'The version of this engine',
    answers: { 200: { summary: 'The version', content: json(z.strictObject({ version: z.string() })) } },
  },
  {
    ...get,
    path: '/api/tags',
    summary: 'The language models that are here',
    answers: { 200: { summary: 'The models', content: json(tagsSchema) } },
  },
  {
    ...get,
    path: '/api/ps',
    summary: 'The language models that are loaded',
    answers: { 200: { summary: 'The models', content: json(psSchema) } },
  },
  {
    ...post,
    path: '/api/show',
    summary: 'What is known of a language model',
    body: json(showSchema, { model }),
    answers: { 200: { summary: 'The model', content: json(showAnswerSchema) } },
  },
  {
    ...post,
    path: '/api/pull',
    summary: 'Fetches a model of the catalogue',
    body: json(pullSchema, { model }),
    answers: { 200: { summary: 'A line of JSON per step, the last one says success', content: lines(progress) } },
  },
  {
    ...post,
    path: '/api/copy',
    summary: 'Gives a model another name',
    body: json(copySchema, { source: model, destination: 'my-model' }),
    answers: { 200: { summary: 'Done' } },
  },
  {
    method: 'delete',
    path: '/api/delete',
    summary: 'Removes a model, or one of its names',
    body: json(deleteSchema, { model: 'my-model' }),
    answers: { 200: { summary: 'Done' } },
    failures: [400, 404, 409],
  },
]

const failure = { name: 'OllamaFailure', schema: z.strictObject({ error: z.string() }) }

/** Ollama's API. */
export const ollamaGroup: RouteGroup = { name: 'Ollama', failure, operations: [...generation, ...models] }

/** The root of Ollama's own port. */
export const rootGroup: RouteGroup = {
  name: 'Ollama',
  failure,
  operations: [
    {
      ...get,
      path: '/',
      summary: 'Whether Ollama is there',
      answers: { 200: { summary: 'It is', content: { 'text/plain': {} } } },
    },
  ],
}

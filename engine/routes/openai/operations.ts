import { z } from 'zod'
import type { Operation, RouteGroup } from '../operation.ts'
import { chatCompletionSchema, completionSchema, embeddingsSchema } from './schemas.ts'

const model = 'qwen2.5:0.5b'
const count = z.number().int().min(0)
const finish = z.enum(['stop', 'length', 'tool_calls'])

const usage = z.looseObject({ prompt_tokens: count, completion_tokens: count, total_tokens: count })
const head = { id: z.string(), created: z.number().int().describe('Seconds since 1970'), model: z.string() }
const call = z.strictObject({
  id: z.string(),
  type: z.literal('function'),
  function: z.strictObject({ name: z.string(), arguments: z.string().describe('JSON') }),
})

/** What `POST /v1/chat/completions` answers without `stream`. */
export const chatAnswerSchema = z.strictObject({
  ...head,
  object: z.literal('chat.completion'),
  choices: z.array(
    z.strictObject({
      index: count,
      message: z.strictObject({
        role: z.literal('assistant'),
        content: z.string().nullable(),
        refusal: z.null(),
        reasoning: z.string().optional().describe('What it thought'),
        tool_calls: z.array(call).optional(),
      }),
      logprobs: z.null(),
      finish_reason: finish,
    }),
  ),
  usage,
})

/** What `POST /v1/completions` answers without `stream`. */
export const completionAnswerSchema = z.strictObject({
  ...head,
  object: z.literal('text_completion'),
  choices: z.array(z.strictObject({ index: count, text: z.string(), logprobs: z.null(), finish_reason: finish })),
  usage,
})

/** What `POST /v1/embeddings` answers. */
export const embeddingsAnswerSchema = z.strictObject({
  object: z.literal('list'),
  data: z.array(
    z.strictObject({
      object: z.literal('embedding'),
      index: count,
      embedding: z.union([z.array(z.number()), z.string().describe('base64 of little-endian float32')]),
    }),
  ),
  model: z.string(),
  usage: z.strictObject({ prompt_tokens: count, total_tokens: count }),
})

const entrySchema = z.strictObject({
  id: z.string(),
  object: z.literal('model'),
  created: z.number().int(),
  owned_by: z.string(),
})

/** What `GET /v1/models` answers. */
export const modelListSchema = z.strictObject({ object: z.literal('list'), data: z.array(entrySchema) })

const failureSchema = z.strictObject({
  error: z.strictObject({
    message: z.string(),
    type: z.enum(['invalid_request_error', 'not_found_error', 'api_error']),
    param: z.string().nullable().describe('The field that is wrong'),
    code: z.string().nullable(),
  }),
})

const streamed = 'The answer; with stream events of chunks, ended by [DONE]'
const json = (schema: z.ZodType) => ({ 'application/json': { schema } })
const failures = [400, 404, 503, 504]

const operations: readonly Operation[] = [
  {
    method: 'post',
    path: '/v1/chat/completions',
    summary: 'Answers a conversation',
    body: {
      'application/json': {
        schema: chatCompletionSchema,
        example: { model, messages: [{ role: 'user', content: 'Hello' }] },
      },
    },
    answers: { 200: { summary: streamed, content: { ...json(chatAnswerSchema), 'text/event-stream': {} } } },
    failures,
  },
  {
    method: 'post',
    path: '/v1/completions',
    summary: 'Goes on with a text',
    body: { 'application/json': { schema: completionSchema, example: { model, prompt: 'Once upon a time' } } },
    answers: { 200: { summary: streamed, content: { ...json(completionAnswerSchema), 'text/event-stream': {} } } },
    failures,
  },
  {
    method: 'post',
    path: '/v1/embeddings',
    summary: 'Texts as vectors',
    body: { 'application/json': { schema: embeddingsSchema, example: { model: 'nomic-embed-text', input: 'Hello' } } },
    answers: { 200: { summary: 'A vector per text', content: json(embeddingsAnswerSchema) } },
    failures,
  },
  {
    method: 'get',
    path: '/v1/models',
    summary: 'The models of language and speech that are here',
    answers: { 200: { summary: 'The models', content: json(modelListSchema) } },
    failures: [],
  },
  {
    method: 'get',
    path: '/v1/models/:model{.+}',
    summary: 'One of them',
    places: { model: 'Its name; may have slashes' },
    answers: { 200: { summary: 'The model', content: json(entrySchema) } },
    failures: [404],
  },
]

/** OpenAI's API for text. */
export const openaiGroup: RouteGroup = {
  name: 'OpenAI',
  failure: { name: 'OpenAiFailure', schema: failureSchema },
  operations,
}

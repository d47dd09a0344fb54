import { z } from 'zod'
import { EngineError } from '../errors.ts'
import type { ChatMessage, LanguageRequest, Sampling } from './language.ts'
import type { LanguageOffer } from './language-backend.ts'
import {
  expectShape,
  type RemoteApi,
  type RemoteEvent,
  type RemoteVectors,
  remoteOffer,
  toCall,
  toFailure,
} from './remote-api.ts'
import { parseJson, type RemoteRequest, type RemoteServer } from './remote-server.ts'

/** Calls of tools in one answer, and characters of one's arguments. */
const maxCalls = 128
const maxArguments = 1 << 20

const modelsSchema = z.object({ data: z.array(z.object({ id: z.string().min(1), created: z.number().nullish() })) })

const deltaSchema = z.object({
  content: z.string().nullish(),
  reasoning_content: z.string().nullish(),
  reasoning: z.string().nullish(),
  tool_calls: z
    .array(
      z.object({
        index: z.number().int().min(0).default(0),
        id: z.string().nullish(),
        function: z.object({ name: z.string().nullish(), arguments: z.string().nullish() }).optional(),
      }),
    )
    .nullish(),
})
const chunkSchema = z.object({
  error: z.unknown().optional(),
  choices: z
    .array(z.object({ delta: deltaSchema.optional(), text: z.string().nullish(), finish_reason: z.string().nullish() }))
    .default([]),
  usage: z
    .object({
      prompt_tokens: z.number(),
      completion_tokens: z.number().optional(),
      prompt_tokens_details: z.object({ cached_tokens: z.number().nullish() }).nullish(),
    })
    .nullish(),
})
type Chunk = z.output<typeof chunkSchema>
type Delta = z.output<typeof deltaSchema>

const vectorsSchema = z.object({
  data: z.array(z.object({ index: z.number().int().min(0), embedding: z.array(z.number()) })),
  usage: z.object({ prompt_tokens: z.number() }).nullish(),
})

/** Servers that speak as OpenAI does: events, images as data URLs. Their address ends in /v1. */
export const openaiApi: RemoteApi = { list, toRequest, read, embed }

async function list(server: RemoteServer, signal: AbortSignal): Promise<readonly LanguageOffer[]> {
  const { data } = expectShape(modelsSchema, await server.ask({ path: '/models' }, 'askMs', signal), server.name)
  return data.map(({ id, created }) => ({
    ...remoteOffer(id, server.name),
    modifiedAt: created == null || created <= 0 ? null : created * 1000,
  }))
}

function toRequest(model: string, request: LanguageRequest): RemoteRequest {
  const { input, tools = [], format, think, sampling } = request
  expectKnown(sampling)
  const common = { model, stream: true, stream_options: { include_usage: true }, ...toFields(sampling) }
  if ('prompt' in input) {
    if (format !== undefined || (input.images ?? []).length > 0)
      throw new EngineError(
        'invalid',
        'Expected a format and images with a conversation, received them with a text to go on with',
      )
    return { path: '/completions', body: { ...common, prompt: input.prompt } }
  }
  return {
    path: '/chat/completions',
    body: {
      ...common,
      messages: input.messages.map(toMessage),
      ...(tools.length === 0 ? {} : { tools: tools.map((tool) => ({ type: 'function', function: tool })) }),
      ...(format === undefined ? {} : { response_format: toResponseFormat(format) }),
      ...(think === undefined ? {} : { reasoning_effort: think ? 'medium' : 'none' }),
    },
  }
}

/** What has no field here is refused: a server would pass over it without a word. */
function expectKnown(sampling: Sampling): void {
  const unknown = ['topK', 'minP', 'typicalP', 'repeatPenalty', 'repeatLastN', 'contextLength'] as const
  const given = unknown.find((field) => sampling[field] !== undefined)
  if (given !== undefined)
    throw new EngineError(
      'invalid',
      `Expected no ${given} for a server with OpenAI's api, which has no such field, received ${sampling[given]}`,
    )
}

function toFields(sampling: Sampling): Record<string, unknown> {
  const fields = {
    max_tokens: sampling.maxTokens,
    temperature: sampling.temperature,
    top_p: sampling.topP,
    presence_penalty: sampling.presencePenalty,
    frequency_penalty: sampling.frequencyPenalty,
    seed: sampling.seed,
    stop: sampling.stop,
  }
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined))
}

function toResponseFormat(format: NonNullable<LanguageRequest['format']>): object {
  if (format === 'json') return { type: 'json_object' }
  return { type: 'json_schema', json_schema: { name: 'answer', schema: format, strict: true } }
}

function toMessage({ role, content, images = [], toolCalls = [], toolCallId }: ChatMessage): object {
  if (role === 'tool') return { role, content, tool_call_id: toolCallId ?? '' }
  return {
    role,
    content: images.length === 0 ? content : [{ type: 'text', text: content }, ...images.map(toPart)],
    ...(toolCalls.length === 0 ? {} : { tool_calls: toolCalls.map(toOwnCall) }),
  }
}

function toOwnCall(call: { readonly id: string; readonly name: string; readonly arguments: object }) {
  return { id: call.id, type: 'function', function: { name: call.name, arguments: JSON.stringify(call.arguments) } }
}

function toPart(image: Uint8Array): object {
  const url = `data:${mediaType(image)};base64,${Buffer.from(image).toString('base64')}`
  return { type: 'image_url', image_url: { url } }
}

/** By the first bytes: JPEG, PNG or WebP. */
function mediaType(image: Uint8Array): string {
  if (image[0] === 0x89) return 'image/png'
  return image[0] === 0x52 ? 'image/webp' : 'image/jpeg'
}

/** What came of an answer so far. */
interface Reading {
  readonly calls: Map<number, { id: string | undefined; name: string; given: string }>
  finish: string | undefined
  usage: Chunk['usage']
}

async function* read(lines: AsyncIterable<string>, server: string): AsyncGenerator<RemoteEvent, void, undefined> {
  const reading: Reading = { calls: new Map(), finish: undefined, usage: undefined }
  for await (const line of lines) {
    // The other lines of an event say nothing here: comments keep a connection open.
    if (!line.startsWith('data:')) continue
    const data = line.slice('data:'.length).trim()
    if (data === '[DONE]') break
    yield* take(expectShape(chunkSchema, parseJson(data, server), server), reading, server)
  }
  if (reading.finish === undefined)
    throw new EngineError('unavailable', `Expected server ${server} to end its answer, but it broke off; try again`)
  for (const { id, name, given } of reading.calls.values())
    yield { type: 'tool-call', call: toCall(id, name, parseArguments(given, name, server)) }
  yield toEnd(reading)
}

function* take(chunk: Chunk, reading: Reading, server: string): Generator<RemoteEvent, void, undefined> {
  if (chunk.error != null) throw toFailure(chunk.error, server)
  reading.usage = chunk.usage ?? reading.usage
  const [choice] = chunk.choices
  if (!choice) return
  reading.finish = choice.finish_reason ?? reading.finish
  const thinking = choice.delta?.reasoning_content ?? choice.delta?.reasoning ?? ''
  const text = choice.delta?.content ?? choice.text ?? ''
  if (thinking !== '') yield { type: 'thinking', text: thinking, tokens: 1 }
  if (text !== '') yield { type: 'text', text, tokens: 1 }
  for (const part of choice.delta?.tool_calls ?? []) addPart(part, reading, server)
}

/** A call comes in parts: its name first, then its arguments piece by piece. */
function addPart(part: NonNullable<Delta['tool_calls']>[number], { calls }: Reading, server: string): void {
  const call = calls.get(part.index) ?? { id: undefined, name: '', given: '' }
  calls.set(part.index, call)
  call.id ??= part.id ?? undefined
  call.name += part.function?.name ?? ''
  call.given += part.function?.arguments ?? ''
  if (calls.size > maxCalls || call.given.length > maxArguments)
    throw new EngineError(
      'unavailable',
      `Expected server ${server} to ask for at most ${maxCalls} calls of ${maxArguments} characters`,
    )
}

function parseArguments(given: string, name: string, server: string): Readonly<Record<string, unknown>> {
  const value = given.trim() === '' ? {} : parseJson(given, server)
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>
  throw new EngineError(
    'unavailable',
    `Expected server ${server} to call ${name} with an object, received ${given.slice(0, 100)}`,
  )
}

function toEnd({ finish, usage, calls }: Reading): RemoteEvent {
  return {
    type: 'end',
    reason: calls.size > 0 ? 'tool-calls' : finish === 'length' ? 'length' : 'stop',
    promptTokens: usage?.prompt_tokens,
    cachedTokens: usage?.prompt_tokens_details?.cached_tokens ?? undefined,
    answerTokens: usage?.completion_tokens,
  }
}

async function embed(
  server: RemoteServer,
  model: string,
  texts: readonly string[],
  signal: AbortSignal,
): Promise<RemoteVectors> {
  const body = { model, input: texts, encoding_format: 'float' }
  const answer = expectShape(
    vectorsSchema,
    await server.ask({ path: '/embeddings', body }, 'firstMs', signal),
    server.name,
  )
  const vectors = answer.data.toSorted((a, b) => a.index - b.index).map(({ embedding }) => embedding)
  return { vectors, promptTokens: answer.usage?.prompt_tokens ?? 0 }
}

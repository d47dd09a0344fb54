import { z } from 'zod'
import { EngineError } from '../errors.ts'
import type { ChatMessage, LanguageCapabilities, LanguageRequest, Sampling } from './language.ts'
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

/** What some servers leave out or send as null. */
const text = z.string().nullish()
const count = z.number().nullish()

const tagsSchema = z.object({
  models: z.array(
    z.object({
      ...{ name: z.string().min(1), modified_at: text, size: count, digest: text },
      details: z.object({ family: text, parameter_size: text, quantization_level: text }).nullish(),
      capabilities: z.array(z.string()).nullish(),
    }),
  ),
})
type Tag = z.output<typeof tagsSchema>['models'][number]

const showSchema = z.object({
  capabilities: z.array(z.string()).nullish(),
  // An object; some servers have an empty text here.
  model_info: z.unknown(),
})

const callSchema = z.object({
  id: text,
  function: z.object({ name: z.string().min(1), arguments: z.record(z.string(), z.unknown()).nullish() }),
})
const lineSchema = z.object({
  error: z.unknown().optional(),
  message: z.object({ content: text, thinking: text, tool_calls: z.array(callSchema).nullish() }).nullish(),
  ...{ response: text, thinking: text, done: z.boolean().nullish(), done_reason: text },
  ...{ prompt_eval_count: count, eval_count: count },
})
type Line = z.output<typeof lineSchema>

const embedSchema = z.object({ embeddings: z.array(z.array(z.number())), prompt_eval_count: count })

/** Servers that speak as Ollama does: NDJSON, images beside the text, its own options. */
export const ollamaApi: RemoteApi = { list, describe, toRequest, read, embed, release }

async function list(server: RemoteServer, signal: AbortSignal): Promise<readonly LanguageOffer[]> {
  const { models } = expectShape(tagsSchema, await server.ask({ path: '/api/tags' }, 'askMs', signal), server.name)
  return models.map((tag) => toOffer(tag, server.name))
}

function toOffer(tag: Tag, server: string): LanguageOffer {
  const offer = remoteOffer(tag.name, server)
  const modifiedAt = Date.parse(tag.modified_at ?? '')
  return {
    ...offer,
    // Clients may leave out the tag that means the usual one.
    aliases: tag.name.endsWith(':latest') ? [tag.name.slice(0, -':latest'.length)] : [],
    capabilities: tag.capabilities == null ? offer.capabilities : toCapabilities(tag.capabilities),
    bytes: tag.size ?? null,
    modifiedAt: Number.isNaN(modifiedAt) ? null : modifiedAt,
    sha256: /^(?:sha256:)?([0-9a-f]{64})$/.exec(tag.digest ?? '')?.[1] ?? null,
    family: tag.details?.family || null,
    parameters: tag.details?.parameter_size || null,
    quantisation: tag.details?.quantization_level || null,
  }
}

async function describe(server: RemoteServer, model: string, signal: AbortSignal): Promise<Partial<LanguageOffer>> {
  const answer = await server.ask({ path: '/api/show', body: { model } }, 'askMs', signal)
  const { capabilities, model_info } = expectShape(showSchema, answer, server.name)
  const facts = Object.entries(model_info !== null && typeof model_info === 'object' ? model_info : {})
  const length = facts.find(([key]) => key.endsWith('.context_length'))?.[1]
  return {
    ...(capabilities == null ? {} : { capabilities: toCapabilities(capabilities) }),
    ...(typeof length === 'number' ? { contextLength: length } : {}),
  }
}

function toCapabilities(names: readonly string[]): LanguageCapabilities {
  const writes = names.includes('completion')
  const has = (name: string) => names.includes(name)
  return {
    ...{ chat: writes, completion: writes, schema: writes, embedding: has('embedding') },
    ...{ vision: has('vision'), tools: has('tools'), thinking: has('thinking') },
  }
}

function toRequest(model: string, request: LanguageRequest, keepAlive: number | undefined): RemoteRequest {
  const { input, tools = [], format, think, sampling } = request
  const common = {
    model,
    stream: true,
    options: toOptions(sampling),
    ...(format === undefined ? {} : { format }),
    ...(think === undefined ? {} : { think }),
    ...(keepAlive === undefined ? {} : { keep_alive: keepAlive }),
  }
  if ('messages' in input)
    return {
      path: '/api/chat',
      body: {
        ...common,
        messages: input.messages.map(toMessage),
        ...(tools.length === 0 ? {} : { tools: tools.map((tool) => ({ type: 'function', function: tool })) }),
      },
    }
  if (tools.length > 0)
    throw new EngineError('invalid', 'Expected tools with a conversation, received them with a text')
  const images = (input.images ?? []).map(toBase64)
  return {
    path: '/api/generate',
    body: { ...common, prompt: input.prompt, raw: true, ...(images.length > 0 ? { images } : {}) },
  }
}

function toMessage({
  role,
  content,
  images = [],
  thinking,
  toolCalls = [],
  toolCallId,
  toolName,
}: ChatMessage): object {
  return {
    role,
    content,
    ...(images.length > 0 ? { images: images.map(toBase64) } : {}),
    ...(thinking === undefined ? {} : { thinking }),
    ...(toolCalls.length === 0 ? {} : { tool_calls: toolCalls.map(toOwnCall) }),
    ...(toolCallId === undefined ? {} : { tool_call_id: toolCallId }),
    ...(toolName === undefined ? {} : { tool_name: toolName }),
  }
}

function toOwnCall(call: { readonly id: string; readonly name: string; readonly arguments: object }) {
  return { id: call.id, function: { name: call.name, arguments: call.arguments } }
}

function toBase64(image: Uint8Array): string {
  return Buffer.from(image).toString('base64')
}

function toOptions(sampling: Sampling): Record<string, unknown> {
  const options = {
    num_predict: sampling.maxTokens,
    temperature: sampling.temperature,
    top_p: sampling.topP,
    top_k: sampling.topK,
    min_p: sampling.minP,
    typical_p: sampling.typicalP,
    repeat_penalty: sampling.repeatPenalty,
    repeat_last_n: sampling.repeatLastN,
    presence_penalty: sampling.presencePenalty,
    frequency_penalty: sampling.frequencyPenalty,
    seed: sampling.seed,
    stop: sampling.stop,
    num_ctx: sampling.contextLength,
  }
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined))
}

async function* read(lines: AsyncIterable<string>, server: string): AsyncGenerator<RemoteEvent, void, undefined> {
  let calls = 0
  for await (const written of lines) {
    const line = expectShape(lineSchema, parseJson(written, server), server)
    if (line.error != null) throw toFailure(line.error, server)
    for (const event of piecesOf(line)) {
      if (event.type === 'tool-call') calls++
      yield event
    }
    if (line.done) {
      yield toEnd(line, calls)
      return
    }
  }
  throw new EngineError('unavailable', `Expected server ${server} to end its answer, but it broke off; try again`)
}

function* piecesOf(line: Line): Generator<Exclude<RemoteEvent, { readonly type: 'end' }>, void, undefined> {
  const thinking = line.message?.thinking || line.thinking || ''
  const said = line.message?.content || line.response || ''
  if (thinking !== '') yield { type: 'thinking', text: thinking, tokens: 1 }
  if (said !== '') yield { type: 'text', text: said, tokens: 1 }
  for (const { id, function: called } of line.message?.tool_calls ?? [])
    yield { type: 'tool-call', call: toCall(id, called.name, called.arguments ?? {}) }
}

function toEnd({ done_reason, prompt_eval_count, eval_count }: Line, calls: number): RemoteEvent {
  const reason = calls > 0 ? 'tool-calls' : done_reason === 'length' ? 'length' : 'stop'
  return { type: 'end', reason, promptTokens: prompt_eval_count ?? undefined, answerTokens: eval_count ?? undefined }
}

async function embed(
  server: RemoteServer,
  model: string,
  texts: readonly string[],
  signal: AbortSignal,
): Promise<RemoteVectors> {
  // Cutting a text without a word would be a vector of something else.
  const body = { model, input: texts, truncate: false }
  const answer = expectShape(
    embedSchema,
    await server.ask({ path: '/api/embed', body }, 'firstMs', signal),
    server.name,
  )
  return { vectors: answer.embeddings, promptTokens: answer.prompt_eval_count ?? 0 }
}

async function release(server: RemoteServer, model: string, signal: AbortSignal): Promise<void> {
  await server.ask({ path: '/api/generate', body: { model, keep_alive: 0, stream: false } }, 'askMs', signal)
}

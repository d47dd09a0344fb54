import type { z } from 'zod'
import type { Clock } from '../../core/clock.ts'
import type { LanguageRequest, ToolCall } from '../../inference/language.ts'
import { readBody, WrongField } from '../body.ts'
import { finishReasons, toUsage } from './events.ts'
import { type AnswerForm, answerGeneration, type GenerationParts, headOf, samplingOf } from './generation.ts'
import { toChatMessages } from './messages.ts'
import { chatCompletionSchema } from './schemas.ts'

type ChatBody = z.output<typeof chatCompletionSchema>

/** `POST /v1/chat/completions`. */
export async function answerChat(parts: GenerationParts, http: Request): Promise<Response> {
  const body = await readBody(http, chatCompletionSchema)
  if (body.max_tokens !== undefined && body.max_completion_tokens !== undefined)
    throw new WrongField('max_tokens', 'max_tokens: Expected it or max_completion_tokens, received both')
  if (body.stream_options !== undefined && !body.stream)
    throw new WrongField('stream_options', 'stream_options: Expected them with stream: true only')
  return answerGeneration(parts, body, { request: toRequest(body), form: formFor(body, parts.clock) }, http)
}

function toRequest(body: ChatBody): LanguageRequest {
  const format = toFormat(body.response_format)
  const tools = body.tool_choice === 'none' ? [] : body.tools.map((tool) => toTool(tool))
  return {
    input: { messages: toChatMessages(body.messages) },
    sampling: samplingOf(body),
    ...(tools.length > 0 && { tools }),
    ...(format !== undefined && { format }),
    ...(body.reasoning_effort !== undefined && { think: body.reasoning_effort !== 'none' }),
  }
}

function toTool({ function: { name, description, parameters } }: ChatBody['tools'][number]) {
  return { name, description, parameters }
}

function toFormat(format: ChatBody['response_format']): LanguageRequest['format'] {
  if (format === undefined || format.type === 'text') return undefined
  return format.type === 'json_object' ? 'json' : format.json_schema.schema
}

function formFor({ model, stream_options }: ChatBody, clock: Clock): AnswerForm {
  const whole = headOf({ id: 'chatcmpl', object: 'chat.completion' }, model, clock)
  const choice = { index: 0, logprobs: null, finish_reason: null }
  return {
    whole: (answer) => {
      const { text, thinking, toolCalls, reason, usage } = answer
      const message = {
        role: 'assistant',
        content: text === '' && toolCalls.length > 0 ? null : text,
        refusal: null,
        ...(thinking !== '' && { reasoning: thinking }),
        ...(toolCalls.length > 0 && { tool_calls: toolCalls.map(toCall) }),
      }
      const choices = [{ index: 0, message, logprobs: null, finish_reason: finishReasons[reason] }]
      return { ...whole, choices, usage: toUsage(usage) }
    },
    stream: {
      head: { ...whole, object: 'chat.completion.chunk' },
      opening: { ...choice, delta: { role: 'assistant', content: '' } },
      piece: (event, index) => {
        if (event.type === 'text') return { ...choice, delta: { content: event.text } }
        if (event.type === 'thinking') return { ...choice, delta: { reasoning: event.text } }
        return { ...choice, delta: { tool_calls: [{ index, ...toCall(event.call) }] } }
      },
      end: ({ reason }) => ({ ...choice, delta: {}, finish_reason: finishReasons[reason] }),
      withUsage: stream_options?.include_usage === true,
    },
  }
}

/** Arguments are text with JSON, here as in OpenAI's API. */
function toCall({ id, name, arguments: given }: ToolCall) {
  return { id, type: 'function', function: { name, arguments: JSON.stringify(given) } }
}

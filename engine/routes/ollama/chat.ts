import type { z } from 'zod'
import type { ChatMessage, LanguageModelStatus, LanguageRequest } from '../../inference/language.ts'
import { readBody } from '../body.ts'
import { type AnswerForm, toToolCall } from './answer-lines.ts'
import { answerGeneration, type GenerationParts } from './generation.ts'
import { toChatMessages, toTools } from './messages.ts'
import { samplingOf } from './options.ts'
import { chatSchema } from './schemas.ts'

const role = 'assistant'

const form: AnswerForm = {
  silent: { message: { role, content: '' } },
  piece: (event, index) => {
    if (event.type === 'text') return { message: { role, content: event.text } }
    if (event.type === 'thinking') return { message: { role, content: '', thinking: event.text } }
    return { message: { role, content: '', tool_calls: [toToolCall(event.call, index)] } }
  },
  whole: ({ text, thinking, toolCalls }) => ({
    message: {
      role,
      content: text,
      ...(thinking !== '' && { thinking }),
      ...(toolCalls.length > 0 && { tool_calls: toolCalls.map(toToolCall) }),
    },
  }),
  end: () => ({ message: { role, content: '' } }),
}

/** `POST /api/chat`. */
export async function answerChat(parts: GenerationParts, request: Request): Promise<Response> {
  const body = await readBody(request, chatSchema)
  const messages = toChatMessages(body.messages)
  const plan = (found: LanguageModelStatus) => {
    return { form, request: messages.length > 0 ? toRequest(body, messages, found) : undefined }
  }
  return answerGeneration(parts, body, plan, { user: 'POST /api/chat', hungUp: request.signal })
}

function toRequest(
  { tools, format, think, options }: z.output<typeof chatSchema>,
  messages: readonly ChatMessage[],
  found: LanguageModelStatus,
): LanguageRequest {
  return {
    input: { messages },
    sampling: samplingOf(options, found),
    ...(tools.length > 0 && { tools: toTools(tools) }),
    ...(format !== undefined && format !== '' && { format }),
    ...(think !== undefined && { think: think !== false }),
  }
}

import type { z } from 'zod'
import { EngineError, messageOf } from '../../errors.ts'
import { decodeDataUrl, expectPicture } from '../../inference/encoded-bytes.ts'
import type { ChatMessage, ToolCall } from '../../inference/language.ts'
import { WrongField } from '../body.ts'
import type { chatCompletionSchema } from './schemas.ts'

type OpenAiMessage = z.output<typeof chatCompletionSchema>['messages'][number]
type Part = Exclude<Extract<OpenAiMessage, { role: 'user' }>['content'], string>[number]
type AssistantMessage = Extract<OpenAiMessage, { role: 'assistant' }>
type CalledTool = NonNullable<AssistantMessage['tool_calls']>[number]

/** The conversation. Answers of tools name their tool, by the call that they answer. Throws `WrongField`. */
export function toChatMessages(messages: readonly OpenAiMessage[]): ChatMessage[] {
  const tools = new Map<string, string>()
  return messages.map((message, i) => {
    const said = toChatMessage(message, `messages.${i}`)
    for (const { id, name } of said.toolCalls ?? []) tools.set(id, name)
    const toolName = said.toolName ?? tools.get(said.toolCallId ?? '')
    return toolName === undefined ? said : { ...said, toolName }
  })
}

function toChatMessage(message: OpenAiMessage, place: string): ChatMessage {
  if (message.role === 'user') return toUserMessage(message.content, place)
  if (message.role === 'assistant') return toAssistantMessage(message, place)
  if (message.role === 'tool') {
    const { content, tool_call_id, name } = message
    const named = name === undefined ? {} : { toolName: name }
    return { role: 'tool', content: joinTexts(content), toolCallId: tool_call_id, ...named }
  }
  return { role: 'system', content: joinTexts(message.content) }
}

function toUserMessage(content: string | readonly Part[], place: string): ChatMessage {
  if (typeof content === 'string') return { role: 'user', content }
  const images = content.flatMap((part, i) =>
    part.type === 'image_url' ? [toPicture(part.image_url.url, `${place}.content.${i}.image_url.url`)] : [],
  )
  const texts = content.flatMap((part) => (part.type === 'text' ? [part] : []))
  return { role: 'user', content: joinTexts(texts), ...(images.length > 0 && { images }) }
}

/** Only what the request brings along: the engine fetches nothing from elsewhere for a client. */
function toPicture(url: string, place: string): Uint8Array {
  try {
    return expectPicture(decodeDataUrl(url, place), place)
  } catch (error) {
    throw error instanceof EngineError ? new WrongField(place, error.message, { cause: error }) : error
  }
}

function toAssistantMessage(message: AssistantMessage, place: string): ChatMessage {
  const { content = '', reasoning, reasoning_content, tool_calls = [] } = message
  const thinking = reasoning ?? reasoning_content
  const toolCalls = tool_calls.map((call, i) => toToolCall(call, `${place}.tool_calls.${i}.function.arguments`))
  return {
    role: 'assistant',
    content: joinTexts(content),
    ...(thinking !== undefined && { thinking }),
    ...(toolCalls.length > 0 && { toolCalls }),
  }
}

function toToolCall({ id, function: called }: CalledTool, place: string): ToolCall {
  return { id, name: called.name, arguments: parseArguments(called.arguments, place) }
}

function parseArguments(text: string, place: string): Readonly<Record<string, unknown>> {
  let value: unknown
  try {
    value = text.trim() === '' ? {} : JSON.parse(text)
  } catch (error) {
    throw new WrongField(place, `${place}: Expected JSON: ${messageOf(error)}`, { cause: error })
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>
  throw new WrongField(place, `${place}: Expected a JSON object, received ${text.slice(0, 40)}`)
}

function joinTexts(content: string | readonly { readonly text: string }[]): string {
  return typeof content === 'string' ? content : content.map(({ text }) => text).join('\n')
}

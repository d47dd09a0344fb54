import type { z } from 'zod'
import { decodeBase64, expectPicture } from '../../inference/encoded-bytes.ts'
import type { ChatMessage, LanguageTool, ToolCall } from '../../inference/language.ts'
import type { chatSchema } from './schemas.ts'

type ChatBody = z.output<typeof chatSchema>
type OllamaMessage = ChatBody['messages'][number]

/** Pictures of a request, from base64. Throws `invalid`. */
export function toPictures(images: readonly string[] = [], place = 'images'): Uint8Array[] {
  return images.map((text, i) => expectPicture(decodeBase64(text, `${place}.${i}`), `${place}.${i}`))
}

/** Functions that the model may ask for. */
export function toTools(tools: ChatBody['tools']): LanguageTool[] {
  return tools.map((tool) => tool.function)
}

/** The conversation. Calls and answers without ids, as older clients have them, are paired in their order. Throws `invalid`. */
export function toChatMessages(messages: readonly OllamaMessage[]): ChatMessage[] {
  const pairs = new CallPairs()
  return messages.map((message, i) => toChatMessage(message, i, pairs))
}

function toChatMessage(message: OllamaMessage, i: number, pairs: CallPairs): ChatMessage {
  const { role, content, thinking, tool_name, tool_calls = [] } = message
  const images = toPictures(message.images, `messages.${i}.images`)
  const toolCalls = tool_calls.map((call) => pairs.open(call))
  const toolCallId = role === 'tool' ? (message.tool_call_id ?? pairs.answer(tool_name)) : undefined
  return {
    role,
    content,
    ...(images.length > 0 && { images }),
    ...(thinking !== undefined && { thinking }),
    ...(toolCalls.length > 0 && { toolCalls }),
    ...(toolCallId !== undefined && { toolCallId }),
    ...(tool_name !== undefined && { toolName: tool_name }),
  }
}

/** The calls of a conversation that wait for their answers. */
class CallPairs {
  readonly #open: ToolCall[] = []
  #count = 0

  open({ id, function: called }: NonNullable<OllamaMessage['tool_calls']>[number]): ToolCall {
    const call = { id: id ?? `call_${this.#count++}`, name: called.name, arguments: called.arguments }
    this.#open.push(call)
    return call
  }

  /** The id of the oldest call, of that tool where its name is said. */
  answer(tool: string | undefined): string | undefined {
    const at = this.#open.findIndex(({ name }) => tool === undefined || name === tool)
    return at < 0 ? undefined : this.#open.splice(at, 1)[0]?.id
  }
}

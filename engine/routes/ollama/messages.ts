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
  const answered = role === 'tool' ? pairs.answer(message) : undefined
  const toolCallId = message.tool_call_id ?? answered?.id
  const toolName = tool_name ?? answered?.name
  return {
    role,
    content,
    ...(images.length > 0 && { images }),
    ...(thinking !== undefined && { thinking }),
    ...(toolCalls.length > 0 && { toolCalls }),
    ...(toolCallId !== undefined && { toolCallId }),
    ...(toolName !== undefined && { toolName }),
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

  /** The call that is answered: by its id, else the oldest one, of that tool where its name is said. */
  answer({ tool_call_id, tool_name }: OllamaMessage): ToolCall | undefined {
    const at = this.#open.findIndex(({ id, name }) => {
      return tool_call_id === undefined ? tool_name === undefined || name === tool_name : id === tool_call_id
    })
    return at < 0 ? undefined : this.#open.splice(at, 1)[0]
  }
}

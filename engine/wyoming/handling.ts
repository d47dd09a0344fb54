import { EngineError, messageOf } from '../errors.ts'
import type { ChatMessage, Language, LanguageRequest, ToolCall } from '../inference/language.ts'
import type { Use } from '../inference/residency-options.ts'
import { noTools, type VoiceTools } from '../voice/voice-tools.ts'
import type { Conversations } from './conversations.ts'
import { type SendEvent, withContext } from './exchange.ts'
import type { RequestOf } from './requests.ts'

/** Times that an answer may ask for tools; after that it has to do without. */
const mostToolRounds = 5
/** Of an answer, which is spoken: nobody listens to more. */
const mostTokens = 512
const use: Use = { priority: 'interactive', user: 'wyoming' }

/** What answers what was said. */
export interface HandlingParts {
  /** Undefined: there are no language models. */
  readonly language: Language | undefined
  /** Left out: the default one. */
  readonly model?: string | undefined
  /** The system prompt; empty for none. */
  readonly instructions: string
  readonly tools: VoiceTools
  readonly conversations: Conversations
}

interface Answering extends HandlingParts {
  readonly language: Language
  readonly send: SendEvent
  readonly signal: AbortSignal
}

/**
 * Text in, the language model's answer out: `handled-start`, pieces, the whole as `handled`, `handled-stop`; `not-handled` when it has nothing
 * to say. Throws `unavailable` when there is no model.
 */
export async function handle(
  asked: RequestOf<'transcript'>,
  parts: HandlingParts,
  { send, signal }: { readonly send: SendEvent; readonly signal: AbortSignal },
): Promise<void> {
  const { language, conversations } = parts
  if (!language) throw new EngineError('unavailable', 'Expected a language model, there is none here')
  const id = conversationOf(asked)
  const answering = { ...parts, language, send, signal }
  const answer = new Answer(asked, answering)
  const messages = await answer.give([...conversations.recall(id), { role: 'user', content: asked.text }])
  conversations.remember(id, messages)
}

/** One answer on its way. */
class Answer {
  readonly #asked: RequestOf<'transcript'>
  readonly #parts: Answering
  #text = ''

  constructor(asked: RequestOf<'transcript'>, parts: Answering) {
    this.#asked = asked
    this.#parts = parts
  }

  /** Gives the conversation with the answer. */
  async give(said: readonly ChatMessage[]): Promise<readonly ChatMessage[]> {
    const context = withContext(this.#asked.context)
    const { send } = this.#parts
    const messages = await this.#converse(said)
    const text = this.#text.trim()
    if (text === '') {
      await send('not-handled', { text: 'The language model gave no answer', ...context })
      return messages
    }
    await send('handled', { text, ...context })
    await send('handled-stop')
    return messages
  }

  async #converse(said: readonly ChatMessage[]): Promise<readonly ChatMessage[]> {
    const { language, model, instructions, tools } = this.#parts
    const { name, capabilities } = await language.find(model)
    const system: ChatMessage[] = instructions === '' ? [] : [{ role: 'system', content: instructions }]
    let messages = said
    for (let round = 0; ; round++) {
      const offered = capabilities.tools && round < mostToolRounds ? tools : noTools
      const input = { messages: [...system, ...messages] }
      const request = {
        input,
        sampling: { maxTokens: mostTokens },
        ...(offered.tools.length > 0 && { tools: offered.tools }),
      }
      const { text, calls } = await this.#generate(name, request)
      messages = [...messages, { role: 'assistant', content: text, ...(calls.length > 0 && { toolCalls: calls }) }]
      if (calls.length === 0) return messages
      for (const call of calls) messages = [...messages, await this.#call(call)]
    }
  }

  async #generate(
    model: string,
    request: LanguageRequest,
  ): Promise<{ readonly text: string; readonly calls: readonly ToolCall[] }> {
    const { language, signal } = this.#parts
    const calls: ToolCall[] = []
    let text = ''
    for await (const event of language.generate(model, request, use, signal)) {
      if (event.type === 'tool-call') calls.push(event.call)
      if (event.type !== 'text') continue
      text += event.text
      await this.#tell(event.text)
    }
    return { text, calls }
  }

  async #tell(piece: string): Promise<void> {
    const { send } = this.#parts
    const text = this.#text === '' ? piece.trimStart() : piece
    if (text === '') return
    if (this.#text === '') await send('handled-start', withContext(this.#asked.context))
    this.#text += text
    await send('handled-chunk', { text })
  }

  /** The model hears of a call that failed, and can say so. */
  async #call({ id, name, ...call }: ToolCall): Promise<ChatMessage> {
    const { tools, signal } = this.#parts
    const content = await tools.call({ id, name, ...call }, signal).catch((error: unknown) => {
      if (!(error instanceof EngineError) || signal.aborted) throw error
      return `Error: ${messageOf(error)}`
    })
    return { role: 'tool', content, toolCallId: id, toolName: name }
  }
}

function conversationOf({ context }: RequestOf<'transcript'>): string | undefined {
  const id = context?.conversation_id
  return typeof id === 'string' && id !== '' && id.length <= 200 ? id : undefined
}

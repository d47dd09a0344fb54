import { Template } from '@huggingface/jinja'
import type { LlamaModel as Weights } from 'node-llama-cpp'
import { EngineError, messageOf } from '../errors.ts'
import type { LlamaMessage, LlamaQuestion } from './llama-protocol.ts'
import { readTraits, type TemplateTraits } from './template-traits.ts'

/** How a prompt begins and ends for this model. */
export interface TemplateTokens {
  readonly bos: string
  readonly eos: string
}

/** The chat template that a model carries. One without any, as models that only go on with text, gets the contents of the messages, line by line. */
export class ChatTemplate {
  readonly traits: TemplateTraits
  readonly #source: string | null
  readonly #tokens: TemplateTokens
  #template: Template | undefined

  constructor(source: string | null, tokens: TemplateTokens) {
    this.#source = source
    this.#tokens = tokens
    this.traits = readTraits(source)
  }

  static of({ fileInfo, tokens }: Weights): ChatTemplate {
    const source = fileInfo.metadata.tokenizer?.chat_template ?? null
    return new ChatTemplate(source, { bos: tokens.bosString ?? '', eos: tokens.eosString ?? '' })
  }

  /** The conversation up to where the model is to go on. Throws `invalid` for one that the template refuses, in its words. */
  render(messages: readonly LlamaMessage[], { tools, think }: Pick<LlamaQuestion, 'tools' | 'think'>): string {
    if (this.#source === null) return messages.map(({ content }) => content).join('\n')
    try {
      this.#template ??= new Template(this.#source)
      const rendered = this.#template.render({
        messages: messages.map(toTemplateMessage),
        ...(tools.length > 0 ? { tools: tools.map((tool) => ({ type: 'function', function: { ...tool } })) } : {}),
        ...(think === null ? {} : { enable_thinking: think }),
        add_generation_prompt: true,
        bos_token: this.#tokens.bos,
        eos_token: this.#tokens.eos,
      })
      return think === false ? closeThinking(rendered) : rendered
    } catch (error) {
      const message = `Expected a conversation that the model's chat template takes: ${messageOf(error)}`
      throw new EngineError('invalid', message, { cause: error })
    }
  }
}

/** Whether the model is in the middle of its thoughts after this prompt. */
export function isThinkingOpen(prompt: string): boolean {
  return /<think>\s*$/.test(prompt)
}

/** A template that always begins with thoughts knows no switch: empty ones are what the model then goes on after. */
export function closeThinking(prompt: string): string {
  return isThinkingOpen(prompt) ? `${prompt.trimEnd()}\n\n</think>\n\n` : prompt
}

function toTemplateMessage({ role, content, thinking, toolCalls, toolCallId, toolName }: LlamaMessage) {
  return {
    role,
    content,
    ...(thinking === undefined ? {} : { reasoning_content: thinking }),
    ...(toolCalls === undefined || toolCalls.length === 0 ? {} : { tool_calls: toolCalls.map(toTemplateCall) }),
    ...(toolCallId === undefined ? {} : { tool_call_id: toolCallId }),
    ...(toolName === undefined ? {} : { name: toolName }),
  }
}

function toTemplateCall(call: { readonly name: string; readonly arguments: object }) {
  return { type: 'function', function: { name: call.name, arguments: call.arguments } }
}

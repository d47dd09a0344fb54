import type {
  ChatMessage,
  Embeddings,
  Language,
  LanguageEvent,
  LanguageModelStatus,
  LanguageRequest,
} from '../inference/language.ts'
import type { Use } from '../inference/residency-options.ts'
import type { PromptSources, PromptTemplate } from './prompt-template.ts'

/** Replies whose prompts are remembered while they ask for tools. */
const mostRemembered = 32

/**
 * Language models that read the engine's own system prompt with what is known when a reply begins: the system message that is the template,
 * word for word, is filled in; any other passes as it is. A reply that goes on after a tool's answer keeps its prompt, so that the model does
 * not have to read all anew.
 */
export class SceneAwareLanguage implements Language {
  readonly #language: Language
  readonly #template: PromptTemplate
  readonly #sources: PromptSources
  /** Prompts by what was asked last. */
  readonly #prompts = new Map<string, string>()

  constructor(language: Language, template: PromptTemplate, sources: PromptSources) {
    this.#language = language
    this.#template = template
    this.#sources = sources
  }

  async *generate(
    name: string | undefined,
    request: LanguageRequest,
    use: Use,
    signal: AbortSignal,
  ): AsyncGenerator<LanguageEvent> {
    yield* this.#language.generate(name, await this.#fill(request, signal), use, signal)
  }

  status(): Promise<readonly LanguageModelStatus[]> {
    return this.#language.status()
  }
  find(name: string | undefined): Promise<LanguageModelStatus> {
    return this.#language.find(name)
  }
  embed(name: string, texts: readonly string[], use: Use, signal: AbortSignal): Promise<Embeddings> {
    return this.#language.embed(name, texts, use, signal)
  }
  load(name: string, use: Use, signal: AbortSignal): Promise<number> {
    return this.#language.load(name, use, signal)
  }
  unload(name: string): Promise<void> {
    return this.#language.unload(name)
  }
  keepAlive(name: string, seconds: number): void {
    this.#language.keepAlive(name, seconds)
  }

  async #fill(request: LanguageRequest, signal: AbortSignal): Promise<LanguageRequest> {
    if (!('messages' in request.input) || this.#template.isAlwaysTheSame) return request
    const [system, ...others] = request.input.messages
    if (system?.role !== 'system' || system.content !== this.#template.text) return request
    const content = await this.#prompt(others, signal)
    return { ...request, input: { messages: [{ role: 'system', content }, ...others] } }
  }

  async #prompt(messages: readonly ChatMessage[], signal: AbortSignal): Promise<string> {
    const key = questionOf(messages)
    const known = messages.at(-1)?.role === 'tool' ? this.#prompts.get(key) : undefined
    if (known !== undefined) return known
    const prompt = await this.#template.render(this.#sources, signal)
    this.#prompts.delete(key)
    this.#prompts.set(key, prompt)
    const [oldest] = this.#prompts.keys()
    if (this.#prompts.size > mostRemembered && oldest !== undefined) this.#prompts.delete(oldest)
    return prompt
  }
}

function questionOf(messages: readonly ChatMessage[]): string {
  const at = messages.findLastIndex(({ role }) => role === 'user')
  return `${at} ${messages[at]?.content ?? ''}`
}

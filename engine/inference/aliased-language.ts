import type { Embeddings, Language, LanguageEvent, LanguageModelStatus, LanguageRequest } from './language.ts'
import type { ModelAliases } from './model-aliases.ts'
import type { Use } from './residency-options.ts'

/** What Ollama reads where a name has no tag. */
const usualTag = ':latest'

/**
 * Language models also by the names that clients gave them, and with or without the tag `latest`, which Ollama's clients add and leave
 * out as they like. A given name wins over a model's own.
 */
export class AliasedLanguage implements Language {
  readonly #language: Language
  readonly #aliases: ModelAliases

  constructor(language: Language, aliases: ModelAliases) {
    this.#language = language
    this.#aliases = aliases
  }

  async status(): Promise<readonly LanguageModelStatus[]> {
    const [statuses, given] = await Promise.all([this.#language.status(), this.#aliases.list()])
    return statuses.map((status) => {
      const names = given.filter(({ model }) => model === status.name).map(({ name }) => name)
      return names.length === 0 ? status : { ...status, aliases: [...status.aliases, ...names] }
    })
  }

  async find(name: string | undefined): Promise<LanguageModelStatus> {
    return this.#language.find(await this.#resolve(name))
  }

  async *generate(
    name: string | undefined,
    request: LanguageRequest,
    use: Use,
    signal: AbortSignal,
  ): AsyncGenerator<LanguageEvent> {
    yield* this.#language.generate(await this.#resolve(name), request, use, signal)
  }

  async embed(name: string, texts: readonly string[], use: Use, signal: AbortSignal): Promise<Embeddings> {
    return this.#language.embed((await this.#resolve(name)) ?? name, texts, use, signal)
  }

  async load(name: string, use: Use, signal: AbortSignal): Promise<number> {
    return this.#language.load((await this.#resolve(name)) ?? name, use, signal)
  }

  async unload(name: string): Promise<void> {
    return this.#language.unload((await this.#resolve(name)) ?? name)
  }

  /** By the model's own name, as `find` gives it. */
  keepAlive(name: string, seconds: number): void {
    this.#language.keepAlive(name, seconds)
  }

  async #resolve(name: string | undefined): Promise<string | undefined> {
    if (name === undefined) return undefined
    for (const candidate of spellings(name)) {
      const given = await this.#aliases.modelOf(candidate)
      if (given !== undefined) return given
      if (await this.#isOwn(candidate)) return candidate
    }
    return name
  }

  async #isOwn(name: string): Promise<boolean> {
    const statuses = await this.#language.status()
    return statuses.some((status) => status.name === name || status.aliases.includes(name))
  }
}

function spellings(name: string): string[] {
  if (name.endsWith(usualTag)) return [name, name.slice(0, -usualTag.length)]
  return name.includes(':') ? [name] : [name, `${name}${usualTag}`]
}

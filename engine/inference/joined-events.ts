import type { LanguageEvent } from './language.ts'

/**
 * Events on their way to a reader that may be slow: pieces of text that wait become one, so that what waits is never more than the
 * answer itself, and whoever makes it is not held up.
 */
export class JoinedEvents {
  readonly #waiting: LanguageEvent[] = []
  #end: { readonly error?: unknown } | undefined
  #wake: () => void = () => undefined

  add(event: LanguageEvent): void {
    const last = this.#waiting.at(-1)
    if (last && (event.type === 'text' || event.type === 'thinking') && last.type === event.type)
      this.#waiting[this.#waiting.length - 1] = {
        type: event.type,
        text: last.text + event.text,
        tokens: last.tokens + event.tokens,
      }
    else this.#waiting.push(event)
    this.#wake()
  }

  /** Nothing more comes; with an error the reader gets it after all else. */
  end(end: { readonly error?: unknown } = {}): void {
    this.#end ??= end
    this.#wake()
  }

  /** To be read once. */
  async *read(): AsyncGenerator<LanguageEvent, void, undefined> {
    while (true) {
      const event = this.#waiting.shift()
      if (event) yield event
      else if (this.#end) break
      else
        await new Promise<void>((resolve) => {
          this.#wake = resolve
        })
    }
    if (this.#end && 'error' in this.#end) throw this.#end.error
  }
}

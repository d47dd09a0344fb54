import { EngineError } from '../errors.ts'
import type { LanguageEvent } from './language.ts'

/** From so many on, texts that follow each other become one: a slow reader gets larger pieces, and holds up nobody. */
const mergeFrom = 64
/** Of text that waits; an answer is shorter. */
const maxCharacters = 4_000_000

/** An answer on its way to its reader, who may be slower than the model. */
export class EventBuffer {
  readonly #events: LanguageEvent[] = []
  #characters = 0
  #outcome: { readonly error: unknown } | undefined
  #wake: () => void = () => undefined

  /** After the end it is nobody's. */
  push(event: LanguageEvent): void {
    if (this.#outcome) return
    const last = this.#events.at(-1)
    if (event.type === 'text' || event.type === 'thinking') this.#characters += event.text.length
    if (this.#characters > maxCharacters) {
      this.end(tooSlow())
      return
    }
    const merged = last && this.#events.length >= mergeFrom ? merge(last, event) : undefined
    if (merged) this.#events[this.#events.length - 1] = merged
    else this.#events.push(event)
    this.#wake()
  }

  /** What came before it is still read; only the first end counts. */
  end(error?: unknown): void {
    this.#outcome ??= { error }
    this.#wake()
  }

  async *read(): AsyncGenerator<LanguageEvent, void, undefined> {
    for (;;) {
      const event = this.#events.shift()
      if (event) {
        if (event.type === 'text' || event.type === 'thinking') this.#characters -= event.text.length
        yield event
      } else if (this.#outcome) {
        if (this.#outcome.error !== undefined) throw this.#outcome.error
        return
      } else {
        await new Promise<void>((resolve) => {
          this.#wake = resolve
        })
      }
    }
  }
}

function merge(last: LanguageEvent, event: LanguageEvent): LanguageEvent | undefined {
  const isText = (event.type === 'text' || event.type === 'thinking') && last.type === event.type
  return isText ? { ...event, text: last.text + event.text, tokens: last.tokens + event.tokens } : undefined
}

function tooSlow(): EngineError {
  return new EngineError('busy', `Expected a reader that keeps up, but ${maxCharacters} characters wait for it`)
}

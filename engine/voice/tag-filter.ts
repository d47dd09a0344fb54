/** What a model writes for itself or for a program, up to the closing tag. */
const hiddenElements: ReadonlySet<string> = new Set(['think', 'thinking', 'reasoning', 'tool_call', 'script', 'style'])

/** Beginnings of a tag: those without a space, `<https://…>` among them, and HTML's usual ones with attributes. */
const tagBeginning = /^<(?:$|[/!]?$|[/!]?[a-z][^\s<>]*$|(?:a|img|span|div|p|br|hr|font|table|tr|td|th)\s[^<>\n]*$)/i

/** A tag that is not closed by then is text: it would hold the speech back. */
const longestTag = 300

/**
 * Takes tags out of a text that comes in pieces, a space in place of each, and what is within `<think>` and its like altogether. What may
 * become a tag is held back until that is certain.
 */
export class TagFilter {
  #held = ''
  /** The hidden element that is open. */
  #hiding: string | undefined

  push(char: string): string {
    if (this.#held === '' && char !== '<') return this.#show(char)
    if (char === '>') return this.#endTag(`${this.#held}>`)
    const held = this.#held + char
    if (tagBeginning.test(held) && held.length <= longestTag) {
      this.#held = held
      return ''
    }
    this.#held = char === '<' ? char : ''
    return this.#show(char === '<' ? held.slice(0, -1) : held)
  }

  /** What was held back, once the text is over. */
  flush(): string {
    const held = this.#held
    this.#held = ''
    return this.#show(held)
  }

  #show(text: string): string {
    return this.#hiding === undefined ? text : ''
  }

  #endTag(tag: string): string {
    this.#held = ''
    const [, slash, name] = /^<(\/?)!?([^\s<>/]*)/.exec(tag) ?? []
    if (name === undefined || name === '') return this.#show(tag)
    if (this.#hiding === undefined) {
      if (slash === '' && hiddenElements.has(name.toLowerCase())) this.#hiding = name.toLowerCase()
      return ' '
    }
    if (slash === '/' && name.toLowerCase() === this.#hiding) this.#hiding = undefined
    return this.#show(' ')
  }
}

/** Lets text through up to the first of some stop texts; what may be the beginning of one waits. */
export class StopTexts {
  readonly #stops: readonly string[]
  #held = ''
  #found = false

  constructor(stops: readonly string[]) {
    this.#stops = stops.filter((stop) => stop !== '')
  }

  get found(): boolean {
    return this.#found
  }

  /** What may be said now. */
  take(text: string): string {
    if (this.#found) return ''
    this.#held += text
    const first = Math.min(...this.#stops.map((stop) => indexOrNone(this.#held, stop)))
    if (Number.isFinite(first)) {
      this.#found = true
      return this.#release(first)
    }
    const open = Math.max(0, ...this.#stops.map((stop) => openEnd(this.#held, stop)))
    return this.#release(this.#held.length - open)
  }

  /** What waited: nothing more comes. */
  end(): string {
    return this.#found ? '' : this.#release(this.#held.length)
  }

  #release(length: number): string {
    const text = this.#held.slice(0, length)
    this.#held = this.#held.slice(length)
    return text
  }
}

function indexOrNone(text: string, part: string): number {
  const index = text.indexOf(part)
  return index < 0 ? Number.POSITIVE_INFINITY : index
}

/** Characters at the end of the text that may be the beginning of the tag. */
export function openEnd(text: string, tag: string | undefined): number {
  if (tag === undefined) return 0
  for (let length = Math.min(tag.length - 1, text.length); length > 0; length--)
    if (text.endsWith(tag.slice(0, length))) return length
  return 0
}

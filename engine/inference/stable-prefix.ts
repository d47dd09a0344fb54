/** A transcript on its way: what is `stable` will not change any more. Words are parted by one space. */
export interface PartialText {
  readonly stable: string
  readonly tentative: string
}

/**
 * Which words of a growing transcript may be told for good: those in which two hypotheses in a row agree, but for the newest word, which the
 * next sound may still change. What was told is never taken back, whatever later hypotheses say.
 */
export class StablePrefix {
  #previous: readonly string[] = []
  #stable: readonly string[] = []

  /** A new hypothesis about all that was said so far. */
  update(hypothesis: string): PartialText {
    const words = toWords(hypothesis)
    const agreed = Math.min(countAgreed(this.#previous, words), words.length - 1)
    if (agreed > this.#stable.length) this.#stable = [...this.#stable, ...words.slice(this.#stable.length, agreed)]
    this.#previous = words
    return this.#text(words)
  }

  /** The last hypothesis, of which every word is told. */
  finish(hypothesis: string): PartialText {
    this.#stable = [...this.#stable, ...toWords(hypothesis).slice(this.#stable.length)]
    return this.#text([])
  }

  #text(words: readonly string[]): PartialText {
    return { stable: this.#stable.join(' '), tentative: words.slice(this.#stable.length).join(' ') }
  }
}

function toWords(text: string): string[] {
  return text.split(/\s+/).filter((word) => word !== '')
}

/** Recognisers go on changing commas and capitals when the words are long certain. */
function countAgreed(a: readonly string[], b: readonly string[]): number {
  const differs = b.findIndex((word, i) => bare(word) !== bare(a[i] ?? ''))
  return differs < 0 ? b.length : differs
}

function bare(word: string): string {
  const letters = word.toLowerCase().replace(/[^\p{L}\p{N}']/gu, '')
  return letters === '' ? word : letters
}

/** A clause is not cut at a comma before it has this many letters: the voice would sound chopped. */
const shortestAtComma = 60
/** But the first one sooner, so that the first sound comes early. */
const shortestFirst = 16
/** A clause without any mark is cut at a space; Piper's work grows faster than its length. */
const longest = 240

const closing = '["\'”’»)\\]]*'
/** A mark that ends a sentence, then a space; or one of those languages that write none. */
const sentenceEnd = new RegExp(`[.!?…]+${closing}\\s+|[。！？]+${closing}\\s*|\\n+`, 'gu')
const pause = new RegExp(`[,;:–—]${closing}\\s+|[，、；：]`, 'gu')
/** A full stop after these ends no sentence. */
const abbreviation = /(?:^|[\s(])(?:Mr|Mrs|Ms|Dr|Prof|St|Sr|Jr|vs|No|e\.g|i\.e|z\.B|d\.h|ca|bzw|\p{Lu})\.$/u

/** Cuts a text into clauses as it comes, so that the first can be spoken before the last is known. */
export class ClauseSplitter {
  #text = ''
  #isFirst = true

  /** More text. Gives the clauses that are whole now. */
  push(text: string): string[] {
    this.#text += text
    const clauses: string[] = []
    for (let end = this.#cut(); end !== undefined; end = this.#cut()) this.#take(end, clauses)
    return clauses
  }

  /** No more text: gives the rest, cut where it is too long. */
  finish(): string[] {
    const clauses = this.push('\n')
    this.#take(this.#text.length, clauses)
    return clauses
  }

  #take(end: number, clauses: string[]): void {
    const clause = this.#text.slice(0, end).trim()
    this.#text = this.#text.slice(end)
    if (clause === '') return
    clauses.push(clause)
    this.#isFirst = false
  }

  /** Where the first clause ends; undefined while more text may belong to it. */
  #cut(): number | undefined {
    const text = this.#text
    const sentence = endsOf(text, sentenceEnd).find((end) => !abbreviation.test(text.slice(0, end).trimEnd()))
    const shortest = this.#isFirst ? shortestFirst : shortestAtComma
    const comma = endsOf(text, pause).find((end) => end >= shortest)
    const end = Math.min(sentence ?? Number.POSITIVE_INFINITY, comma ?? Number.POSITIVE_INFINITY)
    if (end <= longest) return end
    if (text.length <= longest) return undefined
    const space = text.lastIndexOf(' ', longest)
    return space > 0 ? space : longest
  }
}

function endsOf(text: string, mark: RegExp): number[] {
  return [...text.matchAll(mark)].map((match) => match.index + match[0].length)
}

/** A text as a voice can take it: one line, without characters that mean something else to espeak-ng. */
export function toSpeakable(text: string): string {
  return text
    .normalize('NFC')
    .replace(/\p{Cc}|\p{Cf}/gu, ' ')
    .replace(/\[\[/g, '[')
    .replace(/\s+/g, ' ')
    .trim()
}

/** Whether there is anything to say: a mark alone makes no sound. */
export function isSpeakable(text: string): boolean {
  return /[\p{L}\p{N}\p{Sc}%&@#+=<>*/]/u.test(text)
}

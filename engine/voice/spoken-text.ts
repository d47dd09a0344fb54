import { toSpokenWord } from './spoken-word.ts'
import { TagFilter } from './tag-filter.ts'

/** A longer word is given in parts, so that what is held stays bounded. */
const longestWord = 400

/** A language without spaces ends its words here. */
const wideMark = /[。！？，、；：]/u

const clauseEnd = /[.,!?;:…][)"'”’»]*$/u
const closingMark = /^[.,!?;:…)”’»]/u

/**
 * Makes of an answer in Markdown what a voice can say, as it comes: no marks, fenced code, emoji, addresses, tags or what stands within
 * `<think>`; headings, list items and table rows become lines, cells are parted by commas. It goes character by character, so the result does
 * not depend on where the pieces are cut. A word is given once it is whole.
 */
export class SpokenText {
  readonly #tags = new TagFilter()
  /** The first half of a character whose second half is in the next piece. */
  #half = ''
  #word = ''
  #isLineStart = true
  /** Within fenced code: the mark that closes it. */
  #fence: string | undefined
  #isFenceLine = false
  #isCode = false
  /** Within a link's target that has spaces. */
  #isTarget = false
  #needsComma = false
  #needsSpace = false
  #endsClause = false
  /** Of this line something was given. */
  #hasSpoken = false
  /** The last character given is a space or an end of line. */
  #isApart = true
  #output = ''

  /** More of the answer. Gives what of it is certain now; may be empty. */
  push(text: string): string {
    const all = this.#half + text
    const last = all.charCodeAt(all.length - 1)
    const isHalf = last >= 0xd800 && last < 0xdc00
    this.#half = isHalf ? all.slice(-1) : ''
    for (const char of isHalf ? all.slice(0, -1) : all) this.#filter(this.#tags.push(char))
    return this.#take()
  }

  /** What was held back, once the answer is over. */
  finish(): string {
    this.#filter(this.#tags.flush())
    this.#endWord()
    return this.#take()
  }

  #take(): string {
    const output = this.#output
    this.#output = ''
    return output
  }

  #filter(text: string): void {
    for (const char of text) this.#add(char)
  }

  #add(char: string): void {
    if (/\s/u.test(char)) this.#addSpace(char)
    else this.#word += char
    if (wideMark.test(char) || this.#word.length >= longestWord) this.#endWord()
  }

  #addSpace(char: string): void {
    this.#endWord()
    if (char === '\n' || char === '\u2028' || char === '\u2029') this.#endLine()
    if (!this.#hasSpoken || this.#isApart) return
    this.#needsSpace = true
    if (this.#endsClause) this.#space()
  }

  /** Given at once behind the end of a clause, whose speaker waits for it; else a mark may still follow where an address was left out. */
  #space(): void {
    if (this.#needsSpace) this.#output += ' '
    if (this.#needsSpace) this.#isApart = true
    this.#needsSpace = false
  }

  #endLine(): void {
    if (this.#hasSpoken) this.#output += '\n'
    if (this.#hasSpoken) this.#isApart = true
    if (this.#isFenceLine) this.#isFenceLine = false
    this.#isLineStart = true
    this.#hasSpoken = false
    this.#needsComma = false
    this.#needsSpace = false
    this.#isCode = false
    this.#isTarget = false
  }

  #endWord(): void {
    const word = this.#word
    this.#word = ''
    if (word === '' || this.#isFenceLine) return
    const isFirst = this.#isLineStart
    const fence = isFirst ? /^(?:`{3,}|~{3,})/.exec(word)?.[0] : undefined
    if (fence !== undefined) this.#meetFence(fence)
    else this.#addWord(word, isFirst)
  }

  #addWord(word: string, isFirst: boolean): void {
    this.#isLineStart = isFirst && isLineMark(word)
    if (this.#fence !== undefined || this.#isLineStart) return
    // A clause would end behind "1.".
    this.#splitCells(isFirst ? word.replace(/^(\d{1,2})[.)]$/, '$1,') : word)
  }

  /** A fence's line says the language: nothing of it is spoken. */
  #meetFence(fence: string): void {
    this.#isLineStart = false
    this.#isFenceLine = true
    if (this.#fence === undefined) this.#fence = fence
    else if (fence.startsWith(this.#fence)) this.#fence = undefined
  }

  #splitCells(word: string): void {
    const cells = word.split('|')
    for (const [i, cell] of cells.entries()) {
      if (i > 0) this.#needsComma = this.#hasSpoken
      if (cell !== '') this.#speak(this.#withoutTarget(cell))
    }
  }

  /** What of a word stands outside a link's target, which may hold a title with spaces. */
  #withoutTarget(word: string): string {
    if (this.#isTarget) {
      const end = word.indexOf(')')
      if (end < 0) return ''
      this.#isTarget = false
      return word.slice(end + 1)
    }
    const start = /\]\([^)]*$/.exec(word)
    if (!start) return word
    this.#isTarget = true
    return word.slice(0, start.index)
  }

  #speak(word: string): void {
    const ticks = word.split('`').length - 1
    const isCode = this.#isCode || ticks > 0
    if (ticks % 2 === 1) this.#isCode = !this.#isCode
    const spoken = toSpokenWord(word, isCode ? 'code' : 'text')
    if (spoken === '') return
    if (this.#needsComma) this.#addComma()
    if (!closingMark.test(spoken)) this.#space()
    this.#output += spoken
    this.#endsClause = clauseEnd.test(spoken)
    this.#hasSpoken = true
    this.#isApart = false
  }

  #addComma(): void {
    this.#needsComma = false
    if (!this.#endsClause) this.#output += ','
    this.#needsSpace = !this.#isApart
  }
}

/** What begins a heading, a quotation or an item of a list. */
function isLineMark(word: string): boolean {
  return /^(?:#{1,6}|>+|[-*+•]|\[[ xX]?\]?)$/.test(word) || word === ']'
}

import type { HeardWindow, HeardWord } from './speech-protocol.ts'

/** Frames a second of its front end. */
const frameRate = 100
/** Of `-backtrace`: word, first and last frame, probability, three scores. */
const heading = /^word +start end +pprob/
const row = /^(\S+) +(\d+) +(\d+) +([\d.]+) +-?\d+ +-?\d+ +-?\d+ *$/
/** The file is descriptor 3. */
const done = /^3 done -+$/
/** Silence, noises and the ends of a sentence. */
const noWord = /^[<[+]/

/** Reads what pocketsphinx_batch heard out of its log. */
export class PocketsphinxLog {
  #words: HeardWord[] = []
  #lastError = ''

  /** The last line that tells of an error; empty for none. */
  get lastError(): string {
    return this.#lastError
  }

  /** The next line; gives what was heard when it ends a window. */
  read(line: string): HeardWindow | undefined {
    if (/^(ERROR|FATAL)/.test(line)) this.#lastError = line
    if (heading.test(line)) this.#words = []
    const [, word = '', first, last, probability] = row.exec(line) ?? []
    if (word !== '' && !noWord.test(word)) {
      // A second way to say a word is `word(2)`.
      const text = word.replace(/\(\d+\)$/, '')
      const confidence = Math.min(1, Number(probability))
      this.#words.push({ text, start: Number(first) / frameRate, end: (Number(last) + 1) / frameRate, confidence })
    }
    return done.test(line) ? this.#finish() : undefined
  }

  #finish(): HeardWindow {
    const words = this.#words
    this.#words = []
    return { text: words.map(({ text }) => text).join(' '), words, language: 'en' }
  }
}

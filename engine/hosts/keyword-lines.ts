/** A phrase that was heard: seconds from the first sample. */
export interface TimedKeyword {
  readonly phrase: string
  readonly start: number
  readonly end: number
}

/** Phrase, start, end, score. */
const row = /^(\S.*?) +(\d+\.\d+) (\d+\.\d+) \d+\.\d+ *$/
/** Far more than it prints at one pause; what is longer without an end of line is none of its rows. */
const maxRest = 10_000

/** Reads what pocketsphinx_continuous prints with `-time yes`: at each pause a line of all phrases, then a row for each, the newest first. */
export class KeywordLines {
  #rest = ''

  /** What was heard, the earliest first. */
  read(text: string): TimedKeyword[] {
    const lines = (this.#rest + text).split('\n')
    this.#rest = (lines.pop() ?? '').slice(-maxRest)
    const heard = lines.flatMap((line) => {
      const [, phrase, start, end] = row.exec(line) ?? []
      return phrase === undefined ? [] : [{ phrase, start: Number(start), end: Number(end) }]
    })
    return heard.sort((a, b) => a.start - b.start)
  }
}

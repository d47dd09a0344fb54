/** A clause of a reply and its sound. */
export interface SpokenClause {
  /** As it was given to the synthesiser. */
  readonly text: string
  /** Milliseconds of its sound that were handed to the listener. */
  readonly soundMs: number
  /** All of its sound was. */
  readonly isWhole: boolean
  /** Per word of `text`: the millisecond of the clause's sound at which it ends, where the synthesiser tells. */
  readonly wordEnds?: readonly number[]
}

/** For a clause whose sound is not all there: English and German are spoken at about 15 letters a second. */
const msPerLetter = 65

/** Players tell whole milliseconds. */
const toleranceMs = 0.5

/**
 * The words whose sound was over after `playedMs` milliseconds of the reply. Where the synthesiser tells no times, a clause's words share its
 * sound in proportion to their letters.
 */
export function heardText(clauses: readonly SpokenClause[], playedMs: number): string {
  const heard: string[] = []
  let start = 0
  for (const clause of clauses) {
    heard.push(...heardWords(clause, playedMs - start))
    start += clause.soundMs
  }
  return heard.join(' ')
}

/** Milliseconds of sound that a reply has so far. */
export function soundOf(clauses: readonly SpokenClause[]): number {
  return clauses.reduce((sum, { soundMs }) => sum + soundMs, 0)
}

function heardWords(clause: SpokenClause, playedMs: number): string[] {
  const words = wordsOf(clause.text)
  if (playedMs <= 0) return []
  if (clause.isWhole && playedMs + toleranceMs >= clause.soundMs) return words
  const ends = clause.wordEnds ?? sharedEnds(words, clause)
  return words.filter((_, i) => (ends[i] ?? clause.soundMs) <= playedMs + toleranceMs)
}

/** A space counts as a letter: short words take more than their letters. */
function sharedEnds(words: readonly string[], { soundMs, isWhole, text }: SpokenClause): number[] {
  const total = words.reduce((sum, { length }) => sum + length + 1, 0)
  const length = isWhole ? soundMs : Math.max(soundMs, text.length * msPerLetter)
  let letters = 0
  return words.map((word) => {
    letters += word.length + 1
    return (length * letters) / total
  })
}

export function wordsOf(text: string): string[] {
  return text.split(/\s+/u).filter((word) => word !== '')
}

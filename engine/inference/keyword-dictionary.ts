import { readFile } from 'node:fs/promises'
import { EngineError } from '../errors.ts'

const mostPhrases = 20
const mostWords = 5
const wordForm = /^[a-z][a-z'.-]*$/

/** A phrase to listen for. */
export interface KnownPhrase {
  /** As it was asked for. */
  readonly asked: string
  /** In lower case, one space between words. */
  readonly phrase: string
  /** How many phones it has. */
  readonly phones: number
}

/** Looks phrases up in a pronouncing dictionary of the CMU's form. Throws `invalid` for what is not in it, naming each word. */
export async function lookUpPhrases(asked: readonly string[], dictionary: string): Promise<KnownPhrase[]> {
  if (asked.length < 1 || asked.length > mostPhrases)
    throw new EngineError('invalid', `Expected 1 to ${mostPhrases} words to listen for, received ${asked.length}`)
  const split = asked.map((phrase) => ({ asked: phrase, words: wordsOf(phrase) }))
  const text = `\n${await readFile(dictionary, 'utf8')}`
  const all = [...new Set(split.flatMap(({ words }) => words))]
  const phones = new Map(all.map((word) => [word, phonesOf(text, word)]))
  const unknown = all.filter((word) => phones.get(word) === 0)
  if (unknown.length > 0)
    throw new EngineError(
      'invalid',
      `Expected English words of the pronouncing dictionary (${dictionary}), which does not know ${unknown.join(', ')}. Choose others`,
    )
  return split.map(({ asked, words }) => ({
    ...{ asked, phrase: words.join(' ') },
    phones: words.reduce((sum, word) => sum + (phones.get(word) ?? 0), 0),
  }))
}

function wordsOf(phrase: string): string[] {
  const words = phrase.trim().toLowerCase().split(/\s+/)
  if (words.length > mostWords || !words.every((word) => wordForm.test(word)))
    throw new EngineError('invalid', `Expected a phrase of 1 to ${mostWords} English words, received "${phrase}"`)
  return words
}

function phonesOf(text: string, word: string): number {
  const at = text.indexOf(`\n${word} `)
  if (at < 0) return 0
  const [, ...phones] = text
    .slice(at + 1, text.indexOf('\n', at + 1))
    .trim()
    .split(/\s+/)
  return phones.length
}

import { describe, expect, it } from 'vitest'
import { ClauseSplitter, isSpeakable, toSpeakable } from '../../engine/inference/clauses.ts'

/** Clauses of a text that comes in pieces of so many letters. */
function split(text: string, size = text.length): string[] {
  const splitter = new ClauseSplitter()
  const clauses: string[] = []
  for (let at = 0; at < text.length; at += size) clauses.push(...splitter.push(text.slice(at, at + size)))
  return [...clauses, ...splitter.finish()]
}

describe('a clause splitter', () => {
  it.each([
    ['One. Two! Three? Four', ['One.', 'Two!', 'Three?', 'Four']],
    ['He said "Go." Then he left.', ['He said "Go."', 'Then he left.']],
    ['It costs 3.50 at example.org today.', ['It costs 3.50 at example.org today.']],
    ['Dr. Smith met Mr. J. Doe. They spoke.', ['Dr. Smith met Mr. J. Doe.', 'They spoke.']],
    ['First line\nsecond line', ['First line', 'second line']],
    ['你好。今天天气很好！', ['你好。', '今天天气很好！']],
    ['', []],
    [' \n ', []],
  ])('cuts %j', (text, clauses) => {
    expect(split(text)).toEqual(clauses)
  })

  it('cuts the first clause at an early comma, so that the first sound comes soon, and later ones less', () => {
    const text = 'When the rain had stopped, we went out, and the children, who had waited, ran to the garden at once.'
    expect(split(text)).toEqual([
      'When the rain had stopped,',
      'we went out, and the children, who had waited, ran to the garden at once.',
    ])
  })

  it('gives a clause only when it is certain that it ends', () => {
    const splitter = new ClauseSplitter()
    expect(splitter.push('It is 3.')).toEqual([])
    expect(splitter.push('5 metres long. ')).toEqual(['It is 3.5 metres long.'])
  })

  it('cuts a text without marks at a space', () => {
    const clauses = split('word '.repeat(200))
    expect(Math.max(...clauses.map((clause) => clause.length))).toBeLessThanOrEqual(240)
    expect(clauses.join(' ')).toBe('word '.repeat(200).trim())
    expect(split('x'.repeat(500)).map((clause) => clause.length)).toEqual([240, 240, 20])
  })

  it('gives the same clauses however the text comes', () => {
    const text = 'Well, this is "it": Mr. Fox; three things, four. Then 2.5 more!\nAnd — so on… the end'
    for (const size of [1, 2, 3, 7, 20]) expect(split(text, size), `pieces of ${size}`).toEqual(split(text))
  })
})

it('makes one line of a text, without what would mean something else to espeak-ng', () => {
  expect(toSpeakable(' a\u0000b\u200B \n c [[h@lou]] ')).toBe('a b c [h@lou]]')
})

it('knows what makes a sound', () => {
  expect(['a', '7', '€', '50 %', 'ß'].map(isSpeakable)).toEqual([true, true, true, true, true])
  expect(['', '...', '—', '!?'].map(isSpeakable)).toEqual([false, false, false, false])
})

import { describe, expect, it } from 'vitest'
import { heardText } from '../../engine/voice/heard.ts'
import {
  type History,
  type HistoryItem,
  mostItems,
  previousOf,
  type ReplyItem,
  toMessages,
  truncated,
  withItem,
  withoutItem,
} from '../../engine/voice/history.ts'

const clauses = [
  { text: 'one two three', soundMs: 1000, isWhole: true },
  { text: 'four five', soundMs: 500, isWhole: true },
]
const user = (id: string, text = id): HistoryItem => ({ id, type: 'message', role: 'user', text })
const reply = (change: Partial<ReplyItem> = {}): ReplyItem => ({
  id: 'r',
  type: 'reply',
  text: '**one** two three four five',
  isSpoken: true,
  clauses,
  playedMs: 1500,
  status: 'completed',
  ...change,
})

describe('what was heard', () => {
  it.each([
    [0, ''],
    [280, ''],
    [290, 'one'],
    [1000, 'one two three'],
    [1249, 'one two three'],
    [1251, 'one two three four'],
    [1500, 'one two three four five'],
    [9999, 'one two three four five'],
  ])('after %i ms is by letters %j', (ms, words) => {
    expect(heardText(clauses, ms)).toBe(words)
  })

  it("is by the synthesiser's own times where it tells them", () => {
    const timed = [{ text: 'one two three', soundMs: 1000, isWhole: true, wordEnds: [100, 900, 1000] }]
    expect([100, 101, 900, 950, 1000].map((ms) => heardText(timed, ms))).toEqual([
      'one',
      'one',
      'one two',
      'one two',
      'one two three',
    ])
    expect(heardText(timed, 98)).toBe('')
  })

  it('does not take the sound that has come for all of a clause', () => {
    expect(heardText([{ text: 'one two three', soundMs: 300, isWhole: false }], 300)).toBe('one')
  })
})

describe('a history', () => {
  it('gives the model only the words that were heard of an interrupted reply', () => {
    const history: History = [user('u', 'Count'), reply({ status: 'incomplete', playedMs: 1251 }), user('v', 'Stop')]
    expect(toMessages(history).map(({ content }) => content)).toEqual(['Count', 'one two three four', 'Stop'])
  })

  it('gives a reply that was heard whole as the model wrote it', () => {
    expect(toMessages([reply()])).toEqual([{ role: 'assistant', content: '**one** two three four five' }])
  })

  it('leaves a reply out of which nothing was heard, and joins what the user said before and after', () => {
    const history = [user('u', 'I want'), reply({ status: 'incomplete', playedMs: 0 }), user('v', 'to go')]
    expect(toMessages(history)).toEqual([{ role: 'user', content: 'I want\nto go' }])
  })

  it('truncates a completed reply at the milliseconds heard', () => {
    expect(toMessages(truncated([reply()], 'r', 1000))).toEqual([{ role: 'assistant', content: 'one two three' }])
    expect(toMessages(truncated([reply()], 'r', 0))).toEqual([])
  })

  it.each([1500, 1501, 1600])('takes %i ms as the end of 1500 ms', (ms) => {
    expect(truncated([reply()], 'r', ms)).toEqual([reply()])
  })

  it.each([-1, 1601, Number.NaN])('refuses to truncate 1500 ms at %d', (ms) => {
    expect(() => truncated([reply()], 'r', ms)).toThrow('Expected audio_end_ms to be 0 to 1500')
  })

  it('refuses to truncate what was not spoken or is not there', () => {
    expect(() => truncated([user('u')], 'u', 0)).toThrow('Expected a reply of the assistant')
    expect(() => truncated([], 'x', 0)).toThrow('Expected the id of an item of this conversation, received x')
  })

  it('puts an item behind any other, at the front and at the end', () => {
    const history = withItem(withItem(withItem(withItem([], user('a')), user('b')), user('c'), 'a'), user('d'), null)
    expect(history.map(({ id }) => id)).toEqual(['d', 'a', 'c', 'b'])
    expect(history.map(({ id }) => previousOf(history, id))).toEqual([null, 'd', 'a', 'c'])
    expect(withoutItem(history, 'a').map(({ id }) => id)).toEqual(['d', 'c', 'b'])
    expect(() => withItem(history, user('e'), 'x')).toThrow('received x')
    expect(() => withItem(history, user('a'))).toThrow('Expected an id that is not in the conversation yet')
  })

  it('gives calls with their results, and neither without the other', () => {
    const call = (id: string): HistoryItem => ({
      id,
      type: 'call',
      call: { id: `call-${id}`, name: 'look', arguments: {} },
    })
    const result = (id: string): HistoryItem => ({
      id: `${id}r`,
      type: 'result',
      callId: `call-${id}`,
      name: 'look',
      output: 'a cat',
    })
    const messages = toMessages([user('u'), call('a'), call('b'), call('c'), result('a'), result('b'), result('z')])
    expect(
      messages.map(({ role, toolCalls, toolCallId }) => [role, toolCalls?.map(({ id }) => id) ?? toolCallId]),
    ).toEqual([
      ['user', undefined],
      ['assistant', ['call-a', 'call-b']],
      ['tool', 'call-a'],
      ['tool', 'call-b'],
    ])
  })

  it('drops its older half at once, up to something that the user said', () => {
    let history: History = []
    for (let i = 0; i <= mostItems; i++) history = withItem(history, i % 2 ? reply({ id: `${i}` }) : user(`${i}`))
    expect(history[0]?.id).toBe('64')
    expect(history).toHaveLength(mostItems / 2 + 1)
  })
})

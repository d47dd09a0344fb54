import { describe, expect, it } from 'vitest'
import { type AnswerPiece, AnswerSplitter } from '../../engine/inference/answer-splitter.ts'

const all = { thinking: true, tools: true }

function split(pieces: readonly string[], kinds = all): AnswerPiece[] {
  const splitter = new AnswerSplitter(kinds)
  return [...pieces.flatMap((piece) => splitter.push(piece)), ...splitter.flush()]
}

/** Neighbours of one type as one: where pieces part is not told. */
function join(pieces: readonly AnswerPiece[]): AnswerPiece[] {
  const joined: AnswerPiece[] = []
  for (const piece of pieces) {
    const last = joined.at(-1)
    if (last && last.type !== 'tool-call' && piece.type === last.type)
      joined[joined.length - 1] = { type: piece.type, text: last.text + piece.text }
    else joined.push(piece)
  }
  return joined
}

const call = (name: string, given = {}) => ({ type: 'tool-call', name, arguments: given })
const text = (words: string) => ({ type: 'text', text: words })

describe('AnswerSplitter', () => {
  it('gives text as it comes', () => {
    expect(split(['one', ' two'])).toEqual([text('one'), text(' two')])
  })

  it('parts what is thought from what is said, without the space between', () => {
    const answer = '<think>\nFirst this.\n</think>\n\nThen that.'
    expect(join(split([answer]))).toEqual([{ type: 'thinking', text: 'First this.' }, text('Then that.')])
  })

  it('finds the same parts however the answer comes', () => {
    const answer =
      'Look: <think>if</think> so\n<tool_call>\n{"name":"a","arguments":{"b":[1]}}\n</tool_call>\n<tool_call>{"name":"c"}</tool_call>'
    const expected = [text('Look:'), { type: 'thinking', text: 'if' }, text('so'), call('a', { b: [1] }), call('c')]
    expect(join(split([answer]))).toEqual(expected)
    expect(join(split([...answer]))).toEqual(expected)
    for (let at = 1; at < answer.length; at++)
      expect(join(split([answer.slice(0, at), answer.slice(at)]))).toEqual(expected)
  })

  it('holds back no more than what may be a mark', () => {
    const splitter = new AnswerSplitter(all)
    expect(splitter.push('a < b')).toEqual([text('a < b')])
    expect(splitter.push(' <to')).toEqual([])
    expect(splitter.push('day>')).toEqual([text(' <today>')])
  })

  it('takes arguments that are JSON in a text, and a call whose end the model has left out', () => {
    expect(split(['<tool_call>{"name":"a","arguments":"{\\"b\\":1}"}'])).toEqual([call('a', { b: 1 })])
  })

  it.each(['{"name":', '{"name":7}', '["a"]', '{"name":"a","arguments":[1]}'])(
    'gives a call that is none as the text that it is: %s',
    (body) => {
      const answer = `<tool_call>${body}</tool_call>`
      expect(join(split([answer]))).toEqual([text(answer)])
    },
  )

  it('leaves alone what it was not told to look for', () => {
    const answer = '<think>x</think><tool_call>{"name":"a"}</tool_call>'
    expect(join(split([...answer], { thinking: false, tools: false }))).toEqual([text(answer)])
  })
})

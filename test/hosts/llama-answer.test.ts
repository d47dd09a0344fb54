import { describe, expect, it } from 'vitest'
import { type AnswerForm, AnswerText } from '../../engine/hosts/llama-answer.ts'
import type { LlamaItem } from '../../engine/hosts/llama-protocol.ts'

const plain: AnswerForm = { thinking: 'none', tools: null, toolNames: [] }
const thinking: AnswerForm = { ...plain, thinking: 'tags' }
const tagged: AnswerForm = { ...plain, tools: 'tags', toolNames: ['clock'] }
const bare: AnswerForm = { ...plain, tools: 'bare', toolNames: ['clock'] }

/** Reads the text in pieces of so many characters, each of one token. Pieces of one kind that follow each other are joined. */
function read(form: AnswerForm, text: string, size: number, stop: readonly string[] = []) {
  const answer = new AnswerText(form, stop)
  const items: LlamaItem[] = []
  for (let at = 0; at < text.length; at += size) {
    items.push(...answer.take({ text: text.slice(at, at + size), tokens: 1 }))
    if (answer.stopped) break
  }
  items.push(...answer.end({ text: '', tokens: 0 }))
  return {
    stopped: answer.stopped,
    said: join(items),
    tokens: items.reduce((sum, item) => sum + ('tokens' in item ? item.tokens : 0), 0),
  }
}

function join(items: readonly LlamaItem[]): unknown[] {
  const said: [string, unknown][] = []
  for (const item of items) {
    const last = said.at(-1)
    if (item.type === 'tool-call') said.push(['tool-call', item.call])
    else if (item.type === 'text' || item.type === 'thinking') {
      if (last?.[0] === item.type) last[1] = `${last[1]}${item.text}`
      else said.push([item.type, item.text])
    }
  }
  return said
}

const call = (zone: string) => ({ name: 'clock', arguments: { zone } })
const written = (zone: string) => `<tool_call>\n${JSON.stringify(call(zone))}\n</tool_call>`

describe.each([1, 2, 3, 7, 1000])('an answer in pieces of %i characters', (size) => {
  it('is said as it is where nothing is told apart', () => {
    const text = '  <think> a </think> <tool_call>{}</tool_call> { b '
    expect(read(plain, text, size)).toMatchObject({
      said: [['text', text]],
      stopped: false,
      tokens: Math.ceil(text.length / size),
    })
  })

  it('has its thoughts apart, without the blanks around them', () => {
    expect(read(thinking, '\n<think>\nLet me see.\n</think>\n\nIt is <b> 3.', size).said).toEqual([
      ['thinking', expect.stringMatching(/^Let me see\.\n?$/)],
      ['text', 'It is <b> 3.'],
    ])
    expect(read({ ...thinking, thinking: 'open' }, '\nSo.</think>3', size).said).toEqual([
      ['thinking', 'So.'],
      ['text', '3'],
    ])
    expect(read(thinking, '3 <think>not at the beginning</think>', size).said).toEqual([
      ['text', '3 <think>not at the beginning</think>'],
    ])
    expect(read(thinking, '<think>never ended', size).said).toEqual([['thinking', 'never ended']])
    expect(read(thinking, '<thin ice', size).said).toEqual([['text', '<thin ice']])
  })

  it('has its calls apart, several of them too', () => {
    expect(read(tagged, `Wait.\n${written('UTC')}\n${written('CET')}`, size).said).toEqual([
      ['text', 'Wait.\n'],
      ['tool-call', call('UTC')],
      ['tool-call', call('CET')],
    ])
    const both = { ...tagged, thinking: 'tags' } as const
    expect(read(both, `<think>\nHm\n</think>\n\n${written('UTC')}`, size).said).toEqual([
      ['thinking', expect.stringMatching(/^Hm\n?$/)],
      ['tool-call', call('UTC')],
    ])
  })

  it('has calls in bare JSON apart, at its beginning only', () => {
    const text = '{"name": "clock", "parameters": {"zone": "UTC"}}'
    expect(read(bare, text, size).said).toEqual([['tool-call', call('UTC')]])
    expect(read(bare, `<|python_tag|>${text}`, size).said).toEqual([['tool-call', call('UTC')]])
    expect(read(bare, `Here: ${text}`, size).said).toEqual([['text', `Here: ${text}`]])
  })

  it('says what is no call of a tool that there is', () => {
    const other = '<tool_call>{"name":"lock","arguments":{}}</tool_call>'
    expect(read(tagged, other, size).said).toEqual([['text', other]])
    expect(read(tagged, '<tool_call>{"name":', size).said).toEqual([['text', '<tool_call>{"name":']])
    expect(read(tagged, '<tool_call>[1]</tool_call> 2 < 3', size).said).toEqual([
      ['text', '<tool_call>[1]</tool_call> 2 < 3'],
    ])
    expect(read(bare, '{"name": "lock"}', size).said).toEqual([['text', '{"name": "lock"}']])
    expect(read(bare, '{ this is a set }', size).said).toEqual([['text', '{ this is a set }']])
  })

  it('ends before the first of its stop texts', () => {
    expect(read(plain, 'One. Two. Three.', size, ['Three', 'Two'])).toMatchObject({
      said: [['text', 'One. ']],
      stopped: true,
    })
    expect(read(thinking, '<think>Two. END</think>', size, ['END'])).toMatchObject({
      said: [['thinking', 'Two. ']],
      stopped: true,
    })
  })

  it('says what only looked like the beginning of a stop text', () => {
    expect(read(plain, 'a ## b #', size, ['###'])).toMatchObject({ said: [['text', 'a ## b #']], stopped: false })
    expect(read(plain, 'a ### b', size, ['###'])).toMatchObject({ said: [['text', 'a ']], stopped: true })
    expect(read(plain, 'abc', size, [''])).toMatchObject({ said: [['text', 'abc']], stopped: false })
  })
})

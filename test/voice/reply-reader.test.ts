import { expect, it } from 'vitest'
import type { LanguageEvent, LanguageUsage } from '../../engine/inference/language.ts'
import { ReplyReader } from '../../engine/voice/reply-reader.ts'

const usage = { promptTokens: 1, answerTokens: 1 } as LanguageUsage
const text = (words: string): LanguageEvent => ({ type: 'text', text: words, tokens: 1 })
const done: LanguageEvent = { type: 'done', reason: 'stop', usage }

function read(events: readonly LanguageEvent[], modality: 'audio' | 'text' = 'audio') {
  const reader = new ReplyReader(modality)
  return events.flatMap((event) => reader.read(event))
}

it('gives the text as it is written, and clean clauses as soon as they are whole', () => {
  expect(read([text('**Hello'), text('** there 😀. '), text('See https://a.b/c now'), done])).toEqual([
    { type: 'reply-text', text: '**Hello' },
    { type: 'reply-text', text: '** there 😀. ' },
    { type: 'clause', text: 'Hello there.' },
    { type: 'reply-text', text: 'See https://a.b/c now' },
    { type: 'clause', text: 'See now' },
    { type: 'generated' },
  ])
})

it('gives no thought and no clause without a sound, and calls as they come', () => {
  const call = { id: 'a', name: 'look', arguments: {} }
  const thinking: LanguageEvent = { type: 'thinking', text: 'Hm. ', tokens: 1 }
  expect(read([thinking, text('😀 ...\n'), { type: 'tool-call', call }, done])).toEqual([
    { type: 'reply-text', text: '😀 ...\n' },
    { type: 'tool-call', call },
    { type: 'generated' },
  ])
})

it('gives no clauses of what is only to be read', () => {
  expect(read([text('One. Two. '), done], 'text').map(({ type }) => type)).toEqual(['reply-text', 'generated'])
})

import { describe, expect, it } from 'vitest'
import { type KeptContext, lackingTurns, toMessageTexts, toTurns } from '../../engine/inference/hailo-turns.ts'
import type { ChatMessage } from '../../engine/inference/language.ts'

const user = (content: string, images?: Uint8Array[]): ChatMessage => ({
  role: 'user',
  content,
  ...(images && { images }),
})
const assistant = (content: string): ChatMessage => ({ role: 'assistant', content })
const system: ChatMessage = { role: 'system', content: 'Be brief.' }

async function kept(messages: readonly ChatMessage[], tools: readonly string[] = []): Promise<KeptContext> {
  return { turns: await toTurns(messages), tools, used: 100 }
}

async function lacking(context: KeptContext, messages: readonly ChatMessage[], tools: readonly string[] = []) {
  return lackingTurns(context, await toTurns(messages), tools)?.map(({ text }) => text)
}

describe('the turns that a context lacks', () => {
  it('are those after it, when the conversation has only grown', async () => {
    const context = await kept([system, user('Hi'), assistant('Hello.')])
    expect(await lacking(context, [system, user('Hi'), assistant(' Hello.\n'), user('Bye')])).toEqual(['Bye'])
  })

  it('are not known when anything of the past is another', async () => {
    const context = await kept([system, user('Hi'), assistant('Hello.')])
    const grown = [system, user('Hi'), assistant('Hello.'), user('Bye')]
    expect(await lacking(context, [system, user('Hi'), assistant('Hey.'), user('Bye')])).toBeUndefined()
    expect(await lacking(context, [{ ...system, content: 'Be long.' }, ...grown.slice(1)])).toBeUndefined()
    expect(await lacking(context, grown.slice(1))).toBeUndefined()
    expect(await lacking(context, grown.slice(0, 3))).toBeUndefined()
    expect(await lacking(context, grown, ['{"name":"a"}'])).toBeUndefined()
    expect(await lacking(context, [...grown, system])).toBeUndefined()
  })

  it('tell pictures apart by what is in them', async () => {
    const [one, other] = [new Uint8Array([1, 2]), new Uint8Array([1, 3])]
    const context = await kept([user('What?', [one]), assistant('Red.')])
    const asked = (picture: Uint8Array) => [user('What?', [picture]), assistant('Red.'), user('Sure?')]
    expect(await lacking(context, asked(new Uint8Array([1, 2])))).toEqual(['Sure?'])
    expect(await lacking(context, asked(other))).toBeUndefined()
  })
})

describe('messages as the library takes them', () => {
  it('write out calls of tools and their answers, which are one turn', async () => {
    const turns = await toTurns([
      user('Weather?'),
      { role: 'assistant', content: '', toolCalls: [{ id: '1', name: 'weather', arguments: { town: 'Ulm' } }] },
      { role: 'tool', content: 'Rain' },
      { role: 'tool', content: '7 °C' },
    ])
    expect(toMessageTexts(turns, false).map((text) => JSON.parse(text))).toEqual([
      { role: 'user', content: 'Weather?' },
      {
        role: 'assistant',
        content: '<tool_call>\n{"name":"weather","arguments":{"town":"Ulm"}}\n</tool_call>',
      },
      {
        role: 'user',
        content: '<tool_response>\nRain\n</tool_response>\n<tool_response>\n7 °C\n</tool_response>',
      },
    ])
  })

  it('name a place for each picture where the model sees', async () => {
    const turns = await toTurns([user('Which?', [new Uint8Array(1), new Uint8Array(2)])])
    expect(toMessageTexts(turns, true).map((text) => JSON.parse(text))).toEqual([
      { role: 'user', content: [{ type: 'image' }, { type: 'image' }, { type: 'text', text: 'Which?' }] },
    ])
  })
})

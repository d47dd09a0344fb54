import { describe, expect, it } from 'vitest'
import { EngineError } from '../../engine/errors.ts'
import type { ChatMessage, LanguageRequest } from '../../engine/inference/language.ts'
import type { VoiceTools } from '../../engine/voice/voice-tools.ts'
import { Conversations } from '../../engine/wyoming/conversations.ts'
import { ScriptedLanguage, type ScriptedModel } from '../support/scripted-language.ts'
import { until } from '../support/wait.ts'
import { startWyoming } from '../support/wyoming.ts'

const call = { id: 'c1', name: 'look', arguments: { stream: 'hall' } }
const tools: VoiceTools = {
  tools: [{ name: 'look', parameters: { type: 'object' } }],
  call: async ({ arguments: given }) => {
    if (given.stream === 'hall') return '1 dog'
    throw new EngineError('invalid', 'no such stream')
  },
}

function messagesOf({ input }: LanguageRequest): readonly ChatMessage[] {
  return 'messages' in input ? input.messages : []
}

function start(script?: ScriptedModel['script'], more: Partial<ScriptedModel> = {}) {
  const language = new ScriptedLanguage([{ name: 'm', ...(script && { script }), ...more }])
  const handling = { instructions: 'Be brief.', tools }
  return { language, starting: startWyoming({ language, handling }) }
}

describe('answers over Wyoming', () => {
  it('come as they are written, with the context of the question', async () => {
    const { language, starting } = start(() => [' Good', ' evening', '.'])
    await using wyoming = await starting
    using client = await wyoming.connect()
    const context = { conversation_id: 'a' }
    client.send('transcript', { text: 'hello', language: 'en', context })
    const seen = await client.until('handled-stop')
    expect(seen.map(({ type, data }) => [type, data])).toEqual([
      ['handled-start', { context }],
      ['handled-chunk', { text: 'Good' }],
      ['handled-chunk', { text: ' evening' }],
      ['handled-chunk', { text: '.' }],
      ['handled', { text: 'Good evening.', context }],
      ['handled-stop', {}],
    ])
    expect(messagesOf(language.requests[0] as LanguageRequest)).toEqual([
      { role: 'system', content: 'Be brief.' },
      { role: 'user', content: 'hello' },
    ])
  })

  it('know what was said before in a conversation of that name, over another connection too', async () => {
    const { language, starting } = start(() => ['yes'])
    await using wyoming = await starting
    for (const [text, conversation_id] of [
      ['one', 'a'],
      ['other', 'b'],
      ['two', 'a'],
      ['alone', undefined],
    ]) {
      using client = await wyoming.connect()
      client.send('transcript', { text, context: conversation_id ? { conversation_id } : null })
      await client.one('handled-stop')
    }
    const said = language.requests.map((request) =>
      messagesOf(request)
        .slice(1)
        .map(({ content }) => content),
    )
    expect(said).toEqual([['one'], ['other'], ['one', 'yes', 'two'], ['alone']])
  })

  it('may ask the engine’s tools first, and hear what went wrong', async () => {
    const { language, starting } = start(({ input }) => {
      const last = 'messages' in input ? input.messages.at(-1) : undefined
      if (last?.role === 'user') return [{ call }]
      if (last?.content === '1 dog') return [{ call: { ...call, id: 'c2', arguments: { stream: 'attic' } } }]
      return [`I heard: ${last?.content}`]
    })
    await using wyoming = await starting
    using client = await wyoming.connect()
    client.send('transcript', { text: 'what is there?' })
    const seen = await client.until('handled')
    expect(seen.at(-1)?.data.text).toBe('I heard: Error: no such stream')
    expect(language.requests.map(({ tools: offered }) => offered?.map(({ name }) => name))).toEqual([
      ['look'],
      ['look'],
      ['look'],
    ])
    expect(messagesOf(language.requests[1] as LanguageRequest).slice(2)).toEqual([
      { role: 'assistant', content: '', toolCalls: [call] },
      { role: 'tool', content: '1 dog', toolCallId: 'c1', toolName: 'look' },
    ])
  })

  it('come without tools from a model that goes on asking, and from one that knows none', async () => {
    const { language, starting } = start(({ tools: offered }) => (offered ? [{ call }] : ['at last']))
    await using wyoming = await starting
    using client = await wyoming.connect()
    client.send('transcript', { text: 'x' })
    expect((await client.one('handled')).data.text).toBe('at last')
    expect(language.requests).toHaveLength(6)
    const capabilities = { ...(await language.find('m')).capabilities, tools: false }
    const without = start(undefined, { capabilities })
    await using other = await without.starting
    using second = await other.connect()
    second.send('transcript', { text: 'echo' })
    await second.one('handled')
    expect(without.language.requests[0]?.tools).toBeUndefined()
  })

  it('are not-handled when the model says nothing, and an error when it fails or there is none', async () => {
    const { starting } = start(() => [' '])
    await using wyoming = await starting
    using client = await wyoming.connect()
    client.send('transcript', { text: 'x' })
    expect((await client.until('not-handled')).map(({ type }) => type)).toEqual(['not-handled'])

    const failing = start(() => [{ fail: new EngineError('unavailable', 'the host died') }])
    await using other = await failing.starting
    using second = await other.connect()
    second.send('transcript', { text: 'x' })
    expect((await second.one('error')).data).toEqual({ text: 'the host died', code: 'unavailable' })

    await using none = await startWyoming({ language: new ScriptedLanguage([]) })
    using third = await none.connect()
    third.send('transcript', { text: 'x' })
    expect((await third.one('error')).data).toMatchObject({ code: 'unavailable' })
  })

  it('end when the client hangs up', async () => {
    const never = new Promise(() => undefined)
    const { language, starting } = start(() => ['a', { until: never }])
    await using wyoming = await starting
    const client = await wyoming.connect()
    client.send('transcript', { text: 'x' })
    await client.one('handled-chunk')
    client.socket.destroy()
    await until('the end of the generation', () => language.running === 0 && language.aborted === 1)
  })

  it('are told of in info, by models that can chat and are here', async () => {
    const capabilities = { ...(await new ScriptedLanguage([{ name: 'm' }]).find('m')).capabilities }
    const language = new ScriptedLanguage([
      { name: 'chats' },
      { name: 'embeds', capabilities: { ...capabilities, chat: false } },
    ])
    await using wyoming = await startWyoming({ language })
    using client = await wyoming.connect()
    client.send('describe')
    const [program] = (await client.one('info')).data.handle as object[]
    expect(program).toMatchObject({ supports_handled_streaming: true, models: [{ name: 'chats', languages: [] }] })
  })
})

describe('Conversations', () => {
  const user = (content: string): ChatMessage => ({ role: 'user', content })
  const answer = (content: string): ChatMessage => ({ role: 'assistant', content })

  it('forgets what is old, long ago, or too much', () => {
    let now = 0
    const conversations = new Conversations(() => now)
    conversations.remember('a', [user('hello')])
    now = 599_000
    expect(conversations.recall('a')).toEqual([user('hello')])
    now = 601_000
    expect(conversations.recall('a')).toEqual([])
    for (let i = 0; i < 65; i++) conversations.remember(`c${i}`, [user('x')])
    expect([conversations.recall('c0'), conversations.recall('c1').length]).toEqual([[], 1])
    const long = Array.from({ length: 21 }, (_, i) => [user(`${i}`), answer(`${i}`)]).flat()
    conversations.remember('long', long)
    expect(conversations.recall('long')).toEqual(long.slice(-20))
    conversations.remember('long', [...long, user('last')])
    expect(conversations.recall('long')[0]).toEqual(user('12'))
  })

  it('knows nothing of a conversation without a name', () => {
    const conversations = new Conversations()
    conversations.remember(undefined, [user('hello')])
    expect(conversations.recall(undefined)).toEqual([])
  })
})

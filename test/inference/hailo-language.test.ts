import sharp from 'sharp'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { ChatMessage, LanguageEvent } from '../../engine/inference/language.ts'
import {
  client,
  createHailoLanguage,
  type HailoLanguageSetup,
  never,
  readAnswer,
  say,
} from '../support/hailo-language.ts'
import { standinIsBuilt } from '../support/standin.ts'
import { until } from '../support/wait.ts'

const qwen = 'qwen2.5-1.5b-instruct'

describe.skipIf(!standinIsBuilt())('a language model on the Hailo device', () => {
  let setup: HailoLanguageSetup

  beforeAll(async () => {
    setup = await createHailoLanguage()
  })
  afterAll(async () => {
    await setup[Symbol.asyncDispose]()
  })

  const ask = (content: string, more = {}) => readAnswer(setup.engine.generate(qwen, say(content, more), client, never))
  const talk = (...messages: ChatMessage[]) =>
    readAnswer(setup.engine.generate(qwen, { input: { messages }, sampling: { temperature: 0 } }, client, never))
  const user = (content: string): ChatMessage => ({ role: 'user', content })
  const assistant = (content: string): ChatMessage => ({ role: 'assistant', content })

  it('is offered with what it can do, and says that it is simulated', async () => {
    const status = await setup.engine.find('qwen2.5:1.5b')
    expect(status).toMatchObject({ name: qwen, backend: 'hailo', simulated: true, format: 'hef', parameters: '1.5B' })
    expect(status.capabilities).toMatchObject({ chat: true, tools: true, vision: false, schema: false })
  })

  it('gives its tokens one by one, then how many there were and what they took', async () => {
    const { text, events, usage, reason } = await ask('count to 5')
    expect(text).toBe('[stand-in] 1 2 3 4 5')
    expect(events.filter(({ type }) => type === 'text').length).toBeGreaterThan(4)
    expect(reason).toBe('stop')
    expect(usage).toMatchObject({ answerTokens: 6, cachedTokens: 0 })
    expect(usage.promptTokens).toBeGreaterThan(3)
    expect(usage.promptMs).toBeGreaterThan(0)
    expect(usage.answerMs).toBeGreaterThan(0)
    expect((await setup.engine.find(qwen)).state).toBe('loaded')
  })

  it('ends an answer at the limit of tokens, and says so', async () => {
    const { text, reason, usage } = await ask('count to 100', { sampling: { maxTokens: 4 } })
    expect([text, reason, usage.answerTokens]).toEqual(['[stand-in] 1 2 3', 'length', 4])
  })

  it('ends an answer before a stop text that spans tokens', async () => {
    const { text, reason } = await ask('count to 100', { sampling: { stop: ['3 4', 'never'] } })
    expect([text, reason]).toEqual(['[stand-in] 1 2 ', 'stop'])
    expect((await ask('count to 2')).text).toBe('[stand-in] 1 2')
  })

  it('reads only what is new of a conversation that grows, and all of one that was rewritten', async () => {
    const first = await talk(user('count to 3'))
    const grown = await talk(user('count to 3'), assistant(first.text), user('count to 4'))
    expect(grown.text).toBe('[stand-in] 1 2 3 4')
    expect(grown.usage.cachedTokens).toBeGreaterThan(0)
    expect(grown.usage.promptTokens).toBeGreaterThan(grown.usage.cachedTokens)
    const rewritten = await talk(user('count to 3'), assistant('One, two, three.'), user('count to 4'))
    expect([rewritten.text, rewritten.usage.cachedTokens]).toEqual(['[stand-in] 1 2 3 4', 0])
  })

  it('takes a long conversation up again that another one has pushed out', async () => {
    const long = await talk({ role: 'system', content: 'You count.' }, user('count to 400'))
    await ask('count to 2')
    const { usage, text } = await talk(
      { role: 'system', content: 'You count.' },
      user('count to 400'),
      assistant(long.text),
      user('count to 2'),
    )
    expect(text).toBe('[stand-in] 1 2')
    expect(usage.cachedTokens).toBeGreaterThan(400)
  })

  it('gives a call of a tool instead of its text, and takes the answer of the tool', async () => {
    const tools = [{ name: 'weather', description: 'Tells the weather.', parameters: { type: 'object' } }]
    const asked = await readAnswer(setup.engine.generate(qwen, say('call weather', { tools }), client, never))
    expect(asked).toMatchObject({ text: '', reason: 'tool-calls', calls: [{ name: 'weather', arguments: {} }] })
    const messages: ChatMessage[] = [
      user('call weather'),
      { role: 'assistant', content: '', toolCalls: asked.calls },
      { role: 'tool', content: 'Rain', toolName: 'weather', toolCallId: asked.calls[0]?.id ?? '' },
    ]
    const request = { input: { messages }, tools, sampling: { temperature: 0 } }
    const answered = await readAnswer(setup.engine.generate(qwen, request, client, never))
    expect(answered.text).toContain('<tool_response>\nRain')
    expect(answered.usage.cachedTokens).toBeGreaterThan(0)
  })

  it.each([
    ['a format', { format: 'json' }],
    ['thinking', { think: true }],
    ['a text to go on with', { input: { prompt: 'Once' } }],
    ['pictures', { input: { messages: [{ role: 'user', content: 'Look', images: [new Uint8Array(1)] }] } }],
    ['a penalty that the device lacks', { sampling: { repeatPenalty: 1.1 } }],
    ['a larger context than it has', { sampling: { contextLength: 1e6 } }],
    ['no messages', { input: { messages: [] } }],
  ])('refuses %s as invalid', async (_, more) => {
    await expect(ask('Hello', more)).rejects.toMatchObject({ code: 'invalid' })
  })

  it('refuses a prompt that is longer than the context before anything is read', async () => {
    await expect(ask('word '.repeat(3000))).rejects.toMatchObject({ code: 'too-large' })
    expect((await ask('count to 2')).text).toBe('[stand-in] 1 2')
  })

  it('stops after the token in flight when the reader leaves, and takes the next question', async () => {
    const tokens = () => setup.standin.control('state').tokens as number
    const before = tokens()
    const seen: LanguageEvent[] = []
    for await (const event of setup.engine.generate(qwen, say('count to 1400'), client, never)) {
      seen.push(event)
      if (seen.length === 3) break
    }
    expect((await ask('count to 2')).text).toBe('[stand-in] 1 2')
    expect(tokens() - before).toBeLessThan(700)
  })

  it('answers an abort at once, while it still waits for its turn', async () => {
    const running = setup.engine.generate(qwen, say('count to 1400'), client, never)
    await running.next()
    const leaving = new AbortController()
    const waiting = readAnswer(setup.engine.generate(qwen, say('count to 2'), client, leaving.signal))
    leaving.abort()
    await expect(waiting).rejects.toMatchObject({ code: 'cancelled' })
    await running.return()
  })

  it('names the colours of a picture, which becomes a frame of the vision model in the host', async () => {
    const red = { create: { width: 640, height: 360, channels: 3, background: '#ff0000' } } as const
    const images = [await sharp(red).png().toBuffer()]
    const messages: ChatMessage[] = [{ role: 'user', content: 'What is this?', images }]
    const request = { input: { messages }, sampling: {} }
    const { text, usage } = await readAnswer(setup.engine.generate('qwen2-vl-2b-instruct', request, client, never))
    expect(text).toBe('[stand-in] The picture shows red.')
    expect(usage.promptTokens).toBeGreaterThan(144)
    expect((await setup.engine.find(qwen)).state).toBe('available')
    const broken = { input: { messages: [{ ...messages[0]!, images: [Buffer.from('no picture')] }] }, sampling: {} }
    const answer = readAnswer(setup.engine.generate('qwen2-vl-2b-instruct', broken, client, never))
    await expect(answer).rejects.toMatchObject({ code: 'invalid' })
    await until('all slots are back', () => setup.lent() === 0)
  })
})

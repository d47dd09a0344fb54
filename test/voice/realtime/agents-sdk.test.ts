import { setTimeout as wait } from 'node:timers/promises'
import { OpenAIRealtimeWebSocket, RealtimeAgent, RealtimeSession, tool } from '@openai/agents-realtime'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import type { ChatMessage } from '../../../engine/inference/language.ts'
import { startApp, type TestApp } from '../../support/app.ts'
import type { Received } from '../../support/realtime-client.ts'
import { msPerLetter, VoiceStages } from '../../support/voice-stages.ts'
import { until } from '../../support/wait.ts'

let stages: VoiceStages
let engine: TestApp
let session: RealtimeSession
let heard: Received[]
let errors: unknown[]
let asked: string[]
beforeEach(async () => {
  stages = new VoiceStages()
  const { speech, language } = stages
  engine = await startApp({}, { speech, language })
  heard = []
  errors = []
  asked = []
  const weather = tool({
    name: 'weather',
    description: 'The temperature in a city',
    parameters: z.object({ city: z.string() }),
    execute: async ({ city }) => {
      asked.push(city)
      return city === 'Rome' ? '30' : '3'
    },
  })
  const agent = new RealtimeAgent({ name: 'Greeter', instructions: 'Be kind.', tools: [weather] })
  const transport = new OpenAIRealtimeWebSocket({ url: `${engine.socketUrl}/v1/realtime` })
  session = new RealtimeSession(agent, { transport })
  session.on('transport_event', (event) => heard.push(event as Received))
  session.on('error', (error) => errors.push(error))
  await session.connect({ apiKey: 'any' })
})
afterEach(async () => {
  session.close()
  await engine[Symbol.asyncDispose]()
  expect(errors).toEqual([])
})

/** The `count`th of this type, once it is there. */
function next(type: string, count = 1): Promise<Received> {
  return until(type, () => heard.filter((event) => event.type === type)[count - 1], 30_000)
}

function hear(ms: number, value: number): void {
  session.sendAudio(new Int16Array(24 * ms).fill(value).buffer)
}

const call = (id: string, city: string) => ({ id, name: 'weather', arguments: { city } })

/** What the model was told last, but for the instructions. */
function told(): readonly ChatMessage[] {
  const { input } = stages.requests.at(-1) ?? expect.fail('Expected a request')
  return 'messages' in input ? input.messages.slice(1) : expect.fail('Expected messages')
}

describe('P10: the stock agents SDK of OpenAI', () => {
  it('has its function called, also twice at once, and the model told of all in its own order', async () => {
    stages.answers = [
      [call('c1', 'Rome')],
      ['Rome is warm. '],
      [call('c2', 'Oslo'), call('c3', 'Rome')],
      ['Rome is warmer. '],
    ]
    session.sendMessage('Is it warm in Rome?')
    expect((await next('response.output_audio_transcript.done')).transcript).toBe('Rome is warm. ')
    await next('response.done', 2)
    session.sendMessage('And where is it warmer?')
    // It asks for a response after each output; the last one knows both.
    await until('both outputs', () => told().filter(({ role }) => role === 'tool').length === 3, 30_000)
    expect(asked).toEqual(['Rome', 'Oslo', 'Rome'])
    expect(told().slice(3)).toMatchObject([
      { role: 'user', content: 'And where is it warmer?' },
      { role: 'assistant', toolCalls: [call('c2', 'Oslo'), call('c3', 'Rome')] },
      { role: 'tool', content: '3', toolCallId: 'c2' },
      { role: 'tool', content: '30', toolCallId: 'c3' },
    ])
    await next('response.done', stages.requests.length)
    const calls = session.history.flatMap((item) => (item.type === 'function_call' ? [item] : []))
    expect(calls.map(({ output, status }) => [output, status])).toEqual([
      ['30', 'completed'],
      ['3', 'completed'],
      ['30', 'completed'],
    ])
  })

  it('speaks and interrupts, and what was not heard is forgotten', async () => {
    const sentences = Array.from({ length: 40 }, (_, i) => `This is sentence number ${i}. `)
    stages.answers = [sentences, ['Yes. ']]
    hear(600, 8000)
    hear(4000, 0)
    await next('response.output_audio.delta')
    // A word is spoken for 250 ms.
    await wait(1000)
    hear(600, 8000)
    hear(4000, 0)
    const { audio_end_ms } = await next('conversation.item.truncated')
    await until('the next question', () => stages.requests.length === 2, 30_000)
    const [, reply] = told()
    const heardText = reply?.content ?? ''
    expect(told()).toMatchObject([
      { role: 'user', content: 'hello' },
      { role: 'assistant', content: expect.stringMatching(/^This is/) },
      { role: 'user', content: 'hello' },
    ])
    expect(sentences.join('').startsWith(heardText)).toBe(true)
    expect(heardText.length * msPerLetter).toBeLessThanOrEqual(Number(audio_end_ms) + msPerLetter)
    // It asks for what was understood, and for what was truncated.
    await next('conversation.item.retrieved', 3)
    await next('response.done', 2)
  })
})

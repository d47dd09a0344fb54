import OpenAI from 'openai'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { EngineError } from '../../engine/errors.ts'
import { startApp, type TestApp } from '../support/app.ts'
import { pngBytes } from '../support/chat-app.ts'
import { ScriptedLanguage, type Step } from '../support/scripted-language.ts'
import { until } from '../support/wait.ts'

const call = { id: 'call_a', name: 'weather', arguments: { city: 'Bern' } }
const schema = { type: 'object', properties: { age: { type: 'integer' } }, required: ['age'] }
const messages = [{ role: 'user' as const, content: 'one two three' }]
const tools = [
  {
    type: 'function' as const,
    function: { name: 'weather', parameters: { type: 'object', properties: { city: { type: 'string' } } } },
  },
]

/** Says a word and then nothing more, until it is left. */
function* hang(): Generator<Step> {
  yield 'well'
  yield { until: new Promise(() => undefined) }
}

const language = new ScriptedLanguage([
  { name: 'm' },
  { name: 'caller', script: () => ['let me see', { call }, { call: { ...call, id: 'call_b' } }] },
  { name: 'breaker', script: () => ['a', { fail: new EngineError('unavailable', 'the host died') }] },
  { name: 'hanger', script: hang },
])
let engine: TestApp
let openai: OpenAI
beforeAll(async () => {
  engine = await startApp({}, { language })
  openai = new OpenAI({ baseURL: `${engine.url}/v1`, apiKey: 'unused', maxRetries: 0 })
})
afterAll(() => engine[Symbol.asyncDispose]())

describe('the stock npm client of OpenAI', () => {
  it('chats, whole and as a stream with its usage', async () => {
    const whole = await openai.chat.completions.create({ model: 'm', messages, temperature: 0 })
    expect(whole.choices[0]).toMatchObject({ finish_reason: 'stop', message: { content: 'one two three' } })
    expect(whole.usage).toMatchObject({ prompt_tokens: 3, completion_tokens: 3, total_tokens: 6 })
    const options = { stream: true, stream_options: { include_usage: true } } as const
    const runner = openai.chat.completions.stream({ model: 'm', messages, ...options })
    expect((await runner.finalMessage()).content).toBe('one two three')
    expect(await runner.totalUsage()).toMatchObject({ total_tokens: 6 })
  })

  it('shows a picture, wants JSON by a schema, and gets what it may not have refused', async () => {
    const url = `data:image/png;base64,${pngBytes.toString('base64')}`
    const content = [
      { type: 'text' as const, text: 'what?' },
      { type: 'image_url' as const, image_url: { url } },
    ]
    const response_format = { type: 'json_schema' as const, json_schema: { name: 'person', schema, strict: true } }
    await openai.chat.completions.create({ model: 'm', messages: [{ role: 'user', content }], response_format })
    expect(language.requests.at(-1)).toMatchObject({ input: { messages: [{ images: [pngBytes] }] }, format: schema })
    await expect(openai.chat.completions.create({ model: 'm', messages, n: 2 })).rejects.toMatchObject({
      status: 400,
      param: 'n',
      type: 'invalid_request_error',
    })
  })

  it('gets tools called, in a stream that its own collector puts together, and answers them', async () => {
    const runner = openai.chat.completions.stream({ model: 'caller', messages, tools })
    const message = await runner.finalMessage()
    expect(message.content).toBe('let me see')
    expect(message.tool_calls).toMatchObject([
      { id: 'call_a', function: { name: 'weather', arguments: '{"city":"Bern"}' } },
      { id: 'call_b', function: { name: 'weather', arguments: '{"city":"Bern"}' } },
    ])
    const whole = await openai.chat.completions.create({ model: 'caller', messages, tools })
    const [said] = whole.choices
    expect(said?.finish_reason).toBe('tool_calls')
    const answered = { role: 'tool' as const, tool_call_id: 'call_a', content: '21 °C' }
    const after = [...messages, ...(said === undefined ? [] : [said.message]), answered]
    await openai.chat.completions.create({ model: 'm', messages: after, tools })
    expect(language.requests.at(-1)?.input).toMatchObject({
      messages: [{}, { toolCalls: [call, { id: 'call_b' }] }, { role: 'tool', toolCallId: 'call_a' }],
    })
  })

  it('completes, embeds and lists', async () => {
    expect((await openai.completions.create({ model: 'm', prompt: 'Once upon' })).choices[0]?.text).toBe('Once upon')
    const texts: string[] = []
    for await (const { choices } of await openai.completions.create({ model: 'm', prompt: 'a b', stream: true }))
      texts.push(choices[0]?.text ?? '')
    expect(texts.join('')).toBe('a b')
    const asBase64 = await openai.embeddings.create({ model: 'm', input: ['a', 'b'] })
    const asFloats = await openai.embeddings.create({ model: 'm', input: 'a', encoding_format: 'float' })
    for (const { embedding } of [...asBase64.data, ...asFloats.data]) {
      expect(embedding).toHaveLength(3)
      expect(embedding[2]).toBeCloseTo(0.8, 6)
    }
    const ids: string[] = []
    for await (const { id } of openai.models.list()) ids.push(id)
    // After them those of speech, which this machine has.
    expect(ids.slice(0, 4)).toEqual(['m', 'caller', 'breaker', 'hanger'])
    expect(await openai.models.retrieve('m')).toMatchObject({ id: 'm', object: 'model' })
  })

  it('hears of failures: before the answer by status, within it by an event', async () => {
    await expect(openai.chat.completions.create({ model: 'x', messages })).rejects.toMatchObject({
      ...{ status: 404, code: 'model_not_found', param: 'model' },
    })
    await expect(openai.chat.completions.create({ model: 'breaker', messages })).rejects.toMatchObject({ status: 503 })
    const heard: unknown[] = []
    const stream = await openai.chat.completions.create({ model: 'breaker', messages, stream: true })
    await expect(async () => {
      for await (const { choices } of stream) heard.push(choices[0]?.delta.content)
    }).rejects.toThrow('the host died')
    expect(heard).toEqual(['', 'a'])
    await openai.chat.completions.create({ model: 'm', messages })
  })

  it('O4: stops the work by leaving', async () => {
    const before = language.aborted
    const stream = await openai.chat.completions.create({ model: 'hanger', messages, stream: true })
    for await (const { choices } of stream) if (choices[0]?.delta.content === 'well') break
    await until('the end of the generation', () => language.running === 0)
    expect(language.aborted).toBe(before + 1)
    const hangUp = new AbortController()
    const whole = openai.chat.completions.create({ model: 'hanger', messages }, { signal: hangUp.signal })
    await until('its start', () => language.running === 1)
    hangUp.abort()
    await expect(whole).rejects.toThrow()
    await until('the end of the generation', () => language.running === 0)
  })
})

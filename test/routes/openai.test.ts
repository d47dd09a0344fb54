import { beforeEach, describe, expect, it } from 'vitest'
import { EngineError } from '../../engine/errors.ts'
import type { LanguageCapabilities } from '../../engine/inference/language.ts'
import { createChatApp, pngBytes, readEvents, readJson } from '../support/chat-app.ts'
import { until } from '../support/wait.ts'

const noneOf: LanguageCapabilities = {
  ...{ vision: false, tools: false, thinking: false, schema: false },
  ...{ completion: false, embedding: false, chat: false },
}
const call = { id: 'call_a', name: 'weather', arguments: { city: 'Bern' } }
const tools = [{ type: 'function', function: { name: 'weather', description: 'Of a city' } }]
const schema = { type: 'object', properties: { age: { type: ['integer', 'null'] } }, required: ['age'] }
const format = { type: 'json_schema', json_schema: { name: 'person', strict: true, schema } }
const png = `data:image/png;base64,${pngBytes.toString('base64')}`
const hello = { messages: [{ role: 'user', content: 'one two' }] }
const usage = { prompt_tokens: 2, completion_tokens: 2, total_tokens: 4, prompt_tokens_details: { cached_tokens: 2 } }
const seconds = expect.toSatisfy((value) => Number.isInteger(value) && Math.abs(value - Date.now() / 1000) < 600)

type Chunk = {
  choices: { delta: Record<string, unknown>; text: string; finish_reason: string | null }[]
  usage?: unknown
}

let chat: ReturnType<typeof createChatApp>
beforeEach(() => {
  chat = createChatApp([
    { name: 'm' },
    { name: 'thinker', script: () => [{ thinking: 'hm' }, 'yes'] },
    { name: 'caller', script: () => [{ call }, { call: { ...call, id: 'call_b', arguments: { city: 'Genève' } } }] },
    { name: 'breaker', script: () => ['a', { fail: new EngineError('unavailable', 'the host died') }] },
    { name: 'plain', capabilities: { ...noneOf, chat: true } },
    { name: 'writer', capabilities: { ...noneOf, completion: true } },
    { name: 'absent', state: 'missing', modifiedAt: null, why: 'absent.gguf is nowhere' },
  ])
})

const post = (body: object, path = '/v1/chat/completions') => chat.post(path, { model: 'm', ...body })
const stream = async (body: object) => readEvents<Chunk>(await post({ stream: true, ...body }))

/** What the model was asked, from a request that was taken. */
async function asked(body: object) {
  const response = await post({ ...hello, ...body })
  expect([response.status, await response.text()]).toEqual([200, expect.any(String)])
  return chat.language.requests.at(-1)
}

describe('O7: chat completions', () => {
  it('come whole, created in seconds', async () => {
    expect(await readJson(post(hello))).toEqual({
      ...{ id: expect.stringMatching(/^chatcmpl-/), object: 'chat.completion', created: seconds, model: 'm', usage },
      choices: [
        {
          ...{ index: 0, logprobs: null, finish_reason: 'stop' },
          message: { role: 'assistant', content: 'one two', refusal: null },
        },
      ],
    })
  })

  it('come as events: the role once, one id, an empty delta at the end, then [DONE]', async () => {
    const response = await post({ stream: true, ...hello })
    expect(response.headers.get('content-type')).toBe('text/event-stream')
    const events = await readEvents<Chunk & { id: string }>(response)
    const choice = { index: 0, logprobs: null, finish_reason: null }
    const chunk = (choices: object[]) => {
      return { id: expect.any(String), object: 'chat.completion.chunk', created: seconds, model: 'm', choices }
    }
    expect(events).toEqual([
      chunk([{ ...choice, delta: { role: 'assistant', content: '' } }]),
      chunk([{ ...choice, delta: { content: 'one' } }]),
      chunk([{ ...choice, delta: { content: ' two' } }]),
      chunk([{ ...choice, delta: {}, finish_reason: 'stop' }]),
      '[DONE]',
    ])
    expect(new Set(events.map((event) => event !== '[DONE]' && event.id)).size).toBe(2)
  })

  it('tell the usage in one more chunk where it was asked for', async () => {
    const events = await stream({ ...hello, stream_options: { include_usage: true } })
    expect(events.slice(-2)).toEqual([expect.objectContaining({ choices: [], usage }), '[DONE]'])
    for (const event of events.slice(0, -2)) expect(event).toMatchObject({ usage: null })
  })

  it('take images as data URLs, and content as text and as parts', async () => {
    const request = await asked({
      messages: [
        {
          role: 'developer',
          content: [
            { type: 'text', text: 'Be' },
            { type: 'text', text: 'short' },
          ],
        },
        { role: 'user', content: 'hello' },
        { role: 'assistant', content: 'hi', refusal: null },
        {
          role: 'user',
          content: [
            { type: 'text', text: 'what?' },
            { type: 'image_url', image_url: { url: png, detail: 'auto' } },
          ],
        },
      ],
    })
    expect(request?.input).toEqual({
      messages: [
        { role: 'system', content: 'Be\nshort' },
        { role: 'user', content: 'hello' },
        { role: 'assistant', content: 'hi' },
        { role: 'user', content: 'what?', images: [pngBytes] },
      ],
    })
  })

  it('say why they end, and what was thought', async () => {
    const cut = { max_completion_tokens: 1, ...hello }
    expect(await readJson(post(cut))).toMatchObject({
      choices: [{ finish_reason: 'length', message: { content: 'one' } }],
    })
    const stopped = await readJson(post({ stop: ' tw', ...hello }))
    expect(stopped).toMatchObject({ choices: [{ finish_reason: 'stop', message: { content: 'one' } }] })
    const thought = await readJson(post({ model: 'thinker', reasoning_effort: 'medium', ...hello }))
    expect(thought).toMatchObject({ choices: [{ message: { content: 'yes', reasoning: 'hm' } }] })
    const [, first] = await stream({ model: 'thinker', ...hello })
    expect(first).toMatchObject({ choices: [{ delta: { reasoning: 'hm' } }] })
  })
})

describe('O6: tool calls', () => {
  const told = [
    { id: 'call_a', type: 'function', function: { name: 'weather', arguments: '{"city":"Bern"}' } },
    { id: 'call_b', type: 'function', function: { name: 'weather', arguments: '{"city":"Genève"}' } },
  ]

  it('stream with a sequential index and arguments as text, and end with tool_calls', async () => {
    const events = await stream({ model: 'caller', tools, ...hello })
    const choices = events.flatMap((event) => (event === '[DONE]' ? [] : event.choices))
    expect(choices.flatMap(({ delta }) => delta.tool_calls ?? [])).toEqual(
      told.map((one, index) => ({ index, ...one })),
    )
    expect(choices.map(({ finish_reason }) => finish_reason)).toEqual([null, null, null, 'tool_calls'])
    expect(choices.at(-1)?.delta).toEqual({})
  })

  it('come whole with content null, and go back with their answers', async () => {
    const answer = await readJson<{ choices: { message: object }[] }>(post({ model: 'caller', tools, ...hello }))
    const message = answer.choices[0]?.message ?? {}
    expect(answer).toMatchObject({ choices: [{ finish_reason: 'tool_calls' }] })
    expect(message).toEqual({ role: 'assistant', content: null, refusal: null, tool_calls: told })
    const request = await asked({
      messages: [...hello.messages, message, { role: 'tool', tool_call_id: 'call_a', content: '21 °C' }],
      tools,
    })
    expect(request?.tools).toEqual([
      { name: 'weather', description: 'Of a city', parameters: { type: 'object', properties: {} } },
    ])
    expect(request?.input).toMatchObject({
      messages: [
        {},
        { role: 'assistant', content: '', toolCalls: [call, { id: 'call_b', arguments: { city: 'Genève' } }] },
        { role: 'tool', content: '21 °C', toolCallId: 'call_a', toolName: 'weather' },
      ],
    })
    expect((await asked({ tools, tool_choice: 'none' }))?.tools).toBeUndefined()
  })
})

describe('every field is honoured or refused by its name', () => {
  it('how tokens are chosen, and what the answer must be', async () => {
    const fields = {
      ...{ temperature: 0, top_p: 0.5, presence_penalty: 1, frequency_penalty: -1, seed: 7, stop: ['a', 'b'] },
      ...{ max_tokens: 9, n: 1, user: 'ada', parallel_tool_calls: true, logit_bias: null, store: false },
    }
    const request = await asked({ ...fields, response_format: format, reasoning_effort: 'none' })
    expect(request).toMatchObject({
      sampling: {
        ...{ temperature: 0, topP: 0.5, presencePenalty: 1, frequencyPenalty: -1, seed: 7 },
        ...{ stop: ['a', 'b'], maxTokens: 9 },
      },
      ...{ format: schema, think: false },
    })
    expect((await asked({ response_format: { type: 'json_object' } }))?.format).toBe('json')
    expect((await asked({ response_format: { type: 'text' } }))?.format).toBeUndefined()
    expect(chat.language.uses[0]).toEqual({ priority: 'interactive', user: 'POST /v1/chat/completions (ada)' })
  })

  const say = (content: unknown) => ({ messages: [{ role: 'user', content }] })
  const picture = (url: string, detail = 'auto') => say([{ type: 'image_url', image_url: { url, detail } }])
  it.each([
    [{ model: null }, 'model'],
    [{ messages: [] }, 'messages'],
    [say(7), 'messages.0.content'],
    [{ messages: [{ role: 'robot', content: 'a' }] }, 'messages.0.role'],
    [say([{ type: 'input_audio', input_audio: {} }]), 'messages.0.content.0.type'],
    [picture('https://example.org/a.png'), 'messages.0.content.0.image_url.url'],
    [picture('data:image/gif;base64,R0lGODlhAQABAAAA'), 'messages.0.content.0.image_url.url'],
    [picture(png, 'low'), 'messages.0.content.0.image_url.detail'],
    [{ n: 2 }, 'n'],
    [{ logprobs: true }, 'logprobs'],
    [{ logit_bias: { 50256: -100 } }, 'logit_bias'],
    [{ temperature: 3 }, 'temperature'],
    [{ top_k: 3 }, 'top_k'],
    [{ max_tokens: 1, max_completion_tokens: 2 }, 'max_tokens'],
    [{ stream_options: { include_usage: true } }, 'stream_options'],
    [{ tools, tool_choice: 'required' }, 'tool_choice'],
    [{ tools: [{ type: 'function', function: { name: 'a', strict: true } }] }, 'tools.0.function.strict'],
    [{ parallel_tool_calls: false }, 'parallel_tool_calls'],
    [{ reasoning_effort: 'high' }, 'reasoning_effort'],
    [{ response_format: { type: 'xml' } }, 'response_format.type'],
    [{ store: true }, 'store'],
    [{ metadata: {} }, 'metadata'],
    [{ modalities: ['text', 'audio'] }, 'modalities'],
    [{ model: 'plain', tools }, 'tools'],
    [{ model: 'plain', response_format: format }, 'response_format'],
    [{ model: 'plain', reasoning_effort: 'medium' }, 'reasoning_effort'],
    [{ model: 'plain', ...picture(png) }, 'messages'],
    [{ model: 'writer' }, 'model'],
  ])('%j', async (body, param) => {
    const response = await post({ ...hello, ...body })
    const { error } = await readJson<{ error: Record<string, unknown> }>(response)
    expect([response.status, error.type]).toEqual([400, 'invalid_request_error'])
    expect(error).toMatchObject({ message: expect.any(String), code: 'invalid' })
    expect(String(error.param).startsWith(param), `${error.param}: ${error.message}`).toBe(true)
  })
})

describe('O2: true statuses with the body of OpenAI', () => {
  it.each([
    ['/v1/chat/completions', { model: 'x', ...hello }, 404, 'not_found_error', 'model', 'model_not_found'],
    ['/v1/chat/completions', { model: 'absent', ...hello }, 404, 'not_found_error', 'model', 'model_not_found'],
    ['/v1/chat/completions', { model: 'breaker', ...hello }, 503, 'api_error', null, 'unavailable'],
    ['/v1/completions', { model: 'plain', prompt: 'a' }, 400, 'invalid_request_error', 'model', 'invalid'],
    ['/v1/embeddings', { model: 'plain', input: 'a' }, 400, 'invalid_request_error', 'model', 'invalid'],
    ['/v1/embeddings', { model: 'm', input: [1, 2] }, 400, 'invalid_request_error', 'input.0', 'invalid'],
    ['/v1/chat/completions', '', 400, 'invalid_request_error', null, 'invalid'],
    ['/v1/chat/completions', '{', 400, 'invalid_request_error', null, 'invalid'],
  ])('%s %j answers %i', async (path, body, status, type, param, code) => {
    const response = await chat.post(path, body)
    const message = expect.any(String)
    expect([response.status, await response.json()]).toEqual([status, { error: { message, type, param, code } }])
    expect(response.headers.get('retry-after')).toBe(status === 503 ? '1' : null)
  })

  it('ends a stream that fails with an event of its error, and without [DONE]', async () => {
    const events = await stream({ model: 'breaker', ...hello })
    expect(events).toHaveLength(3)
    expect(events.at(-1)).toEqual({
      error: { message: 'the host died', type: 'api_error', param: null, code: 'unavailable' },
    })
  })

  it('says with 503 what to pull where there is no model at all, and 405 to another method', async () => {
    const none = createChatApp([])
    const response = await none.post('/v1/chat/completions', { model: 'm', ...hello })
    expect([response.status, await response.text()]).toEqual([503, expect.stringContaining('models pull')])
    const get = await chat.app.request('/v1/chat/completions')
    expect([get.status, get.headers.get('allow')]).toEqual([405, 'POST'])
    expect(await readJson(get)).toMatchObject({ error: { type: 'invalid_request_error' } })
  })

  it('O4: stops the work of who leaves', async () => {
    const endless = createChatApp([{ name: 'm', script: () => ['a', { until: new Promise(() => undefined) }] }])
    const response = await endless.post('/v1/chat/completions', { model: 'm', stream: true, ...hello })
    await response.body?.cancel()
    await until('the end of the generation', () => endless.language.aborted === 1)
  })
})

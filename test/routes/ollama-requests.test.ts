import { beforeEach, describe, expect, it } from 'vitest'
import type { LanguageCapabilities } from '../../engine/inference/language.ts'
import { createChatApp, pngBytes, readJson } from '../support/chat-app.ts'
import { gate } from '../support/fake-models.ts'
import { until } from '../support/wait.ts'

const chatOnly: LanguageCapabilities = {
  ...{ vision: false, tools: false, thinking: false, schema: false },
  ...{ completion: false, embedding: false, chat: true },
}
const tools = [{ type: 'function', function: { name: 'weather', parameters: { type: 'object', properties: {} } } }]
const schema = { type: 'object', properties: { age: { type: 'integer' } }, required: ['age'] }
const png = pngBytes.toString('base64')
const hello = { messages: [{ role: 'user', content: 'hello' }] }

let chat: ReturnType<typeof createChatApp>
beforeEach(() => {
  chat = createChatApp([{ name: 'm' }, { name: 'plain', capabilities: chatOnly }])
})

/** What the model was asked, from a request that was taken. */
async function asked(path: string, body: object) {
  const response = await chat.post(path, { model: 'm', stream: false, ...body })
  expect([response.status, await response.text()]).toEqual([200, expect.any(String)])
  return chat.language.requests.at(-1)
}

describe('O5: keep_alive', () => {
  it.each([
    ['5m', 300],
    ['1h30m', 5400],
    ['300', 300],
    [300, 300],
    [0, 0],
    ['0', 0],
    [-1, -1],
    ['-1m', -1],
  ])('%j keeps the model for %i s', async (keep_alive, seconds) => {
    await asked('/api/chat', { keep_alive, ...hello })
    expect(chat.language.log).toEqual(['load m', `keep m ${seconds}`])
  })

  it('is left alone where it is not said, and refused where it is no time', async () => {
    await asked('/api/generate', { prompt: 'hello' })
    expect(chat.language.log).toEqual(['load m'])
    for (const keep_alive of ['soon', '', true, {}])
      expect((await chat.post('/api/chat', { model: 'm', keep_alive, ...hello })).status).toBe(400)
  })
})

describe('O5: an empty prompt', () => {
  it.each([
    ['/api/generate', { response: '' }],
    ['/api/chat', { message: { role: 'assistant', content: '' } }],
  ])('loads and unloads by %s', async (path, silent) => {
    const ask = async (body: object) => (await chat.post(path, { model: 'm', ...body })).json()
    const created_at = expect.any(String)
    expect(await ask({})).toEqual({ model: 'm', created_at, ...silent, done: true, done_reason: 'load' })
    expect(await ask({ keep_alive: '10s' })).toMatchObject({ done_reason: 'load' })
    expect(await ask({ keep_alive: 0 })).toEqual({
      model: 'm',
      created_at,
      ...silent,
      done: true,
      done_reason: 'unload',
    })
    expect(chat.language.log).toEqual(['load m', 'keep m 10', 'unload m'])
    expect(chat.language.requests).toEqual([])
  })

  it('lets a model that is in use go when it is free', async () => {
    const { held, open } = gate()
    const busy = createChatApp([{ name: 'm', script: () => [{ until: held }, 'a'] }])
    const answer = busy.post('/api/chat', { model: 'm', stream: false, ...hello })
    await until('the load', () => busy.language.loaded.has('m'))
    const unload = await (await busy.post('/api/generate', { model: 'm', keep_alive: 0 })).json()
    expect(unload).toMatchObject({ done_reason: 'unload' })
    expect(busy.language.log).toEqual(['load m', 'keep m 0'])
    open()
    expect((await answer).status).toBe(200)
  })
})

describe('O5: what a model cannot do is refused', () => {
  it.each([
    ['/api/chat', { format: schema, ...hello }, 'format'],
    ['/api/chat', { format: 'json', ...hello }, 'format'],
    ['/api/generate', { format: schema, prompt: 'a' }, 'format'],
    ['/api/chat', { tools, ...hello }, 'tools'],
    ['/api/chat', { messages: [{ role: 'user', content: 'a', images: [png] }] }, 'vision'],
    ['/api/generate', { prompt: 'a', images: [png] }, 'vision'],
    ['/api/chat', { think: true, ...hello }, 'thinking'],
    ['/api/generate', { think: true, prompt: 'a' }, 'thinking'],
    ['/api/generate', { raw: true, prompt: 'a' }, 'generate'],
  ])('%s %j', async (path, body, what) => {
    const response = await chat.post(path, { model: 'plain', ...body })
    expect([response.status, await response.json()]).toEqual([
      400,
      { error: expect.stringContaining(`"plain" does not support ${what}`) },
    ])
    expect(chat.language.log).toEqual([])
  })

  it('while another can', async () => {
    expect(await asked('/api/chat', { format: schema, tools, think: true, ...hello })).toMatchObject({
      format: schema,
      think: true,
      tools: [{ name: 'weather', parameters: { type: 'object', properties: {} } }],
    })
    expect((await asked('/api/chat', { format: '', think: false, ...hello }))?.think).toBe(false)
    expect(await asked('/api/generate', { format: 'json', prompt: 'a' })).toMatchObject({ format: 'json' })
  })
})

describe('every field is honoured or refused', () => {
  it('options become how tokens are chosen', async () => {
    const options = {
      ...{ num_predict: 7, temperature: 0, top_k: 5, top_p: 0.5, min_p: 0.1, typical_p: 0.7, seed: -1, stop: ['\n'] },
      ...{ repeat_last_n: -1, repeat_penalty: 1.1, presence_penalty: 0.2, frequency_penalty: -0.3, num_ctx: 512 },
    }
    expect((await asked('/api/chat', { options, ...hello }))?.sampling).toEqual({
      ...{ maxTokens: 7, temperature: 0, topK: 5, topP: 0.5, minP: 0.1, typicalP: 0.7, seed: -1, stop: ['\n'] },
      ...{ repeatLastN: -1, repeatPenalty: 1.1, presencePenalty: 0.2, frequencyPenalty: -0.3, contextLength: 512 },
    })
    const unbound = { num_predict: -1, num_keep: 4, seed: null }
    expect((await asked('/api/generate', { options: unbound, prompt: 'a' }))?.sampling).toEqual({})
  })

  it('options of the machine are taken, and the answer says that they had no effect', async () => {
    const options = { num_gpu: 99, num_thread: 4, use_mmap: true, temperature: 1 }
    for (const stream of [true, false]) {
      const response = await chat.post('/api/chat', { model: 'm', stream, options, ...hello })
      expect(response.headers.get('warning')).toBe(
        '199 hailstream "num_gpu, num_thread, use_mmap: chosen by the engine, without effect"',
      )
    }
    expect((await chat.post('/api/chat', { model: 'm', ...hello })).headers.get('warning')).toBeNull()
  })

  it('a context larger than the model has is the model’s, and the answer says so', async () => {
    const response = await chat.post('/api/chat', { model: 'm', options: { num_ctx: 8192 }, ...hello })
    expect(response.headers.get('warning')).toBe('199 hailstream "num_ctx: the model has 2048"')
    expect(chat.language.requests[0]?.sampling).toEqual({ contextLength: 2048 })
  })

  it.each([
    ['/api/chat', { options: { mirostat: 1 } }, 'options.mirostat'],
    ['/api/chat', { options: { temperature: 'hot' } }, 'options.temperature'],
    ['/api/chat', { options: { num_predict: 0 } }, 'options.num_predict'],
    ['/api/chat', { options: { stop: 'x' } }, 'options.stop'],
    ['/api/chat', { mood: 'good' }, 'mood'],
    ['/api/chat', { think: 'high' }, 'levels of thinking'],
    ['/api/chat', { format: 'xml' }, 'format'],
    ['/api/chat', { truncate: 'yes' }, 'truncate'],
    ['/api/embed', { input: 'a', truncate: 'yes' }, 'truncate'],
    ['/api/chat', { logprobs: true }, 'logprobs'],
    ['/api/chat', { top_logprobs: 3 }, 'logprobs'],
    ['/api/pull', { insecure: true }, 'insecure'],
    ['/api/pull', { username: 'ada' }, 'username'],
    ['/api/chat', { _debug_render_only: true }, '_debug_render_only'],
    ['/api/chat', { options: { tfs_z: 0.5 } }, 'options.tfs_z'],
    ['/api/copy', { source: 'm', destination: '' }, 'destination'],
    ['/api/chat', { shift: true }, 'shift'],
    ['/api/chat', { stream: 'yes' }, 'stream'],
    ['/api/chat', { messages: [{ role: 'user', content: 'a', images: ['####'] }] }, 'messages.0.images.0'],
    ['/api/chat', { messages: [{ role: 'user', content: 'a', images: ['R0lGODlhAQABAAAA'] }] }, 'JPEG, PNG or WebP'],
    ['/api/generate', { prompt: 'a', suffix: 'b' }, 'insert'],
    ['/api/generate', { prompt: 'a', template: '{{ .Prompt }}' }, 'template'],
    ['/api/generate', { prompt: 'a', raw: true, system: 'b' }, 'raw'],
    ['/api/generate', { prompt: 'a', context: [1, 2, 3] }, 'context'],
    ['/api/embed', { input: 7 }, 'input'],
    ['/api/embed', { input: 'a', options: { temperature: 1 } }, 'options.temperature'],
    ['/api/embed', { input: 'a', dimensions: 4 }, 'dimensions'],
    ['/api/show', { system: 'a' }, 'system'],
  ])('%s %j is refused by name', async (path, body, named) => {
    const response = await chat.post(path, { model: 'm', ...(path === '/api/chat' ? hello : {}), ...body })
    expect([response.status, await response.json()]).toEqual([400, { error: expect.stringContaining(named) }])
  })

  it('truncate is taken either way, since nothing is ever cut', async () => {
    for (const truncate of [true, false]) {
      expect((await chat.post('/api/chat', { model: 'm', truncate, ...hello })).status).toBe(200)
      expect((await chat.post('/api/embed', { model: 'm', truncate, input: 'a' })).status).toBe(200)
    }
  })

  it('what older clients send empty counts as left out', async () => {
    const empty = { system: '', template: '', suffix: '', context: [], images: [], format: '', raw: false, think: null }
    expect((await asked('/api/generate', { prompt: 'hello', ...empty }))?.input).toEqual({
      messages: [{ role: 'user', content: 'hello' }],
    })
    // As Ollama's own command line asks.
    const nobody = { username: '', password: '', name: '' }
    expect((await chat.post('/api/pull', { model: 'm', stream: false, ...nobody })).status).toBe(200)
    expect((await chat.post('/api/delete', { model: 'm', name: '' }, 'DELETE')).status).toBe(200)
    expect(
      (await chat.post('/api/show', { model: 'm', system: '', template: '', options: null, name: '' })).status,
    ).toBe(200)
    const unused = { _debug_render_only: false, options: { mirostat: 0, tfs_z: 1 }, truncate: true }
    expect((await asked('/api/chat', { ...unused, ...hello }))?.sampling).toEqual({})
  })

  it('a raw prompt goes to the model as it stands, and its answer has no context', async () => {
    const response = await chat.post('/api/generate', { model: 'm', prompt: '<s>hi', raw: true, stream: false })
    expect(await response.json()).not.toHaveProperty('context')
    expect(chat.language.requests[0]?.input).toEqual({ prompt: '<s>hi' })
  })

  it('pictures go with their messages, and a conversation about one has no context', async () => {
    const request = await asked('/api/chat', { messages: [{ role: 'user', content: 'what?', images: [png] }] })
    expect(request?.input).toEqual({ messages: [{ role: 'user', content: 'what?', images: [pngBytes] }] })
    const response = await chat.post('/api/generate', { model: 'm', prompt: 'what?', images: [png], stream: false })
    expect(await response.json()).not.toHaveProperty('context')
    expect(chat.language.requests.at(-1)?.input).toEqual(request?.input)
  })

  it('calls and their answers are paired, with ids and without', async () => {
    const called = (name: string) => ({ function: { name, arguments: { of: name } } })
    const request = await asked('/api/chat', {
      messages: [
        { role: 'user', content: 'go' },
        { role: 'assistant', tool_calls: [called('a'), { id: 'call_x', ...called('b') }], thinking: 'hm' },
        { role: 'tool', content: '2', tool_name: 'b' },
        { role: 'tool', content: '1' },
      ],
    })
    expect(request?.input).toEqual({
      messages: [
        { role: 'user', content: 'go' },
        {
          ...{ role: 'assistant', content: '', thinking: 'hm' },
          toolCalls: [
            { id: 'call_0', name: 'a', arguments: { of: 'a' } },
            { id: 'call_x', name: 'b', arguments: { of: 'b' } },
          ],
        },
        { role: 'tool', content: '2', toolName: 'b', toolCallId: 'call_x' },
        { role: 'tool', content: '1', toolName: 'a', toolCallId: 'call_0' },
      ],
    })
    expect(chat.language.uses.at(-1)).toEqual({ priority: 'interactive', user: 'POST /api/chat' })
  })
})

describe('embeddings', () => {
  it('of one text, of several, shortened, and of none, which loads', async () => {
    type Answer = { embeddings: number[][]; total_duration: number; load_duration: number }
    const ask = (body: object) => readJson<Answer>(chat.post('/api/embed', { model: 'm', ...body }))
    const vector = [0.6, 0, 0.8].map((value) => expect.closeTo(value, 6))
    const { embeddings, ...rest } = await ask({ input: 'one two' })
    expect(embeddings).toEqual([vector])
    expect(rest).toEqual({
      model: 'm',
      total_duration: expect.any(Number),
      load_duration: expect.any(Number),
      prompt_eval_count: 2,
    })
    expect(rest.total_duration * rest.load_duration).toBeGreaterThan(0)
    expect((await ask({ input: ['a', 'b'], truncate: false, keep_alive: 60 })).embeddings).toEqual([vector, vector])
    expect((await ask({ input: 'a', dimensions: 2 })).embeddings).toEqual([[1, 0]])
    expect((await ask({ input: [] })).embeddings).toEqual([])
    expect(chat.language.log).toEqual(['load m', 'keep m 60'])
  })

  it('by the older route', async () => {
    const ask = (body: object) => readJson(chat.post('/api/embeddings', { model: 'm', ...body }))
    expect((await ask({ prompt: 'one', options: { num_thread: 2 } })).embedding).toHaveLength(3)
    expect(await ask({})).toEqual({ embedding: [] })
  })
})

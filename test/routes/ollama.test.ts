import { beforeEach, describe, expect, it } from 'vitest'
import { EngineError } from '../../engine/errors.ts'
import type { LanguageCapabilities } from '../../engine/inference/language.ts'
import { createChatApp, readJson, readLines } from '../support/chat-app.ts'
import { gate } from '../support/fake-models.ts'
import { until } from '../support/wait.ts'

const noneOf: LanguageCapabilities = {
  ...{ vision: false, tools: false, thinking: false, schema: false },
  ...{ completion: false, embedding: false, chat: false },
}
const chatOnly = { ...noneOf, chat: true }
const call = { id: 'call_a', name: 'weather', arguments: { city: 'Bern' } }
const tools = [{ type: 'function', function: { name: 'weather', parameters: { type: 'object', properties: {} } } }]
const hello = { messages: [{ role: 'user', content: 'one two three' }] }

const rfc3339Ns = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z$/)
const ns = expect.toSatisfy((value: unknown) => Number.isInteger(value) && Number(value) > 0)
const counts = {
  ...{ total_duration: ns, load_duration: ns, prompt_eval_count: 3, prompt_eval_duration: ns },
  ...{ eval_count: 3, eval_duration: ns },
}
const details = {
  ...{ parent_model: '', format: 'gguf', family: 'qwen2', families: ['qwen2'] },
  ...{ parameter_size: '1.5B', quantization_level: 'Q4_K_M' },
}
const digest = 'ab'.repeat(32)

type Models = { models: Record<string, unknown>[] }

let chat: ReturnType<typeof createChatApp>
beforeEach(() => {
  chat = createChatApp([
    { name: 'm', aliases: ['qwen2.5:1.5b'] },
    { name: 'thinker', script: () => [{ thinking: 'hm' }, 'yes'] },
    { name: 'caller', script: () => ['see', { call }, { call: { ...call, id: 'call_b' } }] },
    { name: 'breaker', script: () => ['a', { fail: new EngineError('unavailable', 'the host died') }] },
    { name: 'dead', script: () => [{ fail: new EngineError('unavailable', 'the host died') }] },
    { name: 'talker', capabilities: chatOnly, sha256: null },
    { name: 'writer', capabilities: { ...noneOf, completion: true } },
    { name: 'embedder', capabilities: { ...noneOf, embedding: true } },
    { name: 'absent', state: 'missing', modifiedAt: null },
  ])
})

describe('O1: answers have every field', () => {
  it('chat as a stream', async () => {
    const response = await chat.post('/api/chat', { model: 'm', ...hello })
    expect(response.headers.get('content-type')).toBe('application/x-ndjson')
    const lines = await readLines(response)
    const head = { model: 'm', created_at: rfc3339Ns }
    expect(lines).toEqual([
      { ...head, message: { role: 'assistant', content: 'one' }, done: false },
      { ...head, message: { role: 'assistant', content: ' two' }, done: false },
      { ...head, message: { role: 'assistant', content: ' three' }, done: false },
      { ...head, message: { role: 'assistant', content: '' }, done: true, done_reason: 'stop', ...counts },
    ])
    const { load_duration, total_duration } = lines[3] as Record<string, number>
    expect(load_duration).toBeGreaterThanOrEqual(7_500_000)
    expect(total_duration).toBeGreaterThan(0)
  })

  it('chat as one object, and the model loaded by then', async () => {
    for (const _ of [1, 2]) {
      const response = await chat.post('/api/chat', { model: 'qwen2.5:1.5b', stream: false, ...hello })
      expect(response.headers.get('content-type')).toBe('application/json')
      const message = { role: 'assistant', content: 'one two three' }
      expect(await response.json()).toEqual({
        ...{ model: 'qwen2.5:1.5b', created_at: rfc3339Ns, message, done: true, done_reason: 'stop' },
        ...counts,
      })
    }
    expect(chat.language.log).toEqual(['load m'])
  })

  it('generate, with a context that the next request goes on from', async () => {
    const lines = await readLines(
      await chat.post('/api/generate', { model: 'm', prompt: 'one two three', system: 'Be short' }),
    )
    expect(lines.map(({ response }) => response)).toEqual(['one', ' two', ' three', ''])
    const last = lines.at(-1)
    expect(last).toEqual({
      ...{ model: 'm', created_at: rfc3339Ns, response: '', done: true, done_reason: 'stop', ...counts },
      context: expect.any(Array),
    })
    await chat.post('/api/generate', { model: 'm', prompt: 'Grüezi', context: last?.context, stream: false })
    expect(chat.language.requests.at(-1)?.input).toEqual({
      messages: [
        { role: 'system', content: 'Be short' },
        { role: 'user', content: 'one two three' },
        { role: 'assistant', content: 'one two three' },
        { role: 'user', content: 'Grüezi' },
      ],
    })
  })

  it('generate with a model that only continues text, whose context is the text', async () => {
    const ask = async (body: object) =>
      readJson(chat.post('/api/generate', { model: 'writer', stream: false, ...body }))
    const first = await ask({ prompt: 'Once upon' })
    expect(first.response).toBe('Once upon')
    await ask({ prompt: ' a time', context: first.context })
    expect(chat.language.requests.map(({ input }) => input)).toEqual([
      { prompt: 'Once upon' },
      { prompt: 'Once uponOnce upon a time' },
    ])
  })

  it('list and show', async () => {
    await chat.language.load('m', { priority: 'batch', user: 'test' }, new AbortController().signal)
    chat.library.given = [{ name: 'mine', model: 'm' }]
    const { models } = await readJson<Models>(chat.app.request('/api/tags'))
    const entry = {
      ...{ modified_at: '2025-11-24T19:04:05.123000000Z', size: 1_120_000_000, digest, details },
      capabilities: ['completion', 'vision', 'tools', 'thinking', 'embedding'],
    }
    expect(models[0]).toEqual({ name: 'm', model: 'm', loaded: true, ...entry })
    expect(models.at(-1)).toEqual({ name: 'mine', model: 'mine', loaded: true, ...entry })
    // Ollama's command line cuts twelve characters out of it.
    expect(models.find(({ name }) => name === 'talker')).toMatchObject({ digest: '0'.repeat(64) })
    expect(models.map(({ name }) => name)).not.toContain('absent')
    expect(await readJson(chat.post('/api/show', { model: 'm' }))).toEqual({
      ...{ modelfile: 'FROM m\n', parameters: '', template: '', license: 'MIT', details },
      model_info: {
        ...{ 'general.architecture': 'qwen2', 'general.basename': 'm', 'general.license': 'MIT' },
        ...{ 'general.size_label': '1.5B', 'qwen2.context_length': 2048 },
      },
      ...{ capabilities: entry.capabilities, modified_at: entry.modified_at },
    })
  })

  it('ps', async () => {
    const ps = async () => (await readJson<Models>(chat.app.request('/api/ps'))).models
    expect(await ps()).toEqual([])
    await chat.post('/api/chat', { model: 'm', keep_alive: '5m', stream: false, ...hello })
    const entry = { name: 'm', model: 'm', size: 1_300_000_000, digest, details, size_vram: 0, context_length: 2048 }
    expect(await ps()).toEqual([{ ...entry, expires_at: '2025-11-24T19:09:05.000000000Z' }])
    await chat.post('/api/chat', { model: 'm', keep_alive: -1, stream: false, ...hello })
    expect(await ps()).toEqual([{ ...entry, expires_at: expect.stringMatching(/^2[23]\d\d-/) }])
  })

  it('the reasons for which an answer ends', async () => {
    const options = { num_predict: 2 }
    const lines = await readLines(await chat.post('/api/chat', { model: 'm', options, ...hello }))
    expect(lines.at(-1)).toMatchObject({ done_reason: 'length', eval_count: 2 })
    const stop = await chat.post('/api/chat', { model: 'm', options: { stop: ['wo'] }, stream: false, ...hello })
    expect(await stop.json()).toMatchObject({ done_reason: 'stop', message: { content: 'one t' } })
  })

  it('refuses logprobs, which no model here has', async () => {
    for (const field of [{ logprobs: true }, { top_logprobs: 3 }]) {
      const response = await chat.post('/api/chat', { model: 'm', ...field, ...hello })
      expect([response.status, (await readJson(response)).error]).toEqual([400, expect.stringContaining('logprobs')])
    }
  })

  it('the version is ours', async () => {
    expect(await (await chat.app.request('/api/version')).json()).toEqual({ version: '9.8.7' })
    expect((await chat.app.request('/api/version', { method: 'HEAD' })).status).toBe(200)
  })
})

describe('O2: true statuses with the body of Ollama', () => {
  it.each([
    ['/api/chat', '', 400, 'missing request body'],
    ['/api/chat', '{', 400, 'Expected a body of JSON'],
    ['/api/chat', '[]', 400, 'expected object'],
    ['/api/chat', {}, 400, 'model is required'],
    ['/api/generate', { model: '' }, 400, 'model is required'],
    ['/api/show', {}, 400, 'model is required'],
    ['/api/chat', { model: 'x', ...hello }, 404, "model 'x' not found"],
    ['/api/show', { model: 'x' }, 404, "model 'x' not found"],
    ['/api/chat', { model: 'absent', ...hello }, 404, "model 'absent' not found, try pulling it first"],
    ['/api/chat', { model: 'm', messages: 'hello' }, 400, 'messages'],
    ['/api/chat', { model: 'm', messages: [{ role: 'robot', content: '' }] }, 400, 'messages.0.role'],
    ['/api/chat', { model: 'writer', ...hello }, 400, '"writer" does not support chat'],
    ['/api/generate', { model: 'embedder', prompt: 'a' }, 400, '"embedder" does not support generate'],
    ['/api/embed', { model: 'talker', input: 'a' }, 400, '"talker" does not support embeddings'],
    ['/api/chat', { model: 'dead', ...hello }, 503, 'the host died'],
    ['/api/push', { model: 'm' }, 501, '/api/push'],
  ])('%s %j answers %i', async (path, body, status, error) => {
    const response = await chat.post(path, body)
    expect([response.status, await response.json()]).toEqual([status, { error: expect.stringContaining(error) }])
    expect(response.headers.get('retry-after')).toBe(status === 503 ? '1' : null)
  })

  it('answers 405 to another method, with those that are allowed', async () => {
    const response = await chat.app.request('/api/chat')
    expect([response.status, response.headers.get('allow')]).toEqual([405, 'POST'])
    expect(await response.json()).toEqual({ error: 'Expected POST, received GET' })
  })

  it('says with 503 what to pull where there is no model at all', async () => {
    const response = await createChatApp([]).post('/api/chat', { model: 'm', ...hello })
    expect([response.status, await response.json()]).toEqual([503, { error: expect.stringContaining('models pull') }])
  })

  it('ends a stream that fails with a line of its error', async () => {
    const response = await chat.post('/api/chat', { model: 'breaker', ...hello })
    expect(response.status).toBe(200)
    const lines = await readLines(response)
    expect(lines).toEqual([expect.objectContaining({ done: false }), { error: 'the host died' }])
    expect((await chat.post('/api/chat', { model: 'breaker', stream: false, ...hello })).status).toBe(503)
    expect((await chat.post('/api/chat', { model: 'm', stream: false, ...hello })).status).toBe(200)
  })
})

describe('O3: the lists answer while a model generates', () => {
  it('/api/ps and /api/tags', async () => {
    const { held, open } = gate()
    const busy = createChatApp([{ name: 'm', script: () => ['a', { until: held }, 'b'] }])
    const reader = (await busy.post('/api/chat', { model: 'm', ...hello })).body?.getReader()
    expect(Buffer.from((await reader?.read())?.value ?? []).toString()).toContain('"a"')
    for (const path of ['/api/ps', '/api/tags']) {
      const { models } = await readJson<Models>(busy.app.request(path))
      expect(models).toMatchObject([{ name: 'm' }])
    }
    expect(busy.language.running).toBe(1)
    open()
    while (!(await reader?.read())?.done);
    expect(busy.language.running).toBe(0)
  })
})

describe('O4: who leaves stops the work', () => {
  it('in the middle of a stream, and before its first token', async () => {
    const endless = createChatApp([
      { name: 'm', script: () => ['a', { until: new Promise(() => undefined) }] },
      { name: 'slow', script: () => [{ until: new Promise(() => undefined) }] },
    ])
    await (await endless.post('/api/chat', { model: 'm', ...hello })).body?.cancel()
    await until('the end of the generation', () => endless.language.aborted === 1)
    const hangUp = new AbortController()
    const body = JSON.stringify({ model: 'slow', ...hello })
    const waiting = endless.app.request('/api/chat', { method: 'POST', body, signal: hangUp.signal })
    await until('its start', () => endless.language.running === 1)
    hangUp.abort(new EngineError('cancelled', 'The client hung up'))
    expect((await waiting).status).toBe(499)
    expect([endless.language.running, endless.language.aborted]).toEqual([0, 2])
  })
})

describe('tools and thinking', () => {
  it('are told as they come, and whole', async () => {
    const lines = await readLines(await chat.post('/api/chat', { model: 'caller', tools, ...hello }))
    const told = [0, 1].map((index) => ({
      id: index === 0 ? 'call_a' : 'call_b',
      function: { index, name: 'weather', arguments: { city: 'Bern' } },
    }))
    expect(lines.flatMap(({ message }) => (message as { tool_calls?: [] }).tool_calls ?? [])).toEqual(told)
    expect(lines.at(-1)).toMatchObject({ done: true, done_reason: 'stop' })
    const whole = await readJson(chat.post('/api/chat', { model: 'caller', tools, stream: false, ...hello }))
    expect(whole.message).toEqual({ role: 'assistant', content: 'see', tool_calls: told })
    const thinking = await readJson(chat.post('/api/chat', { model: 'thinker', think: true, stream: false, ...hello }))
    expect(thinking.message).toEqual({ role: 'assistant', content: 'yes', thinking: 'hm' })
    const streamed = await readLines(await chat.post('/api/chat', { model: 'thinker', ...hello }))
    expect(streamed[0]).toMatchObject({ message: { role: 'assistant', content: '', thinking: 'hm' } })
  })
})

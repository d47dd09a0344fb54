import { describe, expect, it } from 'vitest'
import { sendJson, sendLines } from '../support/language-server.ts'
import { ask } from '../support/llama.ts'
import { clock, code, full, hello, never, setUpRemote } from '../support/remote.ts'

const remote = setUpRemote()
const said = (content: string) => ({ model: 'tiny', message: { role: 'assistant', content }, done: false })
const ended = {
  ...{ model: 'tiny', message: { role: 'assistant', content: '' }, done: true, done_reason: 'stop' },
  ...{ prompt_eval_count: 7, eval_count: 2 },
}

describe('a server that speaks as Ollama', () => {
  it('is asked for its models, with what it says of them, once in a while', async () => {
    await remote.connect('ollama')
    const digest = 'a'.repeat(64)
    const details = { family: 'qwen2', parameter_size: '1.5B', quantization_level: 'Q4_K_M' }
    const modified_at = '2026-01-02T03:04:05.123456789Z'
    const capabilities = ['completion', 'tools']
    remote.server.on('/api/tags', (_, response) =>
      sendJson(response, {
        models: [{ name: 'qwen2.5:latest', modified_at, size: 986, digest, details, capabilities }, { name: 'old' }],
      }),
    )
    const [offer, other] = await remote.backend.offers()
    expect(offer).toMatchObject({
      ...{ name: 'qwen2.5:latest', aliases: ['qwen2.5'], state: 'available', bytes: 986, sha256: digest },
      ...{ family: 'qwen2', parameters: '1.5B', quantisation: 'Q4_K_M', format: 'remote', estimatedBytes: 0 },
      modifiedAt: Date.parse('2026-01-02T03:04:05.123Z'),
      capabilities: { chat: true, tools: true, vision: false, thinking: false, embedding: false },
    })
    expect(other).toMatchObject({ name: 'old', capabilities: { chat: true, vision: true } })
    await remote.backend.offers()
    expect(remote.server.received).toHaveLength(1)
  })

  it('streams what is said, thought and called, with its own counts', async () => {
    const model = await remote.ollamaModel()
    const called = { function: { name: 'clock', arguments: { zone: 'UTC' } } }
    remote.server.on('/api/chat', (_, response) =>
      sendLines(response, [
        { message: { role: 'assistant', content: '', thinking: 'Well' }, done: false },
        said('Hel'),
        said('lo'),
        { message: { role: 'assistant', content: '', tool_calls: [called] }, done: false },
        ended,
      ]),
    )
    const answer = await ask(model, hello)
    expect(answer.events.slice(0, -1)).toEqual([
      { type: 'thinking', text: 'Well', tokens: 1 },
      { type: 'text', text: 'Hel', tokens: 1 },
      { type: 'text', text: 'lo', tokens: 1 },
      { type: 'tool-call', call: { id: expect.stringMatching(/^call_/), name: 'clock', arguments: { zone: 'UTC' } } },
    ])
    expect(answer).toMatchObject({
      reason: 'tool-calls',
      usage: { promptTokens: 7, answerTokens: 2, queuedMs: 0, loadMs: 0 },
    })
    expect(answer.usage.promptMs).toBeGreaterThan(0)
  })

  it('gets every field by its own name', async () => {
    const model = await remote.ollamaModel()
    remote.server.on('/api/chat', (_, response) => sendLines(response, [ended]))
    await ask(model, {
      ...full,
      sampling: {
        ...full.sampling,
        topK: 5,
        minP: 0.1,
        typicalP: 0.7,
        repeatPenalty: 1.1,
        repeatLastN: 8,
        contextLength: 99,
      },
    })
    expect(remote.server.received.at(-1)?.body).toEqual({
      model: 'tiny:latest',
      stream: true,
      format: { type: 'object' },
      think: true,
      options: {
        ...{
          num_predict: 9,
          temperature: 0.5,
          top_p: 0.9,
          top_k: 5,
          min_p: 0.1,
          typical_p: 0.7,
          seed: 4,
          stop: ['END'],
        },
        ...{ repeat_penalty: 1.1, repeat_last_n: 8, presence_penalty: 1, frequency_penalty: 2, num_ctx: 99 },
      },
      messages: [
        { role: 'system', content: 'Be short.' },
        { role: 'user', content: 'What is this?', images: ['iVBORw=='] },
        {
          role: 'assistant',
          content: '',
          thinking: 'Hm.',
          tool_calls: [{ id: 'c1', function: { name: 'clock', arguments: { zone: 'UTC' } } }],
        },
        { role: 'tool', content: '12:00', tool_call_id: 'c1', tool_name: 'clock' },
      ],
      tools: [{ type: 'function', function: clock }],
    })
  })

  it('goes on with a text as it stands', async () => {
    const model = await remote.ollamaModel()
    remote.server.on('/api/generate', (_, response) =>
      sendLines(response, [
        { response: ' time', done: false },
        { response: '', done: true, done_reason: 'length' },
      ]),
    )
    const answer = await ask(model, { input: { prompt: 'Once upon a' } })
    expect(answer).toMatchObject({ text: ' time', reason: 'length', usage: { answerTokens: 1 } })
    expect(remote.server.received.at(-1)?.body).toMatchObject({ prompt: 'Once upon a', raw: true, stream: true })
    await expect(ask(model, { input: { prompt: 'Once' }, tools: [clock] })).rejects.toEqual(code('invalid'))
  })

  it('gives vectors, made as long as 1', async () => {
    const model = await remote.ollamaModel()
    remote.server.on('/api/embed', ({ body }, response) =>
      sendJson(response, { embeddings: body.input.map(() => [3, 4]), prompt_eval_count: 5 }),
    )
    const { vectors, promptTokens } = await model.embed(['a', 'b'], never)
    expect(vectors).toEqual([Float32Array.of(0.6, 0.8), Float32Array.of(0.6, 0.8)])
    expect(promptTokens).toBe(5)
    expect(remote.server.received.at(-1)?.body).toEqual({ model: 'tiny:latest', input: ['a', 'b'], truncate: false })
    remote.server.on('/api/embed', (_, response) => sendJson(response, { embeddings: [] }))
    await expect(model.embed(['a'], never)).rejects.toEqual(code('unavailable'))
  })

  it('is told how long to keep a model, and to let it go', async () => {
    const model = await remote.ollamaModel()
    remote.server.on('/api/chat', (_, response) => sendLines(response, [ended]))
    remote.server.on('/api/generate', (_, response) => sendJson(response, { done: true, done_reason: 'unload' }))
    remote.backend.keepAlive('tiny:latest', 300)
    await ask(model, hello)
    expect(remote.server.received.at(-1)?.body).toMatchObject({ keep_alive: 300 })
    await remote.backend.unload('tiny:latest')
    expect(remote.server.received.at(-1)).toMatchObject({
      path: '/api/generate',
      body: { model: 'tiny:latest', keep_alive: 0 },
    })
    expect(remote.backend.isLoaded('tiny:latest')).toBe(false)
  })

  it('may leave things out, send null, end lines as Windows does, and fail with status 200', async () => {
    const model = await remote.ollamaModel()
    const message = { role: 'assistant', content: 'Hi', thinking: null, tool_calls: null }
    remote.server.on('/api/chat', (_, response) => {
      response.end(
        `${JSON.stringify({ message, done: false })}\r\n${JSON.stringify({ message: null, done: true })}\r\n`,
      )
    })
    expect(await ask(model, hello)).toMatchObject({
      text: 'Hi',
      reason: 'stop',
      usage: { answerTokens: 1, promptTokens: 0 },
    })
    remote.server.on('/api/chat', (_, response) => sendJson(response, { error: 'model not found' }))
    await expect(ask(model, hello)).rejects.toThrow('model not found')
    await expect(remote.backend.load('other', never)).rejects.toEqual(code('not-found'))
  })

  it('is asked once for what its list does not say of a model', async () => {
    remote.server.on('/api/show', (_, response) =>
      sendJson(response, { capabilities: ['completion'], model_info: { 'qwen2.context_length': 32_768 } }),
    )
    const model = await remote.ollamaModel()
    expect(model.contextLength).toBe(32_768)
    await expect(ask(model, full)).rejects.toThrow('images')
    remote.server.on('/api/show', (_, response) => sendJson(response, { model_info: '' }))
    expect((await remote.ollamaModel()).contextLength).toBe(null)
  })
})

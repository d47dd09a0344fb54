import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { LanguageEvent, LanguageModel, LanguageRequest } from '../../engine/inference/language.ts'
import { createRemoteLanguages, RemoteLanguage } from '../../engine/inference/remote-language.ts'
import {
  type LanguageServer,
  sendEvents,
  sendJson,
  sendLines,
  startLanguageServer,
} from '../support/language-server.ts'
import { ask } from '../support/llama.ts'
import { until } from '../support/wait.ts'

const never = new AbortController().signal
const code = (expected: string) => expect.objectContaining({ code: expected })
const hello = { input: { messages: [{ role: 'user', content: 'Hello' }] } } as const
const clock = {
  name: 'clock',
  description: 'Tells the time.',
  parameters: { type: 'object', properties: { zone: { type: 'string' } } },
}
const png = new Uint8Array([0x89, 0x50, 0x4e, 0x47])
/** A conversation with all that there is. */
const full: LanguageRequest = {
  input: {
    messages: [
      { role: 'system', content: 'Be short.' },
      { role: 'user', content: 'What is this?', images: [png] },
      {
        role: 'assistant',
        content: '',
        thinking: 'Hm.',
        toolCalls: [{ id: 'c1', name: 'clock', arguments: { zone: 'UTC' } }],
      },
      { role: 'tool', content: '12:00', toolCallId: 'c1', toolName: 'clock' },
    ],
  },
  tools: [clock],
  format: { type: 'object' },
  think: true,
  sampling: {
    maxTokens: 9,
    temperature: 0.5,
    topP: 0.9,
    seed: 4,
    stop: ['END'],
    presencePenalty: 1,
    frequencyPenalty: 2,
  },
}

let server: LanguageServer
let backend: RemoteLanguage
beforeEach(async () => {
  server = await startLanguageServer()
})
afterEach(async () => {
  await backend[Symbol.asyncDispose]()
  await server[Symbol.asyncDispose]()
})

function connect(
  api: 'ollama' | 'openai',
  more: { keyFile?: string; firstMs?: number; betweenMs?: number } = {},
): void {
  const { keyFile = null, firstMs = 20_000, betweenMs = 20_000 } = more
  backend = new RemoteLanguage(
    { url: `${server.url}/`, api, name: 'attic', keyFile },
    { askMs: 10_000, firstMs, betweenMs },
  )
}

async function ollamaModel(more: Parameters<typeof connect>[1] = {}): Promise<LanguageModel> {
  connect('ollama', more)
  server.on('/api/tags', (_, response) => sendJson(response, { models: [{ name: 'tiny:latest' }] }))
  return (await backend.load('tiny:latest', never)).model
}

async function openaiModel(more: Parameters<typeof connect>[1] = {}): Promise<LanguageModel> {
  connect('openai', more)
  server.on('/v1/models', (_, response) => sendJson(response, { object: 'list', data: [{ id: 'tiny', created: 0 }] }))
  return (await backend.load('tiny', never)).model
}

const said = (content: string) => ({ model: 'tiny', message: { role: 'assistant', content }, done: false })
const ended = {
  model: 'tiny',
  message: { role: 'assistant', content: '' },
  done: true,
  done_reason: 'stop',
  prompt_eval_count: 7,
  eval_count: 2,
}
const delta = (content: string) => ({ choices: [{ index: 0, delta: { content }, finish_reason: null }] })
const finish = (reason: string) => ({ choices: [{ index: 0, delta: {}, finish_reason: reason }] })

describe('a server that speaks as Ollama', () => {
  it('is asked for its models, with what it says of them, once in a while', async () => {
    connect('ollama')
    const digest = 'a'.repeat(64)
    const details = { family: 'qwen2', parameter_size: '1.5B', quantization_level: 'Q4_K_M' }
    const modified_at = '2026-01-02T03:04:05.123456789Z'
    const capabilities = ['completion', 'tools']
    server.on('/api/tags', (_, response) =>
      sendJson(response, {
        models: [{ name: 'qwen2.5:latest', modified_at, size: 986, digest, details, capabilities }, { name: 'old' }],
      }),
    )
    const [offer, other] = await backend.offers()
    expect(offer).toMatchObject({
      ...{ name: 'qwen2.5:latest', aliases: ['qwen2.5'], state: 'available', bytes: 986, sha256: digest },
      ...{ family: 'qwen2', parameters: '1.5B', quantisation: 'Q4_K_M', format: 'remote', estimatedBytes: 0 },
      modifiedAt: Date.parse('2026-01-02T03:04:05.123Z'),
      capabilities: { chat: true, tools: true, vision: false, thinking: false, embedding: false },
    })
    expect(other).toMatchObject({ name: 'old', capabilities: { chat: true, vision: true } })
    await backend.offers()
    expect(server.received).toHaveLength(1)
  })

  it('streams what is said, thought and called, with its own counts', async () => {
    const model = await ollamaModel()
    const called = { function: { name: 'clock', arguments: { zone: 'UTC' } } }
    server.on('/api/chat', (_, response) =>
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
    const model = await ollamaModel()
    server.on('/api/chat', (_, response) => sendLines(response, [ended]))
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
    expect(server.received.at(-1)?.body).toEqual({
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
    const model = await ollamaModel()
    server.on('/api/generate', (_, response) =>
      sendLines(response, [
        { response: ' time', done: false },
        { response: '', done: true, done_reason: 'length' },
      ]),
    )
    const answer = await ask(model, { input: { prompt: 'Once upon a' } })
    expect(answer).toMatchObject({ text: ' time', reason: 'length', usage: { answerTokens: 1 } })
    expect(server.received.at(-1)?.body).toMatchObject({ prompt: 'Once upon a', raw: true, stream: true })
    await expect(ask(model, { input: { prompt: 'Once' }, tools: [clock] })).rejects.toEqual(code('invalid'))
  })

  it('gives vectors, made as long as 1', async () => {
    const model = await ollamaModel()
    server.on('/api/embed', ({ body }, response) =>
      sendJson(response, { embeddings: body.input.map(() => [3, 4]), prompt_eval_count: 5 }),
    )
    const { vectors, promptTokens } = await model.embed(['a', 'b'], never)
    expect(vectors).toEqual([Float32Array.of(0.6, 0.8), Float32Array.of(0.6, 0.8)])
    expect(promptTokens).toBe(5)
    expect(server.received.at(-1)?.body).toEqual({ model: 'tiny:latest', input: ['a', 'b'], truncate: false })
    server.on('/api/embed', (_, response) => sendJson(response, { embeddings: [] }))
    await expect(model.embed(['a'], never)).rejects.toEqual(code('unavailable'))
  })

  it('is told how long to keep a model, and to let it go', async () => {
    const model = await ollamaModel()
    server.on('/api/chat', (_, response) => sendLines(response, [ended]))
    server.on('/api/generate', (_, response) => sendJson(response, { done: true, done_reason: 'unload' }))
    backend.keepAlive('tiny:latest', 300)
    await ask(model, hello)
    expect(server.received.at(-1)?.body).toMatchObject({ keep_alive: 300 })
    await backend.unload('tiny:latest')
    expect(server.received.at(-1)).toMatchObject({
      path: '/api/generate',
      body: { model: 'tiny:latest', keep_alive: 0 },
    })
    expect(backend.isLoaded('tiny:latest')).toBe(false)
  })

  it('fails with the words of a server that fails, before the stream or in it', async () => {
    const model = await ollamaModel()
    const refused = async (status: number) => {
      server.on('/api/chat', (_, response) => sendJson(response, { error: 'model is too large' }, status))
      return ask(model, hello).catch((error: unknown) => error)
    }
    for (const [status, expected] of [
      [400, 'invalid'],
      [401, 'unavailable'],
      [404, 'not-found'],
      [413, 'too-large'],
      [429, 'busy'],
      [503, 'busy'],
      [500, 'unavailable'],
      [504, 'timeout'],
    ] as const)
      expect(await refused(status)).toMatchObject({
        code: expected,
        message: expect.stringContaining('model is too large'),
      })
    server.on('/api/chat', (_, response) => sendLines(response, [said('Hel'), { error: 'out of memory' }]))
    await expect(ask(model, hello)).rejects.toThrow('out of memory')
  })

  it('fails with one that breaks off, talks nonsense, or never ends a line', async () => {
    const model = await ollamaModel()
    server.on('/api/chat', (_, response) => sendLines(response, [said('Hel')]))
    await expect(ask(model, hello)).rejects.toThrow(/attic.*broke off/)
    server.on('/api/chat', (_, response) => {
      response.writeHead(200).write(`${JSON.stringify(said('Hel'))}\n`, () => response.destroy())
    })
    await expect(ask(model, hello)).rejects.toEqual(code('unavailable'))
    server.on('/api/chat', (_, response) => void response.end('<html>Bad gateway</html>'))
    await expect(ask(model, hello)).rejects.toThrow(/Expected JSON from server attic, received "<html>/)
    server.on('/api/chat', (_, response) => sendLines(response, [{ message: 'Hello', done: false }]))
    await expect(ask(model, hello)).rejects.toThrow('message')
    server.on('/api/chat', (_, response) => {
      const more = () => response.write('a'.repeat(1 << 16), (error) => error ?? more())
      more()
    })
    await expect(ask(model, hello)).rejects.toThrow(/lines of at most/)
    await until('the endless answer to be hung up', () => server.hungUp() > 0)
  })

  it('is hung up on when the reader leaves or the signal aborts', async () => {
    const model = await ollamaModel()
    server.on('/api/chat', (_, response) => void response.write(`${JSON.stringify(said('Hel'))}\n`))
    for await (const event of model.generate({ ...hello, sampling: {} }, never)) {
      expect(event).toEqual({ type: 'text', text: 'Hel', tokens: 1 })
      break
    }
    await until('the first connection to close', () => server.hungUp() === 1)
    const abort = new AbortController()
    const events: LanguageEvent[] = []
    const read = async () => {
      for await (const event of model.generate({ ...hello, sampling: {} }, abort.signal)) {
        events.push(event)
        abort.abort()
      }
    }
    await expect(read()).rejects.toEqual(code('cancelled'))
    expect(events).toHaveLength(1)
    await until('the second connection to close', () => server.hungUp() === 2)
  })

  it('is not waited for without end: for its first word, nor for the next', async () => {
    const silent = await ollamaModel({ firstMs: 50 })
    server.on('/api/chat', () => undefined)
    await expect(ask(silent, hello)).rejects.toEqual(code('timeout'))
    await backend[Symbol.asyncDispose]()
    const stuck = await ollamaModel({ betweenMs: 50 })
    server.on('/api/chat', (_, response) => void response.write(`${JSON.stringify(said('Hel'))}\n`))
    await expect(ask(stuck, hello)).rejects.toEqual(code('timeout'))
    await until('both to be hung up on', () => server.hungUp() === 2)
  })

  it('takes a line in parts, and characters cut in two', async () => {
    const model = await ollamaModel()
    server.on('/api/chat', async (_, response) => {
      const bytes = Buffer.from(`${JSON.stringify(said('Grüße'))}\n${JSON.stringify(ended)}`)
      const send = (part: Buffer) => new Promise((resolve) => response.write(part, resolve))
      for (const byte of bytes) await send(Buffer.of(byte))
      response.end()
    })
    expect((await ask(model, hello)).text).toBe('Grüße')
  })

  it('does not get what was meant for another address', async () => {
    const model = await ollamaModel()
    server.on('/api/chat', (_, response) => void response.writeHead(307, { location: '/elsewhere' }).end())
    await expect(ask(model, hello)).rejects.toEqual(code('unavailable'))
    expect(server.received.some(({ path }) => path === '/elsewhere')).toBe(false)
  })
})

describe('a server that is away', () => {
  it('offers nothing it never offered, and what it did offer as failed', async () => {
    const socket = createServer().listen(0, '127.0.0.1')
    await until('a port', () => socket.listening)
    const { port } = socket.address() as { port: number }
    await new Promise((resolve) => socket.close(resolve))
    backend = createRemoteLanguages([
      { url: `http://127.0.0.1:${port}`, api: 'ollama', name: 'gone', keyFile: null },
    ])[0]!
    expect(await backend.offers()).toEqual([])
    await expect(backend.load('tiny', never)).rejects.toEqual(code('not-found'))
    await backend[Symbol.asyncDispose]()

    const model = await ollamaModel()
    await server[Symbol.asyncDispose]()
    await expect(ask(model, hello)).rejects.toThrow(/attic.*ECONNREFUSED/)
    await expect(ask(model, hello)).rejects.toEqual(code('unavailable'))
  })
})

describe('a server that speaks as OpenAI', () => {
  it('is asked for its models under /v1, with its key', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'hailstream-key-'))
    await writeFile(join(folder, 'key'), 'secret\n')
    await openaiModel({ keyFile: join(folder, 'key') })
    expect(server.received[0]?.headers.authorization).toBe('Bearer secret')
    expect(await backend.offers()).toMatchObject([{ name: 'tiny', state: 'available', modifiedAt: null }])
    await backend[Symbol.asyncDispose]()
    connect('openai', { keyFile: join(folder, 'none') })
    expect(await backend.offers()).toEqual([])
    await rm(folder, { recursive: true })
  })

  it('streams what is said, thought and called in parts, with its own counts', async () => {
    const model = await openaiModel()
    const part = (index: number, more: object) => ({ choices: [{ delta: { tool_calls: [{ index, ...more }] } }] })
    server.on('/v1/chat/completions', (_, response) =>
      sendEvents(response, [
        { choices: [{ delta: { role: 'assistant', reasoning_content: 'Well' } }] },
        delta('Hel'),
        delta('lo'),
        part(0, { id: 'a', type: 'function', function: { name: 'clock', arguments: '' } }),
        part(0, { function: { arguments: '{"zone":' } }),
        part(1, { id: 'b', type: 'function', function: { name: 'clock', arguments: '{}' } }),
        part(0, { function: { arguments: '"UTC"}' } }),
        finish('tool_calls'),
        {
          choices: [],
          usage: { prompt_tokens: 11, completion_tokens: 5, prompt_tokens_details: { cached_tokens: 3 } },
        },
      ]),
    )
    const answer = await ask(model, hello)
    expect(answer).toMatchObject({ thinking: 'Well', text: 'Hello', reason: 'tool-calls' })
    expect(answer.usage).toMatchObject({ promptTokens: 11, cachedTokens: 3, answerTokens: 5 })
    expect(answer.events.filter(({ type }) => type === 'tool-call')).toEqual([
      { type: 'tool-call', call: { id: 'a', name: 'clock', arguments: { zone: 'UTC' } } },
      { type: 'tool-call', call: { id: 'b', name: 'clock', arguments: {} } },
    ])
  })

  it('gets every field by its own name, and is never asked for what it has none for', async () => {
    const model = await openaiModel()
    server.on('/v1/chat/completions', (_, response) => sendEvents(response, [finish('stop')]))
    await ask(model, full)
    expect(server.received.at(-1)?.body).toEqual({
      ...{ model: 'tiny', stream: true, stream_options: { include_usage: true }, reasoning_effort: 'medium' },
      ...{
        max_tokens: 9,
        temperature: 0.5,
        top_p: 0.9,
        seed: 4,
        stop: ['END'],
        presence_penalty: 1,
        frequency_penalty: 2,
      },
      response_format: {
        type: 'json_schema',
        json_schema: { name: 'answer', schema: { type: 'object' }, strict: true },
      },
      messages: [
        { role: 'system', content: 'Be short.' },
        {
          role: 'user',
          content: [
            { type: 'text', text: 'What is this?' },
            { type: 'image_url', image_url: { url: 'data:image/png;base64,iVBORw==' } },
          ],
        },
        {
          role: 'assistant',
          content: '',
          tool_calls: [{ id: 'c1', type: 'function', function: { name: 'clock', arguments: '{"zone":"UTC"}' } }],
        },
        { role: 'tool', content: '12:00', tool_call_id: 'c1' },
      ],
      tools: [{ type: 'function', function: clock }],
    })
    for (const sampling of [
      { topK: 1 },
      { minP: 0.1 },
      { typicalP: 0.5 },
      { repeatPenalty: 1.1 },
      { repeatLastN: 3 },
      { contextLength: 9 },
    ])
      await expect(ask(model, { ...hello, sampling })).rejects.toThrow(Object.keys(sampling)[0])
  })

  it('goes on with a text, and gives vectors in the order of the texts', async () => {
    const model = await openaiModel()
    server.on('/v1/completions', (_, response) =>
      sendEvents(response, [
        { choices: [{ text: ' time', finish_reason: null }] },
        { choices: [{ text: '', finish_reason: 'length' }] },
      ]),
    )
    expect(await ask(model, { input: { prompt: 'Once upon a' } })).toMatchObject({ text: ' time', reason: 'length' })
    await expect(ask(model, { input: { prompt: 'Once' }, format: 'json' })).rejects.toEqual(code('invalid'))
    server.on('/v1/embeddings', (_, response) =>
      sendJson(response, {
        data: [
          { index: 1, embedding: [0, 2] },
          { index: 0, embedding: [2, 0] },
        ],
        usage: { prompt_tokens: 4 },
      }),
    )
    expect(await model.embed(['a', 'b'], never)).toEqual({
      vectors: [Float32Array.of(1, 0), Float32Array.of(0, 1)],
      promptTokens: 4,
      loadMs: 0,
    })
  })

  it('fails with the words of a server that fails, breaks off, or calls with nonsense', async () => {
    const model = await openaiModel()
    const error = { message: 'no such parameter', type: 'invalid_request_error' }
    server.on('/v1/chat/completions', (_, response) => sendJson(response, { error }, 400))
    await expect(ask(model, hello)).rejects.toThrow(/attic.*400: no such parameter/)
    server.on('/v1/chat/completions', (_, response) => sendEvents(response, [delta('Hel'), { error }]))
    await expect(ask(model, hello)).rejects.toThrow('no such parameter')
    server.on('/v1/chat/completions', (_, response) => sendEvents(response, [delta('Hel')], ''))
    await expect(ask(model, hello)).rejects.toThrow('broke off')
    const call = { index: 0, id: 'a', function: { name: 'clock', arguments: '{"zone"' } }
    server.on('/v1/chat/completions', (_, response) =>
      sendEvents(response, [{ choices: [{ delta: { tool_calls: [call] } }] }, finish('tool_calls')]),
    )
    await expect(ask(model, hello)).rejects.toEqual(code('unavailable'))
  })
})

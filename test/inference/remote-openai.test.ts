import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { sendEvents, sendJson } from '../support/language-server.ts'
import { ask } from '../support/llama.ts'
import { clock, code, full, hello, never, setUpRemote } from '../support/remote.ts'

const remote = setUpRemote()
const delta = (content: string) => ({ choices: [{ index: 0, delta: { content }, finish_reason: null }] })
const finish = (reason: string) => ({ choices: [{ index: 0, delta: {}, finish_reason: reason }] })

describe('a server that speaks as OpenAI', () => {
  it('is asked for its models under /v1, with its key', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'hailstream-key-'))
    await writeFile(join(folder, 'key'), 'secret\n')
    await remote.openaiModel({ keyFile: join(folder, 'key') })
    expect(remote.server.received[0]?.headers.authorization).toBe('Bearer secret')
    expect(await remote.backend.offers()).toMatchObject([{ name: 'tiny', state: 'available', modifiedAt: null }])
    await remote.connect('openai', { keyFile: join(folder, 'none') })
    expect(await remote.backend.offers()).toEqual([])
    await rm(folder, { recursive: true })
  })

  it('streams what is said, thought and called in parts, with its own counts', async () => {
    const model = await remote.openaiModel()
    const part = (index: number, more: object) => ({ choices: [{ delta: { tool_calls: [{ index, ...more }] } }] })
    remote.server.on('/v1/chat/completions', (_, response) =>
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
    const model = await remote.openaiModel()
    remote.server.on('/v1/chat/completions', (_, response) => sendEvents(response, [finish('stop')]))
    await ask(model, full)
    expect(remote.server.received.at(-1)?.body).toEqual({
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
    const model = await remote.openaiModel()
    remote.server.on('/v1/completions', (_, response) =>
      sendEvents(response, [
        { choices: [{ text: ' time', finish_reason: null }] },
        { choices: [{ text: '', finish_reason: 'length' }] },
      ]),
    )
    expect(await ask(model, { input: { prompt: 'Once upon a' } })).toMatchObject({ text: ' time', reason: 'length' })
    await expect(ask(model, { input: { prompt: 'Once' }, format: 'json' })).rejects.toEqual(code('invalid'))
    remote.server.on('/v1/embeddings', (_, response) =>
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
    const model = await remote.openaiModel()
    const error = { message: 'no such parameter', type: 'invalid_request_error' }
    remote.server.on('/v1/chat/completions', (_, response) => sendJson(response, { error }, 400))
    await expect(ask(model, hello)).rejects.toThrow(/attic.*400: no such parameter/)
    remote.server.on('/v1/chat/completions', (_, response) => sendEvents(response, [delta('Hel'), { error }]))
    await expect(ask(model, hello)).rejects.toThrow('no such parameter')
    remote.server.on('/v1/chat/completions', (_, response) => sendEvents(response, [delta('Hel')], ''))
    await expect(ask(model, hello)).rejects.toThrow('broke off')
    const call = { index: 0, id: 'a', function: { name: 'clock', arguments: '{"zone"' } }
    remote.server.on('/v1/chat/completions', (_, response) =>
      sendEvents(response, [{ choices: [{ delta: { tool_calls: [call] } }] }, finish('tool_calls')]),
    )
    await expect(ask(model, hello)).rejects.toEqual(code('unavailable'))
  })
})

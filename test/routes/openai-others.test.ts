import { beforeEach, describe, expect, it } from 'vitest'
import { createChatApp, readEvents, readJson } from '../support/chat-app.ts'

const writer = {
  ...{ vision: false, tools: false, thinking: false, schema: false },
  ...{ completion: true, embedding: false, chat: false },
}
const usage = { prompt_tokens: 2, completion_tokens: 2, total_tokens: 4, prompt_tokens_details: { cached_tokens: 2 } }
const seconds = expect.toSatisfy((value) => Number.isInteger(value) && Math.abs(value - Date.now() / 1000) < 600)

type Chunk = { choices: { text: string; finish_reason: string | null }[] }

let chat: ReturnType<typeof createChatApp>
beforeEach(() => {
  chat = createChatApp([
    { name: 'm' },
    { name: 'writer', capabilities: writer },
    { name: 'absent', state: 'missing', modifiedAt: null },
    { name: 'user/own:q4', modifiedAt: null },
  ])
})

const post = (body: object, path: string) => chat.post(path, { model: 'm', ...body })

describe('completions', () => {
  it('go on with a text as it stands', async () => {
    const whole = await readJson(post({ model: 'writer', prompt: 'Once upon', echo: true }, '/v1/completions'))
    const head = { id: expect.stringMatching(/^cmpl-/), object: 'text_completion', created: seconds, model: 'writer' }
    const choice = { index: 0, logprobs: null, finish_reason: 'stop' }
    expect(whole).toEqual({ ...head, choices: [{ ...choice, text: 'Once uponOnce upon' }], usage })
    expect(chat.language.requests[0]).toEqual({ input: { prompt: 'Once upon' }, sampling: {} })
  })

  it('stream', async () => {
    const body = { model: 'writer', prompt: ['Once upon'], stream: true, stream_options: { include_usage: true } }
    const events = await readEvents<Chunk>(await post(body, '/v1/completions'))
    const choices = events.flatMap((event) => (event === '[DONE]' ? [] : event.choices))
    expect(choices.map(({ text, finish_reason }) => [text, finish_reason])).toEqual([
      ['Once', null],
      [' upon', null],
      ['', 'stop'],
    ])
    expect(events.slice(-2)).toEqual([expect.objectContaining({ choices: [], usage }), '[DONE]'])
  })

  it.each([{ prompt: ['a', 'b'] }, { prompt: [1, 2] }, { suffix: 'a' }, { best_of: 2 }, { logprobs: 1 }])(
    'refuse %j',
    async (body) => {
      const response = await post({ model: 'writer', prompt: 'a', ...body }, '/v1/completions')
      const { error } = await readJson<{ error: { param: string } }>(response)
      expect([response.status, error.param]).toEqual([400, Object.keys(body)[0]])
    },
  )
})

describe('models and embeddings', () => {
  it('lists what is here, with its copies, and each by its name', async () => {
    chat.library.given = [{ name: 'mine', model: 'm' }]
    const { data, object } = await readJson<{ data: { id: string }[]; object: string }>(chat.app.request('/v1/models'))
    const entry = { id: 'm', object: 'model', created: 1_764_011_045, owned_by: 'library' }
    expect([object, data[0]]).toEqual(['list', entry])
    expect(data).toContainEqual({ ...entry, id: 'mine' })
    expect(data.map(({ id }) => id)).not.toContain('absent')
    const ears = { id: 'scripted-ears', object: 'model', created: 0, owned_by: 'scripted' }
    expect(data.slice(-3)).toMatchObject([ears, { id: 'scripted' }, { id: 'tones', owned_by: 'tones' }])
    expect(await readJson(chat.app.request('/v1/models/scripted-ears'))).toEqual(ears)
    expect(await readJson(chat.app.request('/v1/models/m'))).toEqual(entry)
    expect(await readJson(chat.app.request('/v1/models/user/own:q4'))).toMatchObject({ id: 'user/own:q4', created: 0 })
    expect((await chat.app.request('/v1/models/x')).status).toBe(404)
  })

  it('gives vectors as numbers, as base64 of float32, and shortened', async () => {
    const ask = async (body: object) =>
      readJson<{ data: { embedding: number[] & string }[] }>(post({ input: ['a b', 'c'], ...body }, '/v1/embeddings'))
    const embedding = [0.6, 0, 0.8].map((value) => expect.closeTo(value, 6))
    expect(await ask({})).toEqual({
      ...{ object: 'list', model: 'm', usage: { prompt_tokens: 3, total_tokens: 3 } },
      data: [0, 1].map((index) => ({ object: 'embedding', index, embedding })),
    })
    const bytes = Buffer.from((await ask({ encoding_format: 'base64' })).data[1]?.embedding ?? '', 'base64')
    expect([0, 4, 8].map((at) => bytes.readFloatLE(at))).toEqual(embedding)
    expect((await ask({ dimensions: 2 })).data[0]?.embedding).toEqual([1, 0])
  })
})

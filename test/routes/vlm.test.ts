import { beforeEach, describe, expect, it } from 'vitest'
import { EngineError } from '../../engine/errors.ts'
import { joinRoutes } from '../../engine/routes/answer.ts'
import { vlmRoutes } from '../../engine/routes/vlm.ts'
import { FakeLanguage, modelStatus } from '../support/fake-language.ts'
import { until } from '../support/wait.ts'

let language: FakeLanguage
let app: ReturnType<typeof joinRoutes>
beforeEach(() => {
  language = new FakeLanguage()
  app = joinRoutes([vlmRoutes(language)])
})

const picture = Buffer.from([0xff, 0xd8, 0xff, 1, 2, 3])
const image = picture.toString('base64')
const json = (body: object, signal?: AbortSignal) =>
  app.request('/api/vlm', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
    ...(signal ? { signal } : {}),
  })

describe('POST /api/vlm', () => {
  it('asks the model that sees, from JSON or from a form', async () => {
    const body = new FormData()
    body.append('image', new Blob([new Uint8Array(picture)]))
    body.append('prompt', '007')
    const answers = [await json({ image, prompt: '007' }), await app.request('/api/vlm', { method: 'POST', body })]
    for (const response of answers)
      expect(await response.json()).toEqual({
        ...{ text: 'A dog.', model: 'seer', reason: 'stop' },
        usage: { prompt_tokens: 3, answer_tokens: 2, queued_ms: 1, load_ms: 0, prompt_ms: 2, answer_ms: 4 },
      })
    for (const { name, request, use } of language.asked) {
      expect([name, use.priority]).toEqual(['seer', 'interactive'])
      const [message] = 'messages' in request.input ? request.input.messages : []
      expect([message?.role, message?.content, message?.images?.length]).toEqual(['user', '007', 1])
      expect(Buffer.from(message?.images?.[0] ?? [])).toEqual(picture)
    }
  })

  it('streams the words as events', async () => {
    const response = await json({ image, prompt: 'What?', stream: true, max_tokens: 9, temperature: 0 })
    expect(response.headers.get('content-type')).toContain('text/event-stream')
    const events = (await response.text()).split('\n\n').filter((event) => event !== '')
    expect(events.map((event) => JSON.parse(event.slice(6)))).toMatchObject([
      { text: 'A ' },
      { text: 'dog.' },
      { done: true, model: 'seer', reason: 'stop' },
    ])
    expect(language.asked[0]?.request.sampling).toEqual({ maxTokens: 9, temperature: 0 })
  })

  it('says with 503 which model is missing', async () => {
    language.models = [modelStatus('reader', false), modelStatus('qwen2-vl', true, 'missing')]
    const response = await json({ image, prompt: 'What?' })
    expect([response.status, response.headers.get('retry-after')]).toEqual([503, '1'])
    expect(await response.json()).toMatchObject({
      error: 'unavailable',
      detail: expect.stringContaining('models pull qwen2-vl'),
    })
    language.models = []
    expect((await json({ image, prompt: 'What?' })).status).toBe(503)
  })

  it.each([
    [400, 'prompt', { image }],
    [400, 'image', { prompt: 'What?' }],
    [400, 'sees', { image, prompt: 'What?', model: 'reader' }],
    [400, 'top_k', { image, prompt: 'What?', top_k: 3 }],
    [404, 'nobody', { image, prompt: 'What?', model: 'nobody' }],
  ])('answers %i, naming %s, to %o', async (status, told, body) => {
    const response = await json(body)
    expect(response.status).toBe(status)
    expect(await response.json()).toMatchObject({ detail: expect.stringContaining(told) })
    expect(language.asked).toEqual([])
  })

  it('reads JSON under the type that curl gives it unasked', async () => {
    const headers = { 'content-type': 'application/x-www-form-urlencoded' }
    const body = JSON.stringify({ image, prompt: 'What?' })
    expect((await app.request('/api/vlm', { method: 'POST', headers, body })).status).toBe(200)
  })

  it('answers 415 to another type', async () => {
    const headers = { 'content-type': 'text/plain' }
    expect((await app.request('/api/vlm', { method: 'POST', headers, body: 'x' })).status).toBe(415)
  })

  it('tells a failure before the first word by its status, and later as an event', async () => {
    const error = new EngineError('unavailable', 'The language host died')
    language.failure = { at: 0, error }
    expect((await json({ image, prompt: 'What?', stream: true })).status).toBe(503)
    language.failure = { at: 1, error }
    const told = await (await json({ image, prompt: 'What?', stream: true })).text()
    expect(told).toContain('data: {"error":"unavailable","detail":"The language host died"}')
  })

  it('stops for a client that hangs up', async () => {
    language.gate = (at) => (at === 1 ? new Promise(() => undefined) : Promise.resolve())
    const leaving = new AbortController()
    const asking = Promise.resolve(json({ image, prompt: 'What?' }, leaving.signal))
    await until('the model', () => language.loops.begun === 1)
    leaving.abort()
    await asking.catch(() => undefined)
    await until('its end', () => language.loops.ended === 1)
  })
})

import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { AudioDecoder } from '../../../engine/audio/audio-decoder.ts'
import { EngineError } from '../../../engine/errors.ts'
import { JobQueue } from '../../../engine/jobs/job-queue.ts'
import { JobStore } from '../../../engine/jobs/job-store.ts'
import { JobTopics } from '../../../engine/jobs/job-topics.ts'
import { languageWork } from '../../../engine/jobs/language-work.ts'
import { transcriptionWork } from '../../../engine/jobs/transcription-work.ts'
import { visionWork } from '../../../engine/jobs/vision-work.ts'
import { joinRoutes } from '../../../engine/routes/answer.ts'
import { jobRoutes, jobUploadPaths } from '../../../engine/routes/jobs/job-routes.ts'
import { FakeLanguage } from '../../support/fake-language.ts'
import { FakeVision } from '../../support/fake-vision.ts'
import { ScriptedSpeech, tone } from '../../support/scripted-speech.ts'
import { startServer, TestClient } from '../../support/server.ts'
import { wavOf } from '../../support/sounds.ts'
import { silentLog } from '../../support/topic-packets.ts'
import { until } from '../../support/wait.ts'

let folder: string
let started: Awaited<ReturnType<typeof start>>
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hailstream-jobs-'))
  started = await start()
})
afterEach(async () => {
  await started.close()
  expect(started.vision.images.map(({ holders }) => holders)).toEqual(started.vision.images.map(() => 0))
  expect([started.vision.sessions, started.decoder.heldBytes]).toEqual([0, 0])
  expect(await readdir(join(folder, 'uploads')).catch(() => [])).toEqual([])
  await rm(folder, { recursive: true })
})

async function start() {
  const [vision, language, speech, decoder] = [
    new FakeVision(),
    new FakeLanguage(),
    new ScriptedSpeech(),
    new AudioDecoder(),
  ]
  vision.answer = [{ label: 'person', confidence: 0.9, bbox: [10, 20, 30, 40] }]
  const uploads = join(folder, 'uploads')
  const parts: { app?: ReturnType<typeof joinRoutes> } = {}
  const fetch = (request: Request) => parts.app?.fetch(request) ?? Response.error()
  const { server, url, socketUrl, hub, clock } = await startServer({
    fetch,
    uploadPaths: new Set<string>(jobUploadPaths),
  })
  const topics = new JobTopics(hub, clock)
  const store = await JobStore.open(join(folder, 'jobs.sqlite'), () => undefined)
  const workers = {
    language: languageWork(language),
    transcription: transcriptionWork(speech, decoder, uploads),
    vision: visionWork(vision),
  }
  const onChange: JobTopics['tell'] = (...change) => topics.tell(...change)
  const queue = await JobQueue.start({ store, workers, log: silentLog, onChange, times: { reportMs: 0, retryMs: 5 } })
  parts.app = joinRoutes([jobRoutes({ queue: async () => queue, uploads, vision, language, speech })])
  const close = async () => {
    await server.close()
    await queue[Symbol.asyncDispose]()
    topics[Symbol.dispose]()
    await store[Symbol.asyncDispose]()
  }
  return { vision, language, speech, decoder, url, socketUrl, hub, close }
}

const path = (id = '') => `${started.url}/api/infer${id === '' ? '' : `/${id}`}`
const json = (body: object | string) =>
  fetch(path(), {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  })
async function submit(body: object): Promise<string> {
  const response = await json(body)
  const { job_id, status } = (await response.json()) as { job_id: string; status: string }
  expect([response.status, status, response.headers.get('location')]).toEqual([202, 'queued', `/api/infer/${job_id}`])
  return job_id
}
const look = async (id: string) => (await (await fetch(path(id))).json()) as Record<string, unknown>
/** Audio is decoded by a program, whose start takes long on a machine that is busy with others. */
const endedWithinMs = 60_000
const ended = (id: string) =>
  until(
    `the end of ${id}`,
    async () => {
      const job = await look(id)
      return job.finished_at !== null && job
    },
    endedWithinMs,
  )
const picture = Buffer.from([0xff, 0xd8, 0xff, 1, 2, 3])

describe('POST /api/infer', () => {
  it('takes a prompt for a model, and gives its answer later', async () => {
    const id = await submit({ model: 'reader', prompt: 'Who?', temperature: 0, max_tokens: 9 })
    expect(await ended(id)).toEqual({
      ...{ job_id: id, status: 'complete', kind: 'language', progress: { total: 1, done: 1, failed: 0 } },
      ...{ created_at: expect.any(Number), started_at: expect.any(Number), finished_at: expect.any(Number) },
      ...{ result: 'A dog.', model: 'reader', reason: 'stop', usage: expect.objectContaining({ answerTokens: 2 }) },
    })
    const [{ name, request, use } = { name: '', request: null, use: null }] = started.language.asked
    expect([name, use]).toEqual(['reader', { priority: 'batch', user: 'jobs' }])
    expect(request).toEqual({
      ...{ input: { messages: [{ role: 'user', content: 'Who?' }] }, sampling: { temperature: 0, maxTokens: 9 } },
    })
  })

  it('takes prompts as a list, with one system, and as text to go on with', async () => {
    const id = await submit({ model: 'reader', prompts: ['a', 'b'], system: 'Be brief.' })
    const raw = await submit({ model: 'reader', prompt: ['c'], raw: true })
    expect(await ended(raw)).toMatchObject({ results: [{ result: 'A dog.' }] })
    expect(await look(id)).toMatchObject({ results: [{ result: 'A dog.' }, { result: 'A dog.' }] })
    expect(started.language.asked.map(({ request }) => request.input)).toEqual([
      {
        messages: [
          { role: 'system', content: 'Be brief.' },
          { role: 'user', content: 'a' },
        ],
      },
      {
        messages: [
          { role: 'system', content: 'Be brief.' },
          { role: 'user', content: 'b' },
        ],
      },
      { prompt: 'c' },
    ])
  })

  it('takes pictures for a task, as JSON or as a form, and answers in their pixels', async () => {
    const image = picture.toString('base64')
    const one = await submit({ task: 'detect', image, options: { minScore: 0.3 } })
    const two = await submit({ task: 'detect', images: [image, `data:image/jpeg;base64,${image}`] })
    const body = new FormData()
    body.append('task', 'pose')
    body.append('options', '{"minScore":0.5}')
    for (let i = 0; i < 2; i++) body.append('images', new Blob([new Uint8Array(picture)]), `${i}.jpg`)
    const response = await fetch(path(), { method: 'POST', body })
    const { job_id: three } = (await response.json()) as { job_id: string }
    const found = {
      result: [{ label: 'person', confidence: 0.9, bbox: [20, 40, 60, 80] }],
      model: 'recorded',
      backend: 'replay',
    }
    expect(await ended(three)).toMatchObject({ kind: 'vision', results: [found, found] })
    expect(await look(one)).toMatchObject(found)
    expect(await look(two)).toMatchObject({ results: [found, found] })
    expect(started.vision.decoded).toEqual(Array(5).fill(picture))
    expect(started.vision.opened.map(({ task }) => task)).toContain('pose')
  })

  it('takes audio, and answers what was said in it', { timeout: 2 * endedWithinMs }, async () => {
    const audio = wavOf(tone(440, 16_000, 1.5), 16_000)
    const one = await submit({ audio: audio.toString('base64'), language: 'de', hint: 'hail' })
    const body = new FormData()
    body.append('audio', new Blob([new Uint8Array(audio)]), 'a.wav')
    const form = (await (await fetch(path(), { method: 'POST', body })).json()) as { job_id: string }
    const said = { kind: 'transcription', result: 'and so my fellow Americans', language: 'en', duration: 1.5 }
    expect(await ended(form.job_id)).toMatchObject({
      ...said,
      segments: [{ start: 0.35, end: 2.2 }, { text: 'Americans' }],
    })
    expect(await look(one)).toMatchObject(said)
    expect(started.speech.heard[0]?.options).toEqual({ language: 'de', prompt: 'hail' })
  })

  it.each([
    [400, 'no json', 'JSON'],
    [400, {}, 'one of prompt'],
    [400, { prompt: 'x', image: 'AAAA' }, 'prompt and image'],
    [400, { prompt: '' }, 'prompt'],
    [400, { prompts: [] }, 'prompts'],
    [400, { prompt: 'x', mood: 'calm' }, 'mood'],
    [400, { task: 'detect', image: '!' }, 'base64'],
    [400, { task: 'fly', image: 'AAAA' }, 'detect, pose'],
    [400, { task: 'detect', image: 'AAAA', options: { minScore: 7 } }, 'minScore'],
    [400, { audio: 'AAAA', task: 'detect' }, 'transcribe'],
    [404, { model: 'nobody', prompt: 'x' }, 'nobody'],
    [404, { model: 'nobody', audio: 'AAAA' }, 'nobody'],
  ])('answers %i to %o', async (status, body, told) => {
    const response = await json(body)
    expect(response.status).toBe(status)
    expect(await response.json()).toEqual({
      error: status === 404 ? 'not-found' : 'invalid',
      detail: expect.stringContaining(told),
    })
    expect(await (await fetch(path())).json()).toEqual({ jobs: [] })
  })

  it('reads JSON under the type that curl gives it unasked', async () => {
    const headers = { 'content-type': 'application/x-www-form-urlencoded' }
    const body = JSON.stringify({ model: 'reader', prompt: 'Who?' })
    expect((await fetch(path(), { method: 'POST', headers, body })).status).toBe(202)
  })

  it('answers 415 to another type, and 405 to another method', async () => {
    expect((await fetch(path(), { method: 'POST', body: 'x' })).status).toBe(415)
    expect((await fetch(path('x'), { method: 'POST' })).status).toBe(405)
  })
})

describe('a job under /api/infer/{id}', () => {
  it('says why it failed', async () => {
    started.language.failure = { at: 0, error: new EngineError('unavailable', 'The language host died') }
    const id = await submit({ prompt: 'x' })
    expect(await ended(id)).toMatchObject({ status: 'failed', error: 'unavailable', detail: 'The language host died' })
  })

  it('is cancelled by DELETE, which stops the model, and cannot be cancelled twice', async () => {
    started.language.gate = () => new Promise(() => undefined)
    const id = await submit({ prompts: ['a', 'b'] })
    await until('the model', () => started.language.loops.begun === 1)
    const response = await fetch(path(id), { method: 'DELETE' })
    expect([response.status, await response.json()]).toEqual([
      200,
      expect.objectContaining({ job_id: id, status: 'cancelled' }),
    ])
    await until('its end', () => started.language.loops.ended === 1)
    expect((await fetch(path(id), { method: 'DELETE' })).status).toBe(409)
    expect((await fetch(path('nobody'), { method: 'DELETE' })).status).toBe(404)
    expect((await fetch(path('nobody'))).status).toBe(404)
  })

  it('tells its progress as a topic, to who comes later as well', async () => {
    let go: () => void = () => undefined
    const gate = new Promise<void>((resolve) => {
      go = resolve
    })
    started.language.gate = () => gate
    const id = await submit({ prompts: ['a', 'b'] })
    const client = await TestClient.open(`${started.socketUrl}/ws/jobs/${id}`)
    await client.hear(0)
    go()
    const last = await until('the last event', () =>
      client.heard.find((message) => JSON.stringify(message).includes('"complete"')),
    )
    expect(last).toMatchObject({
      ...{
        topic: `jobs/${id}`,
        event: { name: 'progress', job_id: id, status: 'complete', done: 2, failed: 0, total: 2 },
      },
    })
    const parts = client.heard.flatMap((message) => (message as { event?: { part?: object } }).event?.part ?? [])
    expect(parts).toContainEqual({ input: 1, tokens: 2 })
    const late = await TestClient.open(`${started.socketUrl}/ws/jobs/${id}`)
    expect(await late.hear(0)).toMatchObject({ event: { status: 'complete' } })
    for (const { socket } of [client, late]) socket.close()
  })
})

it('GET /api/infer lists jobs, the newest first, by status and up to a limit', async () => {
  const first = await submit({ prompt: 'a' })
  const second = await submit({ prompt: 'b' })
  await ended(second)
  const list = async (query = '') => {
    const response = await fetch(`${path()}${query}`)
    return response.status === 200
      ? ((await response.json()) as { jobs: { job_id: string }[] }).jobs.map(({ job_id }) => job_id)
      : response.status
  }
  expect(await list()).toEqual([second, first])
  expect(await list('?limit=1')).toEqual([second])
  expect(await list('?status=failed')).toEqual([])
  expect(await list('?status=done')).toBe(400)
  expect(await list('?page=2')).toBe(400)
})

import { beforeEach, describe, expect, it } from 'vitest'
import { EngineError } from '../../engine/errors.ts'
import { joinRoutes } from '../../engine/routes/answer.ts'
import { visionRoutes } from '../../engine/routes/vision.ts'
import { FakeVision } from '../support/fake-vision.ts'
import { until } from '../support/wait.ts'

let vision: FakeVision
let app: ReturnType<typeof joinRoutes>
beforeEach(() => {
  vision = new FakeVision()
  vision.answer = [{ label: 'person', confidence: 0.91234, bbox: [10, 20, 30, 40] }]
  app = joinRoutes([visionRoutes(vision)])
})

const picture = Buffer.from([0xff, 0xd8, 1, 2, 3, 0xff, 0xd9])
const raw = (path = '/api/detect', type = 'image/jpeg', body: Uint8Array<ArrayBuffer> = new Uint8Array(picture)) =>
  app.request(path, { method: 'POST', headers: { 'content-type': type }, body })
const json = (body: unknown, path = '/api/detect') =>
  app.request(path, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  })
function form(fields: Readonly<Record<string, string | Blob>>, path = '/api/detect') {
  const body = new FormData()
  for (const [name, value] of Object.entries(fields)) body.append(name, value)
  return app.request(path, { method: 'POST', body })
}

/** All slots are given back, all sessions closed. */
function expectNothingHeld() {
  expect(vision.images.map(({ holders }) => holders)).toEqual(vision.images.map(() => 0))
  expect(vision.sessions).toBe(0)
}

describe('POST /api/detect', () => {
  it.each([
    ['as a raw body', () => raw()],
    ['as a body without a picture type', () => raw('/api/detect', 'application/octet-stream')],
    ['as a file of a form', () => form({ image: new Blob([new Uint8Array(picture)], { type: 'image/jpeg' }) })],
    ['as base64 in a form', () => form({ image: picture.toString('base64') })],
    ['as base64 in JSON', () => json({ image: picture.toString('base64') })],
    ['as a data URL in JSON', () => json({ image: `data:image/jpeg;base64,${picture.toString('base64')}` })],
  ])('takes a picture %s and answers in its pixels', async (_, send) => {
    const response = await send()
    expect(response.status).toBe(200)
    expect(await response.json()).toEqual([{ label: 'person', confidence: 0.912, bbox: [20, 40, 60, 80] }])
    expect(vision.decoded).toEqual([picture])
    expectNothingHeld()
  })

  it('passes options on from query, form and JSON', async () => {
    await raw('/api/detect?minScore=0.3&classes=person,car&model=yolov8n')
    await form({ image: new Blob([new Uint8Array(picture)]), minScore: '0.5', classes: 'bus' })
    await json({ image: picture.toString('base64'), minScore: 0.7, classes: ['dog'] })
    expect(vision.opened.map(({ options }) => options)).toEqual([
      { minScore: 0.3, classes: ['person', 'car'], model: 'yolov8n' },
      { minScore: 0.5, classes: ['bus'] },
      { minScore: 0.7, classes: ['dog'] },
    ])
  })

  it('tells how long the model that answers is to stay, and leaves that out of the options of the task', async () => {
    await raw('/api/detect?keep_alive=5m&minScore=0.3')
    await form({ image: new Blob([new Uint8Array(picture)]), keep_alive: '-1' })
    await json({ image: picture.toString('base64'), keep_alive: 0 })
    await json({ image: picture.toString('base64') })
    expect(vision.kept).toEqual([300, -1, 0].map((seconds) => ({ model: 'recorded', seconds })))
    expect(vision.opened[0]?.options).toEqual({ minScore: 0.3 })
    expectNothingHeld()
  })

  it.each([
    ['an empty body', 400, 'invalid', 'picture', () => raw('/api/detect', 'image/png', new Uint8Array(0))],
    [
      'a form without the field',
      400,
      'invalid',
      'field image',
      () => form({ picture: new Blob([new Uint8Array(picture)]) }),
    ],
    ['JSON without the key', 400, 'invalid', '"image"', () => json({ picture: 'x' })],
    ['JSON that is no object', 400, 'invalid', '"image"', () => json([1])],
    ['broken JSON', 400, 'invalid', 'JSON', () => json('{"image":')],
    ['a broken form', 400, 'invalid', 'multipart', () => raw('/api/detect', 'multipart/form-data; boundary=x')],
    ['what is not base64', 400, 'invalid', 'base64', () => json({ image: '!!! not base64 !!!' })],
    ['a data URL without base64', 400, 'invalid', 'base64', () => json({ image: 'data:image/png,abc' })],
    ['text', 415, 'invalid', 'text/plain', () => raw('/api/detect', 'text/plain')],
    ['a format of another task', 400, 'invalid', 'json, coco', () => raw('/api/detect?format=openpose')],
    ['a number of the picture where none is written', 400, 'invalid', 'image_id', () => raw('/api/detect?image_id=3')],
    ['a number that is none', 400, 'invalid', 'image_id', () => raw('/api/detect?format=coco&image_id=-1')],
    ['a time that is none', 400, 'invalid', 'keep_alive', () => raw('/api/detect?keep_alive=soon')],
    ['an option out of range', 400, 'invalid', 'minScore', () => raw('/api/detect?minScore=7')],
    [
      'a picture over the limit',
      413,
      'too-large',
      'bytes',
      () => raw('/api/detect', 'image/png', new Uint8Array(33_554_433)),
    ],
  ])('refuses %s', async (_, status, error, detail, send) => {
    const response = await send()
    expect(response.status).toBe(status)
    expect(await response.json()).toEqual({ error, detail: expect.stringContaining(detail) })
    expectNothingHeld()
  })

  it.each([
    ['not an image', new EngineError('invalid', 'Expected JPEG, PNG or WebP'), 400],
    ['a decompression bomb', new EngineError('too-large', 'Expected at most 1920x1080'), 413],
    ['no room', new EngineError('busy', 'All slots are in use'), 503],
    ['no model', new EngineError('unavailable', 'No model'), 503],
  ])('answers by the cause when decoding fails: %s', async (_, refusal, status) => {
    vision.refusal = refusal
    const response = await raw()
    expect(response.status).toBe(status)
    expect(response.headers.has('retry-after')).toBe(status === 503)
    expectNothingHeld()
  })

  it('gives all back when the client hangs up', async () => {
    vision.gate = new Promise(() => undefined)
    const client = new AbortController()
    const headers = { 'content-type': 'image/jpeg' }
    const answer = app.request('/api/detect', {
      method: 'POST',
      headers,
      body: new Uint8Array(picture),
      signal: client.signal,
    })
    await until('the question', () => vision.images.length === 1)
    client.abort()
    expect((await answer).status).toBe(499)
    expectNothingHeld()
  })

  it('writes what was found in the format that is asked for, by query, form or JSON', async () => {
    const expected = [{ image_id: 7, category_id: 1, bbox: [20, 40, 60, 80], score: 0.912 }]
    const image = picture.toString('base64')
    for (const response of [
      await raw('/api/detect?format=coco&image_id=7'),
      await form({ image, format: 'coco', image_id: '7' }),
      await json({ image, format: 'coco', image_id: 7 }),
    ])
      expect([response.status, await response.json()]).toEqual([200, expected])
    expect(vision.opened.map(({ options }) => options)).toEqual([{}, {}, {}])
    expectNothingHeld()
  })

  it('answers 406 to a client that does not accept the format', async () => {
    const headers = { 'content-type': 'image/jpeg', accept: 'text/html' }
    const response = await app.request('/api/detect', { method: 'POST', headers, body: new Uint8Array(picture) })
    expect(response.status).toBe(406)
    expect(await response.json()).toEqual({ error: 'invalid', detail: expect.stringContaining('application/json') })
    expect(vision.decoded).toEqual([])
  })

  it('answers 405 to GET', async () => {
    const response = await app.request('/api/detect')
    expect([response.status, response.headers.get('allow')]).toEqual([405, 'POST'])
  })
})

describe('the other tasks', () => {
  it('pose answers people by number, with keypoints in the pixels of the picture', async () => {
    const keypoints = [{ name: 'nose', x: 15.5, y: 25, confidence: 0.87654 }]
    const person = { label: 'person', confidence: 0.9, bbox: [0, 0, 1, 1] as const, keypoints }
    vision.answer = [person, person]
    const expected = [{ name: 'nose', x: 31, y: 50, confidence: 0.877 }]
    expect(await (await raw('/api/pose')).json()).toEqual([
      { person_id: 0, keypoints: expected },
      { person_id: 1, keypoints: expected },
    ])
  })

  it('a task without a shape of its own answers its objects', async () => {
    expect(await (await raw('/api/count')).json()).toEqual([
      { label: 'person', confidence: 0.912, bbox: [20, 40, 60, 80] },
    ])
  })
})

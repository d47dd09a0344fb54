import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { EngineError } from '../../engine/errors.ts'
import { FaceGallery } from '../../engine/inference/face-gallery.ts'
import { joinRoutes } from '../../engine/routes/answer.ts'
import { faceRoutes } from '../../engine/routes/faces.ts'
import { FakeVision } from '../support/fake-vision.ts'

const path = '/api/faces/people'
const picture = new Uint8Array([0xff, 0xd8, 1, 2, 3, 0xff, 0xd9])
const box = { label: 'face', confidence: 0.9, bbox: [1, 2, 3, 4] as const }
const face = { ...box, embedding: { model: 'faceres', values: [0.6, 0.8] } }

let vision: FakeVision
let gallery: FaceGallery
let app: ReturnType<typeof joinRoutes>
beforeEach(() => {
  vision = new FakeVision()
  vision.answer = [face]
  gallery = new FaceGallery({ file: ':memory:', keepsPictures: true })
  app = joinRoutes([faceRoutes(vision, gallery)])
})
afterEach(() => {
  gallery[Symbol.dispose]()
  expect(vision.images.map(({ holders }) => holders)).toEqual(vision.images.map(() => 0))
  expect(vision.sessions).toBe(0)
})

const enrol = (name: string, body: string | Uint8Array<ArrayBuffer> = picture, type = 'image/jpeg') =>
  app.request(`${path}?name=${encodeURIComponent(name)}`, { method: 'POST', headers: { 'content-type': type }, body })

describe('people who are known by face', () => {
  it('are enrolled by a picture of one face, listed, shown and forgotten', async () => {
    const enrolled = await enrol('Ada Lovelace')
    expect([enrolled.status, await enrolled.json()]).toEqual([201, { name: 'Ada Lovelace', faces: 1, pictures: 1 }])
    expect(vision.opened).toEqual([{ task: 'faces', options: { embedding: true, recognise: false, maxFaces: 2 } }])
    expect(gallery.identify('faceres', Float32Array.of(0.6, 0.8), 0.99)?.name).toBe('Ada Lovelace')
    expect(await (await app.request(path)).json()).toEqual([{ name: 'Ada Lovelace', faces: 1, pictures: 1 }])
    const shown = await app.request(`${path}/Ada%20Lovelace/picture`)
    expect(new Uint8Array(await shown.arrayBuffer())).toEqual(picture)
    const forgotten = await app.request(`${path}/Ada%20Lovelace`, { method: 'DELETE' })
    expect([forgotten.status, await forgotten.json()]).toEqual([200, { name: 'Ada Lovelace', faces: 1, pictures: 1 }])
    expect(await (await app.request(path)).json()).toEqual([])
  })

  it('are enrolled by form and JSON too, also by a name that reads as a number', async () => {
    const form = new FormData()
    form.append('image', new Blob([picture], { type: 'image/jpeg' }))
    form.append('name', '007')
    const asForm = await app.request(path, { method: 'POST', body: form })
    expect(await asForm.json()).toEqual({ name: '007', faces: 1, pictures: 1 })
    const body = JSON.stringify({ name: '007', image: Buffer.from(picture).toString('base64') })
    const headers = { 'content-type': 'application/json' }
    const asJson = await app.request(path, { method: 'POST', headers, body })
    expect(await asJson.json()).toEqual({ name: '007', faces: 2, pictures: 2 })
  })

  it.each([
    ['no face', [], 'none'],
    ['two faces', [face, face], 'several'],
  ])('are not enrolled by a picture of %s', async (_, found, word) => {
    vision.answer = found
    const response = await enrol('ada')
    expect([response.status, await response.json()]).toEqual([
      400,
      { error: 'invalid', detail: expect.stringContaining(word) },
    ])
    expect(gallery.list()).toEqual([])
  })

  it.each([
    [
      'without a name',
      400,
      () => app.request(path, { method: 'POST', headers: { 'content-type': 'image/png' }, body: picture }),
    ],
    ['with space around the name', 400, () => enrol(' ada')],
    [
      'with a field that nobody knows',
      400,
      () =>
        app.request(`${path}?name=ada&age=7`, {
          method: 'POST',
          headers: { 'content-type': 'image/png' },
          body: picture,
        }),
    ],
    ['as text', 415, () => enrol('ada', 'x', 'text/plain')],
    ['by another method', 405, () => app.request(path, { method: 'DELETE' })],
  ])('are refused %s', async (_, status, send) => {
    const response = await send()
    expect([response.status, await response.json()]).toEqual([status, { error: 'invalid', detail: expect.any(String) }])
  })

  it('answer 404 when nobody has the name, and 503 where no model is there, naming it', async () => {
    expect((await app.request(`${path}/ada`, { method: 'DELETE' })).status).toBe(404)
    expect((await app.request(`${path}/ada/picture`)).status).toBe(404)
    vision.refusal = new EngineError('unavailable', 'Expected a model for faces. Run: models pull scrfd-500m')
    const response = await enrol('ada')
    expect([response.status, await response.json()]).toMatchObject([
      503,
      { detail: expect.stringContaining('models pull') },
    ])
  })
})

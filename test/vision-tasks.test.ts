import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import sharp from 'sharp'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { messageSchemas } from '../engine/streams/message-schema.ts'
import { packBinary, type ResultMessage } from '../engine/streams/wire.ts'
import { startApp, type TestApp } from './support/app.ts'
import { hasTestData, testData } from './support/data.ts'
import { until } from './support/wait.ts'

/** The first answer loads the model, on a machine that may be busy with others. */
const timeout = 120_000

let state: string
let engine: TestApp
beforeAll(async () => {
  state = mkdtempSync(join(tmpdir(), 'hailstream-vision-'))
  process.env.HAILSTREAM_STATE = state
  const streams = {
    phone: { source: 'browser' },
    segment: { from: 'phone', node: 'segment' },
    ocr: { from: 'phone', node: 'ocr' },
    faces: { from: 'phone', node: 'faces' },
  }
  const pipelines = [{ name: 'table', streams, publish: ['segment', 'ocr', 'faces'] }]
  engine = await startApp({ 'models.paths': [testData('models')], pipelines })
}, timeout)
afterAll(async () => {
  await engine?.[Symbol.asyncDispose]()
  rmSync(state, { recursive: true })
})

function post(path: string, file: string, headers: Record<string, string> = {}): Promise<Response> {
  const body = new Uint8Array(readFileSync(testData(`media/${file}`)))
  return fetch(`${engine.url}${path}`, { method: 'POST', headers: { 'content-type': 'image/jpeg', ...headers }, body })
}

async function postJson<T>(path: string, file: string): Promise<T> {
  const response = await post(path, file)
  expect([response.status, response.headers.get('content-type')]).toEqual([200, 'application/json'])
  return (await response.json()) as T
}

/** What the stream says of a picture that a page sends. */
async function askStream(stream: string, file: string): Promise<ResultMessage> {
  const page = new WebSocket(`${engine.socketUrl}/ws`)
  const viewer = new WebSocket(`${engine.socketUrl}/ws/table/${stream}`)
  try {
    await Promise.all([once(page, 'open'), once(viewer, 'open')])
    const resumed = new Promise((resolve) => {
      page.on('message', (text) => JSON.parse(String(text)).type === 'resume' && resolve(undefined))
    })
    page.send(JSON.stringify({ type: 'publish', source: 'phone' }))
    await resumed
    const heard = once(viewer, 'message')
    const head = { v: 1, source: 'phone', seq: 0, capturedAt: Date.now(), type: 'image/jpeg' } as const
    page.send(packBinary(head, readFileSync(testData(`media/${file}`))))
    const message = JSON.parse(String((await heard)[0]))
    expect(messageSchemas.objects.safeParse(message).error?.issues).toBeUndefined()
    return message as ResultMessage
  } finally {
    page.close()
    viewer.close()
  }
}

type Found = NonNullable<ResultMessage['objects']>

describe.skipIf(!hasTestData)('segment', () => {
  it('answers the same masks by REST and on a topic', { timeout }, async () => {
    const found = await postJson<Found>('/api/segment', 'bus.jpg')
    expect(found.map(({ label }) => label).sort()).toEqual([...['bus', ...Array(4).fill('person')], 'skateboard'])
    for (const { mask } of found) expect(mask!.size).toEqual([1080, 810])
    const message = await askStream('segment', 'bus.jpg')
    expect(message).toMatchObject({ model: 'yolov8n-seg', backend: 'onnx', frame: { width: 810, height: 1080 } })
    expect(message.objects).toEqual(found)
  })

  it('answers outlines, COCO’s results and a picture of the size that was sent', { timeout }, async () => {
    const polygons = await postJson<{ polygons: number[][] }[]>('/api/segment?format=polygon', 'bus.jpg')
    for (const { polygons: parts } of polygons) expect(parts[0]!.length).toBeGreaterThan(6)
    const results = await postJson<{ category_id: number }[]>('/api/segment?format=coco&image_id=9', 'bus.jpg')
    expect(results[0]).toMatchObject({ image_id: 9, category_id: 6, segmentation: { size: [1080, 810] } })
    const response = await post('/api/segment', 'bus.jpg', { accept: 'image/png' })
    expect([response.status, response.headers.get('content-type')]).toEqual([200, 'image/png'])
    const png = sharp(Buffer.from(await response.arrayBuffer()))
    expect(await png.metadata()).toMatchObject({ width: 810, height: 1080, space: 'b-w' })
    const counts = new Map<number, number>()
    for (const value of await png.toColourspace('b-w').raw().toBuffer()) counts.set(value, (counts.get(value) ?? 0) + 1)
    expect([...counts.keys()].sort()).toEqual([0, 1, 2, 3, 4, 5, 6])
    // Half of the box that the truth gives to the bus, with people in front of it.
    expect(counts.get(1)!).toBeGreaterThan(200_000)
  })

  it('gives masks in the pixels of a picture that is larger than a slot', { timeout }, async () => {
    const large = await sharp(testData('media/dog.jpg')).resize(3072, 2304).jpeg().toBuffer()
    const body = new Uint8Array(large)
    const headers = { 'content-type': 'image/jpeg' }
    const response = await fetch(`${engine.url}/api/segment`, { method: 'POST', headers, body })
    const found = (await response.json()) as Found
    expect(found.map(({ label }) => label)).toContain('dog')
    for (const { mask, bbox } of found) {
      expect(mask!.size).toEqual([2304, 3072])
      expect(bbox[0] + bbox[2]).toBeLessThanOrEqual(3072)
    }
  })
})

describe.skipIf(!hasTestData)('ocr', () => {
  it('reads the same lines by REST and on a topic, and writes them as text, table and hOCR', { timeout }, async () => {
    // Three models are loaded, which on a busy machine takes longer than a request may.
    await until(
      'text to be read',
      async () => (await post('/api/ocr?maxLines=1', 'ocr_test.jpg')).status === 200,
      timeout,
    )
    const found = await postJson<Found>('/api/ocr', 'ocr_test.jpg')
    expect(found).toHaveLength(8)
    const lines = found.map(({ text }) => text)
    expect(lines[2]).toBe('of file format.')
    expect((await askStream('ocr', 'ocr_test.jpg')).objects).toEqual(found)
    const text = await post('/api/ocr?format=text', 'ocr_test.jpg')
    expect([text.headers.get('content-type'), await text.text()]).toEqual([
      'text/plain; charset=utf-8',
      lines.map((line) => `${line}\n`).join(''),
    ])
    const table = await (await post('/api/ocr?format=tsv', 'ocr_test.jpg')).text()
    expect(table.split('\n').filter((row) => row.startsWith('4\t'))).toHaveLength(8)
    const hocr = await post('/api/ocr', 'ocr_test.jpg', { accept: 'application/xhtml+xml' })
    expect(hocr.headers.get('content-type')).toBe('application/xhtml+xml; charset=utf-8')
    expect((await hocr.text()).match(/class="ocrx_word"/g)!.length).toBeGreaterThan(50)
  })
})

describe.skipIf(!hasTestData)('faces', () => {
  it('are known by REST and on a topic once somebody is enrolled, and by nobody once they are forgotten', {
    timeout,
  }, async () => {
    const people = '/api/faces/people'
    const strangers = await postJson<Found>('/api/faces', 'two_people.jpg')
    expect(strangers.map(({ label, identity }) => [label, identity])).toEqual(Array(2).fill(['face', undefined]))
    expect((await post(`${people}?name=obama`, 'obama.jpg')).status).toBe(201)
    const several = await post(`${people}?name=both`, 'two_people.jpg')
    expect([several.status, (await several.json()) as unknown]).toEqual([
      400,
      { error: 'invalid', detail: expect.stringContaining('several') },
    ])
    expect(await (await fetch(engine.url + people)).json()).toEqual([{ name: 'obama', faces: 1, pictures: 0 }])
    const found = await postJson<Found>('/api/faces', 'two_people.jpg')
    // The left one, as the truth has it.
    const [left, right] = found.toSorted((a, b) => a.bbox[0] - b.bbox[0])
    expect([left!.identity, right!.identity]).toEqual(['obama', undefined])
    expect(left!.keypoints!.map(({ name }) => name)).toEqual([
      'right_eye',
      'left_eye',
      'nose',
      'right_mouth',
      'left_mouth',
    ])
    expect((await askStream('faces', 'two_people.jpg')).objects).toEqual(found)
    expect((await fetch(`${engine.url}${people}/obama`, { method: 'DELETE' })).status).toBe(200)
    const later = await postJson<Found>('/api/faces', 'two_people.jpg')
    expect(later.every(({ identity }) => identity === undefined)).toBe(true)
  })
})

import { Subject } from 'rxjs'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Kind, Packet } from '../../engine/core/packet.ts'
import { joinRoutes } from '../../engine/routes/answer.ts'
import { topicRoutes } from '../../engine/routes/topics.ts'
import { Hub } from '../../engine/streams/hub.ts'
import { CountedImage, imagePacket, objectsPacket, StillClock, silentLog } from '../support/topic-packets.ts'

let hub: Hub
let app: ReturnType<typeof joinRoutes>
beforeEach(() => {
  hub = new Hub({ clock: new StillClock(), log: silentLog, readImage: ({ bytes }) => Buffer.alloc(bytes, 'j') })
  app = joinRoutes([topicRoutes(hub)])
})
afterEach(() => {
  vi.useRealTimers()
})

function offer(topic: string, kind: Kind = 'objects') {
  const packets = new Subject<Packet>()
  const withdraw = hub.offer(topic, { kind, packets })
  return { packets, withdraw }
}

const path = '/api/topics/demo/people'
const events = { headers: { accept: 'text/event-stream' } }

/** Reads the body piece by piece. */
function readerOf(response: Response) {
  const reader = (response.body as ReadableStream<Uint8Array>).getReader()
  return { next: async () => Buffer.from((await reader.read()).value ?? []).toString(), cancel: () => reader.cancel() }
}

describe('GET /api/topics', () => {
  it('lists topics with their subscribers', async () => {
    offer('demo/people')
    hub.subscribe('demo/people', { size: 3, deliver: () => undefined })
    expect(await (await app.request('/api/topics')).json()).toEqual([
      { topic: 'demo/people', kind: 'objects', pipeline: 'demo', stream: 'people', subscribers: 3, schema: null },
    ])
  })

  it('answers 405 with Allow to another method, and 404 to another path', async () => {
    const refused = await app.request('/api/topics', { method: 'DELETE' })
    expect([refused.status, refused.headers.get('allow')]).toEqual([405, 'GET, HEAD'])
    const unknown = await app.request('/api/nothing')
    expect(unknown.status).toBe(404)
    expect(await unknown.json()).toEqual({ error: 'not-found', detail: expect.stringContaining('/api/nothing') })
  })
})

describe('the latest message of a topic', () => {
  it('is the newest that somebody else got, with a tag that answers 304', async () => {
    const { packets } = offer('demo/people')
    hub.subscribe('demo/people', { size: 1, deliver: () => undefined })
    packets.next(objectsPacket(1))
    packets.next(objectsPacket(2))
    const response = await app.request(path)
    expect(response.headers.get('content-type')).toBe('application/json')
    expect(await response.json()).toMatchObject({ n: 1, seq: 2 })
    const tag = response.headers.get('etag') ?? ''
    expect(tag).toBe(`"${hub.epoch}-1"`)
    expect((await app.request(path, { headers: { 'if-none-match': `"x", W/${tag}` } })).status).toBe(304)
    packets.next(objectsPacket(3))
    expect((await app.request(path, { headers: { 'if-none-match': tag } })).status).toBe(200)
  })

  it('is waited for when nobody watches: the stream is opened and closed again', async () => {
    const { packets } = offer('demo/people')
    const waiting = app.request(path)
    await vi.waitFor(() => expect(packets.observed).toBe(true))
    packets.next(objectsPacket(9))
    expect(await (await waiting).json()).toMatchObject({ seq: 9 })
    expect(packets.observed).toBe(false)
  })

  it('is 503 with Retry-After when none comes within 5 s', async () => {
    vi.useFakeTimers()
    const { packets } = offer('demo/people')
    const waiting = Promise.resolve(app.request(path))
    let settled = false
    void waiting.then(() => {
      settled = true
    })
    await vi.advanceTimersByTimeAsync(4999)
    expect([settled, packets.observed]).toEqual([false, true])
    await vi.advanceTimersByTimeAsync(1)
    const response = await waiting
    expect([response.status, response.headers.get('retry-after')]).toEqual([503, '1'])
    expect(packets.observed).toBe(false)
    expect(vi.getTimerCount()).toBe(0)
  })

  it('closes the stream when the client hangs up while waiting', async () => {
    const { packets } = offer('demo/people')
    const client = new AbortController()
    const waiting = app.request(path, { signal: client.signal })
    await vi.waitFor(() => expect(packets.observed).toBe(true))
    client.abort()
    expect((await waiting).status).toBe(499)
    expect(packets.observed).toBe(false)
  })

  it('is 404 for an unknown topic', async () => {
    const response = await app.request('/api/topics/demo/nobody')
    expect(response.status).toBe(404)
    expect(await response.json()).toMatchObject({ error: 'not-found' })
  })

  it("is an image's bytes for an image topic", async () => {
    const { packets } = offer('demo/picture', 'image')
    hub.subscribe('demo/picture', { size: 1, deliver: () => undefined })
    packets.next(imagePacket(1, new CountedImage({ bytes: 5 })))
    const response = await app.request('/api/topics/demo/picture')
    expect(response.headers.get('content-type')).toBe('image/jpeg')
    expect(await response.text()).toBe('jjjjj')
  })
})

describe('server-sent events', () => {
  it('give every packet with its id, and leave the topic when the client does', async () => {
    const { packets } = offer('demo/people')
    const response = await app.request(path, events)
    expect(response.headers.get('content-type')).toBe('text/event-stream')
    const body = readerOf(response)
    expect(await body.next()).toBe('retry: 1000\n\n')
    for (let seq = 0; seq < 3; seq++) packets.next(objectsPacket(seq))
    for (let n = 0; n < 3; n++) {
      const event = await body.next()
      expect(event.startsWith(`id: ${hub.epoch}-${n}\ndata: {`)).toBe(true)
      expect(event.endsWith('}\n\n')).toBe(true)
      expect(JSON.parse(event.split('data: ')[1] ?? '')).toMatchObject({ n, seq: n })
    }
    await body.cancel()
    expect(packets.observed).toBe(false)
  })

  it('give a slow reader the newest ones only', async () => {
    const { packets } = offer('demo/people')
    const body = readerOf(await app.request(path, events))
    await body.next()
    for (let seq = 0; seq < 1000; seq++) packets.next(objectsPacket(seq))
    expect(await body.next()).toContain('"n":992,')
    expect(hub.dropped('demo/people')).toBe(992)
    await body.cancel()
  })

  it('send a comment when nothing comes for a while', async () => {
    vi.useFakeTimers()
    offer('demo/people')
    const body = readerOf(await app.request(path, events))
    await body.next()
    const next = body.next()
    await vi.advanceTimersByTimeAsync(10_000)
    expect(await next).toMatch(/^: .*\n\n$/)
    await body.cancel()
    await vi.advanceTimersByTimeAsync(0)
    expect(vi.getTimerCount()).toBe(0)
  })

  it('end with the topic', async () => {
    const { withdraw } = offer('demo/people')
    const body = readerOf(await app.request(path, events))
    await body.next()
    withdraw()
    expect(await body.next()).toBe('')
  })

  it('are refused for a binary topic', async () => {
    offer('demo/picture', 'image')
    const response = await app.request('/api/topics/demo/picture', events)
    expect([response.status, await response.json()]).toMatchObject([400, { error: 'invalid' }])
  })
})

describe('MJPEG', () => {
  it.each([
    ['by Accept', '/api/topics/demo/picture', { headers: { accept: 'multipart/x-mixed-replace' } }],
    ['by ?mjpeg', '/api/topics/demo/picture?mjpeg', {}],
  ])('gives the newest picture as a part, %s', async (_, where, init) => {
    const { packets } = offer('demo/picture', 'image')
    const response = await app.request(where, init)
    const boundary = /^multipart\/x-mixed-replace; boundary=(.+)$/.exec(response.headers.get('content-type') ?? '')?.[1]
    expect(boundary).toBeDefined()
    const body = readerOf(response)
    expect(await body.next()).toBe(`--${boundary}\r\n`)
    for (const bytes of [3, 4, 5]) packets.next(imagePacket(bytes, new CountedImage({ bytes })))
    expect(await body.next()).toBe(`Content-Type: image/jpeg\r\nContent-Length: 5\r\n\r\njjjjj\r\n--${boundary}\r\n`)
    await body.cancel()
    expect(packets.observed).toBe(false)
  })

  it('is refused for a topic without pictures', async () => {
    offer('demo/people')
    expect((await app.request(`${path}?mjpeg`)).status).toBe(400)
  })
})

import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { shortenReason } from '../../engine/server/web-sockets.ts'
import type { BrowserFrame } from '../../engine/streams/browser-sources.ts'
import { packBinary, unpackBinary } from '../../engine/streams/wire.ts'
import { startServer, TestClient } from '../support/server.ts'
import { CountedImage, imagePacket, objectsPacket } from '../support/topic-packets.ts'
import { until } from '../support/wait.ts'

let app: Awaited<ReturnType<typeof startServer>>
beforeEach(async () => {
  app = await startServer()
})
afterEach(() => app.server.close())

const connect = (path: string) => TestClient.open(`${app.socketUrl}${path}`)

describe('a one-topic URL', () => {
  it('gives the topic with nothing said first, and counts its client while it is there', async () => {
    const people = app.offer('demo/people')
    const client = await connect('/ws/demo/people')
    await until('a subscriber', () => app.subscribersOf('demo/people') === 1)
    people.next(objectsPacket(3))
    expect(await client.hear(0)).toMatchObject({ topic: 'demo/people', n: 0, seq: 3 })
    client.socket.close()
    await until('no subscriber', () => app.subscribersOf('demo/people') === 0)
    expect(people.observed).toBe(false)
  })

  it('keeps to credits, and takes acknowledgements without a topic', async () => {
    const people = app.offer('demo/people')
    const client = await connect('/ws/demo/people?credits=2')
    await until('a subscriber', () => people.observed)
    for (let seq = 0; seq < 50; seq++) people.next(objectsPacket(seq))
    await client.hear(1)
    client.send({ type: 'ack', n: 1 })
    await client.hear(2)
    expect(client.counters).toEqual([0, 1, 49])
  })

  it('says what is wrong with an unknown topic or a bad parameter, and stays open', async () => {
    app.offer('demo/people')
    const unknown = await connect('/ws/demo/nobody')
    expect(await unknown.hear(0)).toMatchObject({ type: 'error', error: 'not-found' })
    const bad = await connect('/ws/demo/people?credits=none')
    expect(await bad.hear(0)).toMatchObject({
      type: 'error',
      error: 'invalid',
      detail: expect.stringContaining('credits'),
    })
    expect(await bad.ask({ type: 'subscribe', topic: 'demo/people', id: 1 })).toMatchObject({
      type: 'subscribed',
      id: 1,
    })
  })

  it('sends pictures as binary messages', async () => {
    const picture = app.offer('demo/picture', 'image')
    const client = await connect('/ws/demo/picture')
    await until('a subscriber', () => picture.observed)
    picture.next(imagePacket(4, new CountedImage({ bytes: 100_000 })))
    await client.hear(0)
    const { head, bytes } = unpackBinary(client.heard[0] as unknown as Buffer)
    expect(head).toMatchObject({ topic: 'demo/picture', seq: 4, type: 'image/jpeg' })
    expect(bytes.length).toBe(100_000)
  })
})

describe('requests', () => {
  it('are answered with their id', async () => {
    app.offer('demo/people')
    const client = await connect('/ws')
    const topic = 'demo/people'
    expect(await client.ask({ type: 'subscribe', topic, id: 'a' })).toEqual({ type: 'subscribed', topic, id: 'a' })
    expect(await client.ask({ type: 'subscribe', topic, id: 'b' })).toMatchObject({ error: 'conflict', id: 'b' })
    expect(await client.ask({ type: 'unsubscribe', topic, id: 7 })).toEqual({ type: 'unsubscribed', topic, id: 7 })
    expect(await client.ask({ type: 'unsubscribe', topic, id: 8 })).toMatchObject({ error: 'not-found', id: 8 })
    expect(app.subscribersOf(topic)).toBe(0)
  })

  it('get no message of a topic before the answer, and none after unsubscribing', async () => {
    const people = app.offer('demo/people')
    const client = await connect('/ws')
    await client.ask({ type: 'subscribe', topic: 'demo/people' })
    people.next(objectsPacket(0))
    await client.hear(1)
    await client.ask({ type: 'unsubscribe', topic: 'demo/people' })
    expect(people.observed).toBe(false)
    expect(client.heard.map((message) => (message as Record<string, unknown>).type ?? 'result')).toEqual([
      'subscribed',
      'result',
      'unsubscribed',
    ])
  })

  it.each([
    ['text that is not JSON', 'hello', 'JSON'],
    ['JSON that is no object', '42', 'request'],
    ['an unknown type', '{"type":"dance","id":3}', 'type'],
    ['credits out of range', '{"type":"subscribe","topic":"demo/people","credits":0,"id":3}', 'credits'],
    ['a rate of 0', '{"type":"subscribe","topic":"demo/people","rate":0,"id":3}', 'rate'],
  ])('are refused when they are %s, and the socket stays open', async (_, text, place) => {
    app.offer('demo/people')
    const client = await connect('/ws')
    const answer = await client.ask(text)
    expect(answer).toMatchObject({ type: 'error', error: 'invalid', detail: expect.stringContaining(place) })
    if (text.includes('id')) expect(answer.id).toBe(3)
    expect(await client.ask({ type: 'subscribe', topic: 'demo/people' })).toMatchObject({ type: 'subscribed' })
  })

  it('are refused above 64 subscriptions on one socket', async () => {
    const client = await connect('/ws')
    for (let i = 0; i < 65; i++) app.offer(`demo/topic-${i}`)
    for (let i = 0; i < 64; i++) client.send({ type: 'subscribe', topic: `demo/topic-${i}` })
    expect(await client.hear(63)).toMatchObject({ type: 'subscribed' })
    expect(await client.ask({ type: 'subscribe', topic: 'demo/topic-64' })).toMatchObject({ error: 'busy' })
  })

  it('close the socket with 1009 when they are too big', async () => {
    const client = await connect('/ws')
    client.send(Buffer.alloc(9 * 1024 * 1024))
    expect((await client.closed).code).toBe(1009)
    const other = await connect('/ws')
    other.send('x'.repeat(100_000))
    expect((await other.closed).code).toBe(1009)
  })

  it('are told when a topic is taken back', async () => {
    const { hub } = app
    const withdraw = hub.offer('demo/gone', { kind: 'objects', packets: app.offer('demo/people') })
    const [plain, withCredits] = [await connect('/ws/demo/gone'), await connect('/ws/demo/gone?credits=1')]
    await until('two subscribers', () => app.subscribersOf('demo/gone') === 2)
    withdraw()
    expect(await plain.hear(0)).toMatchObject({ type: 'error', error: 'closed' })
    expect(await withCredits.hear(0)).toMatchObject({ type: 'error', error: 'closed' })
  })
})

describe('the reason of a close frame', () => {
  it('is cut to 123 bytes without cutting a character', () => {
    expect(shortenReason('short')).toBe('short')
    expect(shortenReason('x'.repeat(200))).toBe('x'.repeat(123))
    expect(shortenReason(`${'x'.repeat(122)}…y`)).toBe('x'.repeat(122))
    expect(shortenReason(`${'x'.repeat(120)}…y`)).toBe(`${'x'.repeat(120)}…`)
  })
})

describe('many clients', () => {
  it('open a source once, and each sees the same counters', async () => {
    const people = app.offer('demo/people')
    let opened = 0
    app.hub.offer('demo/counted', {
      kind: 'objects',
      packets: people.pipe((source) => {
        opened++
        return source
      }),
    })
    const clients = await Promise.all(
      Array.from({ length: 10 }, (_, i) => connect(`/ws/demo/counted${i % 2 === 0 ? '' : '?credits=4'}`)),
    )
    await until('ten subscribers', () => app.subscribersOf('demo/counted') === 10)
    for (let seq = 0; seq < 3; seq++) people.next(objectsPacket(seq))
    for (const client of clients) await client.hear(2)
    for (const client of clients) expect(client.counters).toEqual([0, 1, 2])
    expect(opened).toBe(1)
  })

  it('one that stalls misses messages beyond 1 MiB, sees it by the gap, and keeps its pongs; the others miss nothing', async () => {
    const picture = app.offer('demo/picture', 'image')
    const [slow, quick] = [await connect('/ws/demo/picture'), await connect('/ws/demo/picture')]
    await until('two subscribers', () => app.subscribersOf('demo/picture') === 2)
    slow.socket.pause()
    let sent = 0
    const send = async (count: number) => {
      for (let i = 0; i < count; i++) {
        picture.next(imagePacket(sent++, new CountedImage({ bytes: 256 * 1024 })))
        await until('the quick one', () => quick.heard.length === sent)
      }
    }
    await send(80)
    let pongs = 0
    slow.socket.on('pong', () => pongs++)
    slow.socket.ping()
    slow.socket.resume()
    await until('the pong', () => pongs === 1)
    const heardBefore = slow.heard.length
    expect(heardBefore).toBeLessThan(80)
    await until('the slow one to be served again', () => {
      picture.next(imagePacket(sent++, new CountedImage({ bytes: 1000 })))
      return slow.heard.length > heardBefore
    })
    await until(
      'every message to be heard or counted',
      () => slow.heard.length + app.hub.dropped('demo/picture') === sent,
    )
    const counters = slow.heard.map((message) => unpackBinary(message as Buffer).head.n ?? -1)
    expect(counters).toEqual([...counters].sort((a, b) => a - b))
    expect(counters.at(-1)).toBeGreaterThan(80 - 1)
    expect(new Set(counters).size).toBe(counters.length)
  })
})

describe('a browser source', () => {
  const frame = (source: string, seq: number) =>
    packBinary({ v: 1, source, seq, capturedAt: 1_764_011_045_000, type: 'image/jpeg' }, Buffer.from(`jpeg ${seq}`))

  it('is published, told pause and resume, and acknowledged', async () => {
    const frames: BrowserFrame[] = []
    const source = app.browserSources.open('phone')
    const page = await connect('/ws')
    expect(await page.ask({ type: 'publish', source: 'phone', id: 1 })).toEqual({
      type: 'publishing',
      source: 'phone',
      id: 1,
    })
    expect(await page.hear(1)).toEqual({ type: 'pause', source: 'phone' })
    const subscription = source.subscribe((got) => frames.push(got))
    expect(await page.hear(2)).toEqual({ type: 'resume', source: 'phone' })
    page.send(frame('phone', 0))
    page.send(frame('phone', 1))
    page.send(frame('phone', 2))
    expect(await page.hear(3)).toMatchObject({ type: 'error', error: 'busy' })
    expect(frames.map(({ bytes }) => Buffer.from(bytes).toString())).toEqual(['jpeg 0', 'jpeg 1'])
    frames[0]?.done()
    expect(await page.hear(4)).toEqual({ type: 'ack', source: 'phone', seq: 0 })
    subscription.unsubscribe()
    expect(await page.hear(5)).toEqual({ type: 'ack', source: 'phone', seq: 1 })
    expect(await page.hear(6)).toEqual({ type: 'pause', source: 'phone' })
  })

  it('has one publisher at a time, and is free again when that one has gone', async () => {
    app.browserSources.open('phone')
    const [first, second] = [await connect('/ws'), await connect('/ws')]
    await first.ask({ type: 'publish', source: 'phone' })
    expect(await second.ask({ type: 'publish', source: 'phone', id: 2 })).toMatchObject({ error: 'conflict', id: 2 })
    expect(await second.ask({ type: 'publish', source: 'nobody' })).toMatchObject({ error: 'not-found' })
    first.socket.close()
    await first.closed
    await until('the name to be free', () => app.server.clients === 1)
    expect(await second.ask({ type: 'publish', source: 'phone' })).toMatchObject({ type: 'publishing' })
  })

  it.each([
    ['without a header', new Uint8Array([1, 2])],
    ['with a header that is longer than the message', new Uint8Array([255, 255, 0, 0, 1])],
    ['with a header that is not JSON', Buffer.from([2, 0, 0, 0, 1, 2, 3])],
    ['of another media type', packBinary({ v: 1, source: 'phone', type: 'image/gif' }, Buffer.from('gif'))],
    ['of a source that the socket does not publish', frame('other', 0)],
  ])('refuses a binary message %s, and the socket stays open', async (_, message) => {
    app.browserSources.open('phone')
    const page = await connect('/ws')
    expect(await page.ask(message)).toMatchObject({ type: 'error', error: expect.stringMatching(/invalid|not-found/) })
    expect(await page.ask({ type: 'publish', source: 'phone' })).toMatchObject({ type: 'publishing' })
  })
})

import { readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import WebSocket from 'ws'
import { startApp, type TestApp } from './support/app.ts'
import { hasTestData, testData } from './support/data.ts'
import { headerOnlyJpeg, pngHeader } from './support/picture-bombs.ts'

/** One engine with a stream that somebody watches; every bad input must leave both as they are. */
let engine: TestApp
let watcher: WebSocket
const seen: number[] = []

beforeAll(async () => {
  const streams = { pattern: { source: 'test', size: '320x240', rate: 20 }, visitor: { source: 'browser' } }
  engine = await startApp({ pipelines: [{ name: 'live', streams, publish: ['pattern', 'visitor'] }] })
  watcher = new WebSocket(`${engine.socketUrl}/ws/live/pattern`)
  watcher.on('message', (data: Buffer) => {
    const { n } = JSON.parse(data.subarray(4, 4 + data.readUInt32LE(0)).toString()) as { n: number }
    seen.push(n)
  })
  await new Promise((resolve) => watcher.once('message', resolve))
})

afterAll(async () => {
  watcher.close()
  await engine[Symbol.asyncDispose]()
})

/** Runs `act`, and expects that the watched stream goes on without a gap and that every slot is where it was. */
async function unharmed(act: () => Promise<void>): Promise<void> {
  const { pids } = await hosts()
  await act()
  const after = seen.length
  await expect.poll(() => seen.length, { timeout: 5000 }).toBeGreaterThan(after + 3)
  expect(seen.every((n, i) => i === 0 || n === seen[i - 1]! + 1)).toBe(true)
  for (const pid of pids) expect((await hosts()).pids).toContain(pid)
  await expect.poll(() => engine.app.pool.ledger.stats(), { timeout: 5000 }).toMatchObject({ leaked: 0, staleLoans: 0 })
}

async function hosts(): Promise<{ pids: number[] }> {
  const health = (await (await fetch(`${engine.url}/api/health`)).json()) as { hosts: { pid: number | null }[] }
  return { pids: health.hosts.flatMap(({ pid }) => pid ?? []) }
}

async function post(
  body: NonNullable<RequestInit['body']>,
  headers: Record<string, string> = {},
): Promise<{ status: number; error: string; detail: string }> {
  const response = await fetch(`${engine.url}/api/detect`, { method: 'POST', body, headers })
  return { status: response.status, ...((await response.json()) as { error: string; detail: string }) }
}

const jpeg = { 'content-type': 'image/jpeg' }

/** Sends raw bytes over TCP and gives all that comes back until the other end closes. */
function talk(write: (send: (text: string) => void) => void): Promise<string> {
  const { hostname, port } = new URL(engine.url)
  return new Promise((resolve) => {
    const socket = connect(Number(port), hostname, () => write((text) => socket.write(text)))
    let heard = ''
    socket.on('data', (chunk) => {
      heard += chunk
      if (heard.includes('\r\n\r\n')) socket.end()
    })
    socket.on('error', () => undefined)
    socket.on('close', () => resolve(heard))
  })
}

function open(path: string): Promise<WebSocket> {
  const socket = new WebSocket(`${engine.socketUrl}${path}`)
  return new Promise((resolve, reject) => socket.once('open', () => resolve(socket)).once('error', reject))
}

const answer = (socket: WebSocket) =>
  new Promise<Record<string, unknown>>((resolve) => socket.once('message', (data) => resolve(JSON.parse(String(data)))))

describe('bad pictures', () => {
  it.skipIf(!hasTestData)('a truncated one is refused', () =>
    unharmed(async () => {
      const whole = readFileSync(testData('media/bus.jpg'))
      expect(await post(whole.subarray(0, whole.length / 2), jpeg)).toMatchObject({ status: 400, error: 'invalid' })
    }),
  )

  it('an empty one, and one that is none, are refused', () =>
    unharmed(async () => {
      expect(await post('', jpeg)).toMatchObject({ status: 400, error: 'invalid' })
      expect(await post('no picture at all', jpeg)).toMatchObject({ status: 400, error: 'invalid' })
    }))

  it('one of 20,000 × 20,000 pixels is refused by its header', () =>
    unharmed(async () => {
      for (const bomb of [headerOnlyJpeg(20_000, 20_000), pngHeader(20_000, 20_000)]) {
        expect(await post(bomb, { 'content-type': 'image/*' })).toMatchObject({ status: 413, error: 'too-large' })
      }
    }))

  it('one in a wrong field is refused, and the right field is named', () =>
    unharmed(async () => {
      const form = new FormData()
      form.set('picture', new Blob(['x'], { type: 'image/jpeg' }), 'x.jpg')
      expect(await post(form)).toMatchObject({ status: 400, detail: expect.stringContaining('image') })
    }))
})

describe('bad bodies', () => {
  it('one over the limit is refused by its length', () =>
    unharmed(async () => {
      const head =
        'POST /api/detect HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: image/jpeg\r\ncontent-length: 999999999\r\n\r\n'
      expect(await talk((send) => send(head))).toMatch(/^HTTP\/1\.1 413 /)
    }))

  it('one that is cut short reaches no model', () =>
    unharmed(async () => {
      const { hostname, port } = new URL(engine.url)
      const socket = connect(Number(port), hostname)
      const head =
        'POST /api/detect HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: image/jpeg\r\ncontent-length: 1000\r\n\r\n'
      await new Promise<void>((resolve) => socket.write(`${head}only this`, () => resolve()))
      socket.destroy()
    }))
})

describe('bad frames on a WebSocket', () => {
  it('text that is not JSON, an unknown request, an unknown topic and a headless binary get an error, and the socket stays open', () =>
    unharmed(async () => {
      const socket = await open('/ws')
      for (const [frame, error] of [
        ['{"type":', 'invalid'],
        ['[1,2]', 'invalid'],
        ['{"type":"dance","id":7}', 'invalid'],
        ['{"type":"subscribe","topic":"live/nothing","id":"a"}', 'not-found'],
        [Buffer.from([1, 2, 3]), 'invalid'],
        [Buffer.alloc(64, 255), 'invalid'],
      ] as const) {
        const heard = answer(socket)
        socket.send(frame)
        expect(await heard).toMatchObject({ type: 'error', error, detail: expect.any(String) })
      }
      const heard = answer(socket)
      socket.send('{"type":"subscribe","topic":"live/pattern","credits":1,"id":"b"}')
      expect(await heard).toMatchObject({ type: 'subscribed', topic: 'live/pattern', id: 'b' })
      socket.close()
    }))

  it('one that is too big closes its own socket with 1009', () =>
    unharmed(async () => {
      const socket = await open('/ws')
      const closed = new Promise((resolve) => socket.once('close', resolve))
      socket.send(Buffer.alloc(9 * 1024 * 1024))
      expect(await closed).toBe(1009)
    }))

  it('a page’s frame that is no picture is acknowledged and counted', () =>
    unharmed(async () => {
      const socket = await open('/ws')
      const watching = await open('/ws/live/visitor')
      const heard: Record<string, unknown>[] = []
      socket.on('message', (data) => heard.push(JSON.parse(String(data))))
      socket.send('{"type":"publish","source":"visitor"}')
      await expect.poll(() => heard.some(({ type }) => type === 'resume' || type === 'publishing')).toBe(true)
      const head = Buffer.from(
        JSON.stringify({ v: 1, source: 'visitor', seq: 0, capturedAt: Date.now(), type: 'image/jpeg' }),
      )
      const length = Buffer.alloc(4)
      length.writeUInt32LE(head.length)
      socket.send(Buffer.concat([length, head, Buffer.from('no picture')]))
      await expect.poll(() => heard.some(({ type, seq }) => type === 'ack' && seq === 0), { timeout: 5000 }).toBe(true)
      watching.close()
      socket.close()
    }))
})

import { connect, type Socket } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { EngineError } from '../../engine/errors.ts'
import type { ServerOptions } from '../../engine/server/server.ts'
import { startServer } from '../support/server.ts'
import { until } from '../support/wait.ts'

let close: (() => Promise<void>) | undefined
afterEach(async () => {
  await close?.()
  close = undefined
})

async function start(fetch: (request: Request) => Response | Promise<Response>, options: Partial<ServerOptions> = {}) {
  const app = await startServer({ ...options, fetch })
  close = () => app.server.close()
  return app
}

/** A raw connection that collects what it hears. */
function dial(port: number) {
  const socket: Socket = connect(port, '127.0.0.1')
  const raw = { socket, heard: '', ended: false }
  socket.on('data', (data) => {
    raw.heard += data.toString('latin1')
  })
  socket.on('close', () => {
    raw.ended = true
  })
  socket.on('error', () => undefined) // the close that follows is what tests look at
  return raw
}

const echo = async (request: Request) => {
  const body = await request.text()
  const { method, url } = request
  return Response.json({
    method,
    url: new URL(url).pathname + new URL(url).search,
    body,
    kind: request.headers.get('content-type'),
  })
}

describe('FetchBridge', () => {
  it('passes on method, path, query, headers and body, and the answer back', async () => {
    const { url } = await start(echo)
    const headers = { 'content-type': 'text/x' }
    const response = await fetch(`${url}/a/b%20c?x=1&token=secret`, { method: 'PUT', headers, body: 'hello' })
    expect(await response.json()).toEqual({ method: 'PUT', url: '/a/b%20c?x=1', body: 'hello', kind: 'text/x' })
    expect(response.headers.get('content-length')).not.toBeNull()
  })

  it('passes on status, headers and several cookies', async () => {
    const headers = new Headers({ 'x-a': 'b' })
    headers.append('set-cookie', 'a=1')
    headers.append('set-cookie', 'b=2')
    const { url } = await start(() => new Response('no', { status: 418, headers }))
    const response = await fetch(url)
    expect(response.status).toBe(418)
    expect(response.headers.get('x-a')).toBe('b')
    expect(response.headers.getSetCookie()).toEqual(['a=1', 'b=2'])
    expect(await response.text()).toBe('no')
  })

  it('answers HEAD, 204 and 304 without a body, and goes on with the connection', async () => {
    const app = await start(({ url, method }) => {
      if (url.endsWith('/204')) return new Response(null, { status: 204 })
      if (url.endsWith('/304')) return new Response(null, { status: 304, headers: { etag: '"x"' } })
      return new Response(method === 'HEAD' ? null : 'body', { headers: { 'content-length': '4' } })
    })
    const raw = dial(app.server.port)
    const requests = ['HEAD /', 'GET /204', 'GET /304', 'GET /']
    for (const [i, request] of requests.entries()) {
      raw.socket.write(`${request} HTTP/1.1\r\nhost: localhost\r\n\r\n`)
      await until(`answer ${i}`, () => raw.heard.split('HTTP/1.1 ').length === i + 2 && raw.heard.includes('\r\n\r\n'))
    }
    await until('the last body', () => raw.heard.endsWith('body'))
    expect([...raw.heard.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => status)).toEqual([
      '200',
      '204',
      '304',
      '200',
    ])
    expect(raw.heard.match(/body/g)).toHaveLength(1)
    raw.socket.destroy()
  })

  it('carries a large body in and out unchanged', async () => {
    const { url } = await start(async (request) => new Response(await request.arrayBuffer()))
    const sent = Buffer.alloc(20_000_000, 'hailstream ')
    const got = Buffer.from(await (await fetch(url, { method: 'POST', body: sent })).arrayBuffer())
    expect(got.equals(sent)).toBe(true)
  })

  it('takes a chunked body', async () => {
    const { server } = await start(echo)
    const raw = dial(server.port)
    raw.socket.write('POST /x HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n')
    raw.socket.write('6\r\n world\r\n0\r\n\r\n')
    await until('the answer', () => raw.heard.includes('hello world'))
    raw.socket.destroy()
  })

  it('refuses a body over the limit with 413, by its announced length and while counting', async () => {
    let called = 0
    const app = await start(
      () => {
        called++
        return new Response()
      },
      { limits: { maxBodyBytes: 1000 } },
    )
    const response = await fetch(app.url, { method: 'POST', body: Buffer.alloc(2_000_000) })
    expect(response.status).toBe(413)
    expect(await response.json()).toMatchObject({ error: 'too-large', detail: expect.stringContaining('1000') })
    const announced = dial(app.server.port)
    announced.socket.write('POST /x HTTP/1.1\r\nhost: localhost\r\ncontent-length: 1001\r\n\r\n')
    await until('413 before the body', () => announced.heard.startsWith('HTTP/1.1 413'))
    const counted = dial(app.server.port)
    counted.socket.write('POST /x HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\n')
    counted.socket.write(`5dc\r\n${'x'.repeat(1500)}\r\n`)
    await until('413 while counting', () => counted.heard.startsWith('HTTP/1.1 413'))
    announced.socket.destroy()
    counted.socket.destroy()
    expect(called).toBe(0)
  })

  it('refuses with 503 and Retry-After when all bodies together are too large', async () => {
    const app = await start(echo, { limits: { maxPendingBytes: 5000 } })
    const first = dial(app.server.port)
    first.socket.write(`POST /x HTTP/1.1\r\nhost: localhost\r\ncontent-length: 9000\r\n\r\n${'x'.repeat(4000)}`)
    const deadline = Date.now() + 5000
    let response = await fetch(app.url, { method: 'POST', body: 'x'.repeat(2000) })
    while (response.status === 200 && Date.now() < deadline)
      response = await fetch(app.url, { method: 'POST', body: 'x'.repeat(2000) })
    expect(response.status).toBe(503)
    expect(response.headers.get('retry-after')).not.toBeNull()
    first.socket.destroy()
    await until('room again', () => first.ended)
    await expect.poll(async () => (await fetch(app.url, { method: 'POST', body: 'x'.repeat(2000) })).status).toBe(200)
  })

  it('answers 504 to a body that trickles past its deadline, and serves others meanwhile', async () => {
    const app = await start(echo, { limits: { bodyDeadlineMs: 300 } })
    const raw = dial(app.server.port)
    raw.socket.write('POST /x HTTP/1.1\r\nhost: localhost\r\ncontent-length: 100\r\n\r\n')
    const drip = setInterval(() => raw.socket.write('a'), 50)
    expect((await fetch(app.url, { method: 'POST', body: 'x' })).status).toBe(200)
    await until('504', () => raw.heard.startsWith('HTTP/1.1 504'))
    clearInterval(drip)
    expect(raw.heard).toContain('"timeout"')
    raw.socket.destroy()
  })

  it('calls no route for a body that is cut short', async () => {
    let called = 0
    const app = await start(() => new Response(String(called++)))
    const raw = dial(app.server.port)
    raw.socket.write('POST /x HTTP/1.1\r\nhost: localhost\r\ncontent-length: 100\r\n\r\nabc')
    raw.socket.end()
    await until('the end', () => raw.ended)
    expect(await (await fetch(app.url)).text()).toBe('0')
  })

  it('aborts the request when the client hangs up', async () => {
    let signal: AbortSignal | undefined
    const app = await start((request) => {
      signal = request.signal
      return new Promise(() => undefined)
    })
    const raw = dial(app.server.port)
    raw.socket.write('GET /x HTTP/1.1\r\nhost: localhost\r\n\r\n')
    await until('the request', () => signal !== undefined)
    expect(signal?.aborted).toBe(false)
    raw.socket.destroy()
    await until('the abort', () => signal?.aborted === true)
  })

  it('reads a streaming body only as fast as the client takes it, and cancels it when the client has left', async () => {
    let pulled = 0
    let cancelled = false
    const chunk = new Uint8Array(1_000_000)
    const stream = () =>
      new ReadableStream<Uint8Array>(
        {
          pull: (controller) => {
            pulled++
            controller.enqueue(chunk)
          },
          cancel: () => {
            cancelled = true
          },
        },
        { highWaterMark: 0 },
      )
    const app = await start(() => new Response(stream()))
    const raw = dial(app.server.port)
    raw.socket.pause()
    raw.socket.write('GET /x HTTP/1.1\r\nhost: localhost\r\n\r\n')
    let before = -1
    await expect
      .poll(
        () => {
          const still = pulled > 0 && pulled === before
          before = pulled
          return still
        },
        { interval: 200, timeout: 10_000 },
      )
      .toBe(true)
    const stalledAt = pulled
    expect(stalledAt).toBeLessThan(50)
    raw.socket.resume()
    await until('more', () => pulled > stalledAt + 20)
    raw.socket.destroy()
    await until('the cancel', () => cancelled)
  })

  it('cuts the answer short when a streaming body fails, and answers the next request', async () => {
    let count = 0
    const failing = () =>
      new ReadableStream<Uint8Array>({
        pull: async (controller) => {
          await new Promise((resolve) => setTimeout(resolve, 20))
          if (count++ > 1) controller.error(new Error('broken'))
          else controller.enqueue(Buffer.from('part'))
        },
      })
    const app = await start(({ url }) => new Response(url.endsWith('/ok') ? 'ok' : failing()))
    const raw = dial(app.server.port)
    raw.socket.write('GET /x HTTP/1.1\r\nhost: localhost\r\n\r\n')
    await until('the end', () => raw.ended)
    expect(raw.heard).toContain('part')
    expect(raw.heard).not.toContain('\r\n0\r\n\r\n')
    expect(await (await fetch(`${app.url}/ok`)).text()).toBe('ok')
  })

  it('answers an EngineError with its status, what the system lacks with 503, and a bug with 500', async () => {
    const app = await start(({ url }) => {
      if (url.endsWith('/bug')) throw new TypeError('secret detail')
      if (url.endsWith('/page')) throw Object.assign(new Error('EMFILE: open /secret'), { code: 'EMFILE' })
      throw new EngineError('unavailable', 'Expected a camera')
    })
    const unavailable = await fetch(app.url)
    expect(unavailable.status).toBe(503)
    expect(unavailable.headers.get('retry-after')).toBe('1')
    expect(await unavailable.json()).toEqual({ error: 'unavailable', detail: 'Expected a camera' })
    const lack = await fetch(`${app.url}/page`)
    expect([lack.status, lack.headers.get('retry-after')]).toEqual([503, '1'])
    expect(await lack.json()).toMatchObject({ error: 'unavailable', detail: expect.stringMatching(/\(EMFILE\); try/) })
    const bug = await fetch(`${app.url}/bug`)
    expect(bug.status).toBe(500)
    expect(JSON.stringify(await bug.json())).not.toContain('secret')
  })

  it('refuses a method that HTTP clients may not use', async () => {
    const app = await start(echo)
    const raw = dial(app.server.port)
    raw.socket.write('TRACE /x HTTP/1.1\r\nhost: localhost\r\n\r\n')
    await until('an answer', () => /HTTP\/1\.1 (400|403|404|405)/.test(raw.heard))
    raw.socket.destroy()
  })
})

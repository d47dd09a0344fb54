import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { type AddressInfo, connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startServer, TestClient } from '../support/server.ts'
import { objectsPacket } from '../support/topic-packets.ts'
import { until } from '../support/wait.ts'

function findFreePort(): Promise<number> {
  return new Promise((resolve) => {
    const probe = createServer()
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as AddressInfo
      probe.close(() => resolve(port))
    })
  })
}

describe('Server', () => {
  it('refuses a port that is taken', async () => {
    const first = await startServer()
    await using _ = first.server
    const second = startServer({ port: first.server.port })
    await expect(second).rejects.toMatchObject({
      code: 'conflict',
      message: expect.stringContaining(String(first.server.port)),
    })
  })

  it('lets no new client in while it is paused; those that are in stay, and others come to the same port after', async () => {
    const app = await startServer()
    await using _ = app.server
    const { port } = app.server
    const packets = app.offer('demo/people')
    const client = await TestClient.open(`${app.socketUrl}/ws/demo/people`)
    await until('the subscriber', () => app.subscribersOf('demo/people') === 1)
    app.server.pause()
    app.server.pause()
    const refused = await fetch(app.url).catch((error: Error) => error.cause)
    expect(refused).toMatchObject({ code: 'ECONNREFUSED' })
    packets.next(objectsPacket(0))
    expect(await client.hear(0)).toMatchObject({ topic: 'demo/people', n: 0 })
    await Promise.all([app.server.resume(), app.server.resume()])
    expect(await (await fetch(app.url)).text()).toBe('from the routes')
    expect(app.server.port).toBe(port)
    client.socket.close()
  })

  it('can be closed while it is paused', async () => {
    const { server } = await startServer()
    server.pause()
    await server.close()
    await server.resume()
    await (await startServer({ port: server.port })).server.close()
  })

  it('tells WebSockets 1012, ends requests and frees its port when it is closed, twice', async () => {
    let signal: AbortSignal | undefined
    const port = await findFreePort()
    const app = await startServer({
      port,
      fetch: (request) => {
        signal = request.signal
        return new Promise(() => undefined)
      },
    })
    app.offer('demo/people')
    const client = await TestClient.open(`${app.socketUrl}/ws/demo/people`)
    const request = fetch(app.url).catch((error: unknown) => error)
    await until('the request', () => signal !== undefined)
    await Promise.all([app.server.close(), app.server.close()])
    expect((await client.closed).code).toBe(1012)
    expect(await request).toBeInstanceOf(Error)
    expect(signal?.aborted).toBe(true)
    expect(app.subscribersOf('demo/people')).toBe(0)
    const again = await startServer({ port })
    await again.server.close()
  })

  it('turns clients away above its number with 1013', async () => {
    const app = await startServer({ limits: { maxSockets: 1 } })
    await using _ = app.server
    await TestClient.open(`${app.socketUrl}/ws`)
    expect((await new TestClient(`${app.socketUrl}/ws`).closed).code).toBe(1013)
  })
})

describe('the page', () => {
  const folder = mkdtempSync(join(tmpdir(), 'hailstream-page-'))
  let app: Awaited<ReturnType<typeof startServer>>
  beforeAll(async () => {
    mkdirSync(join(folder, 'web/assets'), { recursive: true })
    writeFileSync(join(folder, 'web/index.html'), '<title>page</title>')
    writeFileSync(join(folder, 'web/assets/main-1a2b.js'), 'let a')
    writeFileSync(join(folder, 'secret.txt'), 'secret')
    writeFileSync(join(folder, 'web/.hidden'), 'secret')
    app = await startServer({ page: join(folder, 'web') })
  })
  afterAll(async () => {
    await app.server.close()
    rmSync(folder, { recursive: true })
  })

  it('comes with its type, and with a tag that answers 304', async () => {
    const response = await fetch(app.url)
    expect(response.headers.get('content-type')).toBe('text/html; charset=utf-8')
    expect(response.headers.get('cache-control')).toBe('no-cache')
    expect(await response.text()).toBe('<title>page</title>')
    const headers = { 'if-none-match': response.headers.get('etag') ?? '' }
    expect((await fetch(app.url, { headers })).status).toBe(304)
  })

  it('lets files whose names carry a hash be kept', async () => {
    const response = await fetch(`${app.url}/assets/main-1a2b.js`)
    expect(response.headers.get('content-type')).toBe('text/javascript; charset=utf-8')
    expect(response.headers.get('cache-control')).toContain('immutable')
    const head = await fetch(`${app.url}/assets/main-1a2b.js`, { method: 'HEAD' })
    expect(head.headers.get('content-length')).toBe('5')
  })

  it('leaves to the routes what is no file', async () => {
    expect(await (await fetch(`${app.url}/api/topics`)).text()).toBe('from the routes')
    expect(await (await fetch(app.url, { method: 'POST' })).text()).toBe('from the routes')
  })

  it.each([
    '/../secret.txt',
    '/%2e%2e/secret.txt',
    '/..%2fsecret.txt',
    '/assets/../../secret.txt',
    '/.hidden',
    '/%00',
    '/%',
    '//..//secret.txt',
  ])('gives nothing outside of its folder: %s', async (path) => {
    const socket = connect(app.server.port, '127.0.0.1')
    let heard = ''
    socket.on('data', (data) => {
      heard += data.toString()
    })
    socket.write(`GET ${path} HTTP/1.1\r\nhost: localhost\r\n\r\n`)
    await until('an answer', () => heard.includes('\r\n\r\n'))
    socket.destroy()
    expect(heard).not.toContain('secret')
  })

  it('keeps a token of its address as a cookie, for its files and sockets', async () => {
    const rules = { access: 'token-unless-loopback', token: 'sesame', origins: [] } as const
    const guarded = await startServer({ page: join(folder, 'web'), rules })
    await using _ = guarded.server
    const cookie = (await fetch(`${guarded.url}/?token=sesame`)).headers.get('set-cookie')
    expect(cookie).toContain('hailstream_token=sesame')
    expect((await fetch(`${guarded.url}/?token=wrong`)).headers.get('set-cookie')).toBeNull()
  })
})

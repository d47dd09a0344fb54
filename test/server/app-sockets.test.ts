import { get } from 'node:http'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Access } from '../../engine/server/access.ts'
import type { AppSocket, SocketApp, SocketVisit } from '../../engine/server/socket-app.ts'
import { openRules, startServer, TestClient } from '../support/server.ts'
import { until } from '../support/wait.ts'

const maxMessageBytes = 100_000

/** Says what it hears, and keeps who came. */
class Echo implements SocketApp {
  readonly paths = ['/v1/echo', '/api/echo']
  readonly headers = ['x-dialect']
  readonly tokenProtocols = ['key.']
  readonly maxMessageBytes = maxMessageBytes
  readonly visits: SocketVisit[] = []
  readonly left: string[] = []
  drains = 0

  chooseProtocol(offered: readonly string[]): string {
    return offered.includes('echo') ? 'echo' : ''
  }

  open(socket: AppSocket, visit: SocketVisit) {
    this.visits.push(visit)
    return {
      text: (message: string) => {
        if (message === 'bye') socket.end(1011, 'so it is')
        else socket.sendText(message === 'large' ? JSON.stringify('x'.repeat(5_000_000)) : message)
      },
      binary: (bytes: Uint8Array) => socket.sendBinary(bytes.map((value) => value + 1)),
      drained: () => {
        this.drains++
      },
      closed: () => {
        this.left.push(visit.path)
        socket.sendText('nobody hears this')
      },
    }
  }
}

let echo: Echo
let app: Awaited<ReturnType<typeof startServer>>
beforeEach(async () => {
  echo = new Echo()
  app = await startServer({ socketApps: [echo], limits: { maxSockets: 2 } })
})
afterEach(() => app.server.close())

describe('a protocol with paths of its own', () => {
  it('is opened with what it wants to know, answers text and bytes, and hears of the end', async () => {
    const url = `${app.socketUrl}/api/echo?model=m&token=secret`
    const client = await TestClient.open(url, ['echo', 'key.k'], { 'x-dialect': 'old' })
    expect(client.socket.protocol).toBe('echo')
    expect(echo.visits).toMatchObject([
      { path: '/api/echo', headers: { 'x-dialect': 'old' }, offered: ['echo', 'key.k'] },
    ])
    expect(echo.visits[0]?.query.toString()).toBe('model=m')
    client.send({ hello: 1 })
    client.send(Uint8Array.of(1, 2, 3))
    expect(await client.hear(0)).toEqual({ hello: 1 })
    expect(await client.hear(1)).toEqual(Buffer.from([2, 3, 4]))
    expect(app.server.clients).toBe(1)
    client.socket.close()
    await until('its end', () => echo.left.length === 1)
    expect(app.server.clients).toBe(0)
  })

  it('may end a connection itself, with a reason', async () => {
    const client = await TestClient.open(`${app.socketUrl}/v1/echo`)
    client.send('bye')
    expect(await client.closed).toEqual({ code: 1011, reason: 'so it is' })
  })

  it('ends one whose message is too large with 1009, and one too many with 1013', async () => {
    const clients = [
      await TestClient.open(`${app.socketUrl}/v1/echo`),
      await TestClient.open(`${app.socketUrl}/v1/echo`),
    ]
    expect(await new TestClient(`${app.socketUrl}/v1/echo`).closed).toMatchObject({ code: 1013 })
    clients[0]?.send('x'.repeat(maxMessageBytes + 1))
    expect(await clients[0]?.closed).toMatchObject({ code: 1009 })
  })

  it('tells its clients of a restart', async () => {
    const client = await TestClient.open(`${app.socketUrl}/v1/echo`)
    await app.server.close()
    expect(await client.closed).toMatchObject({ code: 1012 })
  })

  it('hears when a slow client has taken everything', async () => {
    const client = await TestClient.open(`${app.socketUrl}/v1/echo`)
    client.send('large')
    await client.hear(0)
    await until('a drain', () => echo.drains > 0)
  })
})

describe('P2: who may not come', () => {
  it('is told so before the upgrade', async () => {
    const status = await new Promise((resolve, reject) => {
      const headers = {
        ...{ connection: 'Upgrade', upgrade: 'websocket', origin: 'https://elsewhere.example.org' },
        ...{ 'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==', 'sec-websocket-version': '13' },
      }
      get(`${app.url}/v1/echo`, { headers }, (answer) => resolve(answer.statusCode)).on('error', reject)
    })
    expect(status).toBe(403)
    expect(echo.visits).toEqual([])
  })

  it.each([
    ['the header', { authorization: 'Bearer sesame' }, undefined],
    ['the subprotocol', { 'sec-websocket-protocol': 'realtime, openai-insecure-api-key.sesame' }, undefined],
    ['a wrong key', { 'sec-websocket-protocol': 'realtime, openai-insecure-api-key.wrong' }, 401],
    ['no key', {}, 401],
  ])('is decided by %s', (_, headers: Readonly<Record<string, string>>, status) => {
    const all: Readonly<Record<string, string>> = { host: '192.168.1.5:8080', ...headers }
    const visit = {
      address: '192.168.1.9',
      method: 'GET',
      webSocket: true,
      query: '',
      header: (name: string) => all[name],
    }
    const access = new Access({ ...openRules, token: 'sesame' }, '0.0.0.0')
    expect(access.refuse({ ...visit, tokenProtocols: ['openai-insecure-api-key.'] })?.status).toBe(status)
    if (status === undefined && !('authorization' in headers)) expect(access.refuse(visit)?.status).toBe(401)
  })
})

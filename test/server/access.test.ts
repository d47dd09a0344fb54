import { networkInterfaces } from 'node:os'
import { describe, expect, it } from 'vitest'
import { Access, type AccessRules, chooseProtocol, type Visit, withoutToken } from '../../engine/server/access.ts'
import { openRules, startServer, TestClient } from '../support/server.ts'

/** An address of this machine that is not loopback; a machine without a network has none. */
const ownAddress = Object.values(networkInterfaces())
  .flatMap((addresses) => addresses ?? [])
  .find(({ family, internal }) => family === 'IPv4' && !internal)?.address

const withToken: AccessRules = {
  access: 'token-unless-loopback',
  token: 'sesame',
  origins: ['https://stage.example.org'],
}

function visit(
  fields: Partial<Omit<Visit, 'header'>> & { readonly headers?: Readonly<Record<string, string>> } = {},
): Visit {
  const { headers = {}, ...rest } = fields
  const all: Record<string, string> = { host: '192.168.1.5:8080', ...headers }
  return { address: '192.168.1.9', method: 'GET', webSocket: false, query: '', ...rest, header: (name) => all[name] }
}

const statusOf = (rules: AccessRules, asked: Visit) => new Access(rules, '0.0.0.0').refuse(asked)?.status

describe('Access', () => {
  it.each(['127.0.0.1', '127.3.2.1', '::1', '::ffff:127.0.0.1', '0000:0000:0000:0000:0000:0000:0000:0001'])(
    'asks %s for nothing',
    (address) => {
      expect(statusOf(openRules, visit({ address }))).toBeUndefined()
    },
  )

  it('refuses other machines without a token, and all of them while none is configured', () => {
    expect(statusOf(withToken, visit())).toBe(401)
    expect(statusOf(openRules, visit({ query: 'token=null' }))).toBe(401)
    expect(statusOf(openRules, visit({ headers: { authorization: 'Bearer ' } }))).toBe(401)
    expect(statusOf({ ...openRules, access: 'open' }, visit())).toBeUndefined()
  })

  it.each([
    ['header', visit({ headers: { authorization: 'Bearer sesame' } })],
    ['query', visit({ query: 'a=1&token=sesame' })],
    ['cookie', visit({ headers: { cookie: 'x=1; hailstream_token=sesame' } })],
    [
      'subprotocol',
      visit({ webSocket: true, headers: { 'sec-websocket-protocol': 'hailstream, hailstream.token.sesame' } }),
    ],
  ])('takes the token by %s, and no other', (_, asked) => {
    expect(statusOf(withToken, asked)).toBeUndefined()
    expect(statusOf({ ...withToken, token: 'other' }, asked)).toBe(401)
  })

  it('takes a subprotocol for a token on WebSockets only', () => {
    expect(statusOf(withToken, visit({ headers: { 'sec-websocket-protocol': 'hailstream.token.sesame' } }))).toBe(401)
  })

  it('takes a cookie that the page has encoded', () => {
    const rules = { ...withToken, token: 'a b/ü' }
    expect(
      statusOf(rules, visit({ headers: { cookie: `hailstream_token=${encodeURIComponent('a b/ü')}` } })),
    ).toBeUndefined()
  })

  it.each([
    ['none', {}, undefined],
    ['the same host', { origin: 'http://192.168.1.5:8080' }, undefined],
    ['a loopback name', { origin: 'http://localhost:5173' }, undefined],
    ['a configured one', { origin: 'https://stage.example.org' }, undefined],
    ['another port of the host', { origin: 'http://192.168.1.5:9999' }, 403],
    ['another site', { origin: 'https://evil.example' }, 403],
    ['null', { origin: 'null' }, 403],
    ['one that begins like ours', { origin: 'http://localhost.evil.example' }, 403],
  ])('judges a changing request by its origin: %s', (_, headers, status) => {
    const address = '127.0.0.1'
    expect(statusOf(withToken, visit({ address, method: 'POST', headers }))).toBe(status)
    expect(statusOf(withToken, visit({ address, webSocket: true, headers }))).toBe(status)
    expect(statusOf(withToken, visit({ address, method: 'GET', headers }))).toBeUndefined()
  })

  it.each([
    ['127.0.0.1:8080', undefined],
    ['localhost', undefined],
    ['[::1]:8080', undefined],
    ['stage.example.org', undefined],
    ['evil.example:8080', 403],
    ['', 403],
  ])('refuses names that an attacker could point here: Host %s', (host, status) => {
    const origin = `http://${host}`
    expect(statusOf(withToken, visit({ address: '127.0.0.1', method: 'POST', headers: { host, origin } }))).toBe(status)
  })

  it('answers with an offered subprotocol', () => {
    expect(chooseProtocol('hailstream.token.x, hailstream')).toBe('hailstream')
    expect(chooseProtocol('hailstream.token.x')).toBe('hailstream.token.x')
    expect(chooseProtocol('chat')).toBe('')
  })

  it('keeps the token out of what is passed on', () => {
    expect(withoutToken('a=1&token=sesame&b=2&tokens=3')).toBe('a=1&b=2&tokens=3')
  })
})

describe('a server', () => {
  it('closes a WebSocket of another site with 1008', async () => {
    await using started = (await startServer()).server
    const client = new TestClient(`ws://127.0.0.1:${started.port}/ws`, [], { origin: 'https://evil.example' })
    expect(await client.closed).toMatchObject({ code: 1008, reason: expect.stringContaining('evil.example') })
  })

  it('answers 403 to a changing request of another site, and lets a configured one read the answer', async () => {
    const rules = { ...openRules, origins: ['https://stage.example.org'] }
    const app = await startServer({ rules })
    await using _ = app.server
    const post = (origin: string) => fetch(`${app.url}/api/x`, { method: 'POST', headers: { origin }, body: 'x' })
    const refused = await post('https://evil.example')
    expect(refused.status).toBe(403)
    expect(await refused.json()).toMatchObject({ error: 'forbidden' })
    expect(refused.headers.get('access-control-allow-origin')).toBeNull()
    const allowed = await post('https://stage.example.org')
    expect(allowed.status).toBe(200)
    expect(allowed.headers.get('access-control-allow-origin')).toBe('https://stage.example.org')
  })

  it('answers a preflight without asking for a token', async () => {
    const app = await startServer({ rules: { ...openRules, origins: ['https://stage.example.org'] } })
    await using _ = app.server
    const ask = (origin: string) =>
      fetch(`${app.url}/api/x`, {
        method: 'OPTIONS',
        headers: { origin, 'access-control-request-headers': 'authorization' },
      })
    const allowed = await ask('https://stage.example.org')
    expect(allowed.status).toBe(204)
    expect(allowed.headers.get('access-control-allow-headers')).toBe('authorization')
    expect((await ask('https://evil.example')).status).toBe(403)
  })

  it('asks another address for the token, on WebSockets with 1008', async () => {
    // A machine without any network has only loopback, which asks for nothing.
    if (ownAddress === undefined) return
    const app = await startServer({ host: '0.0.0.0', rules: withToken })
    await using _ = app.server
    const place = `${ownAddress}:${app.server.port}`
    expect((await fetch(`http://${place}/`)).status).toBe(401)
    expect((await fetch(`http://${place}/?token=sesame`)).status).toBe(200)
    expect((await new TestClient(`ws://${place}/ws`).closed).code).toBe(1008)
    const client = await TestClient.open(`ws://${place}/ws`, ['hailstream.token.sesame'])
    expect(await client.ask({ type: 'dance' })).toMatchObject({ type: 'error', error: 'invalid' })
  })

  it('echoes the subprotocol that carried the token', async () => {
    const app = await startServer()
    await using _ = app.server
    const client = await TestClient.open(`${app.socketUrl}/ws`, ['hailstream.token.sesame'])
    expect(client.socket.protocol).toBe('hailstream.token.sesame')
  })
})

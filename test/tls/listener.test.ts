import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { request } from 'node:https'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { startApp, type TestApp } from '../support/app.ts'
import { openRules, startServer } from '../support/server.ts'
import { until } from '../support/wait.ts'

const tls = { 'listen.tls': { selfSigned: true, port: 0, names: ['stage.example.org'] } }

let state: string
let before: string | undefined
beforeAll(() => {
  state = mkdtempSync(join(tmpdir(), 'hailstream-tls-'))
  before = process.env.HAILSTREAM_STATE
  process.env.HAILSTREAM_STATE = state
})
afterAll(() => {
  if (before === undefined) delete process.env.HAILSTREAM_STATE
  else process.env.HAILSTREAM_STATE = before
  rmSync(state, { recursive: true, force: true })
})

const trusted = () => readFileSync(join(state, 'certificate.pem'))

interface Answer {
  readonly status: number
  readonly body: string
  readonly cookie: string | undefined
}

/** Asks as a client that trusts the kept certificate, and no other. */
function ask(url: string, headers: Record<string, string> = {}, method = 'GET'): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const asked = request(url, { ca: trusted(), servername: 'localhost', headers, method }, (response) => {
      let body = ''
      response.setEncoding('utf8').on('data', (chunk) => (body += chunk))
      const cookie = response.headers['set-cookie']?.[0]
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body, cookie }))
    })
    asked.on('error', reject).end()
  })
}

/** A WebSocket of such a client; the first message that it hears, or the code that it was closed with. */
function hear(url: string, headers: Record<string, string> = {}): Promise<Record<string, unknown> | number> {
  const socket = new WebSocket(url, { ca: trusted(), headers })
  return new Promise<Record<string, unknown> | number>((resolve, reject) => {
    socket.on('open', () => socket.send(JSON.stringify({ type: 'dance', id: '1' })))
    socket.on('message', (text) => resolve(JSON.parse(String(text))))
    socket.on('close', (code) => resolve(code))
    socket.on('error', reject)
  }).finally(() => socket.terminate())
}

const health = async (app: TestApp) => JSON.parse((await ask(`${app.secureUrl}/api/health`)).body)

describe('an engine with a certificate of its own', () => {
  it('speaks TLS beside plain HTTP, to clients that trust the certificate, and keeps it over a restart', async () => {
    let fingerprint: string
    {
      await using app = await startApp(tls)
      expect((await fetch(`${app.url}/api/health`)).status).toBe(200)
      const told = await health(app)
      expect(told.tls).toMatchObject({ port: Number(new URL(app.secureUrl ?? '').port), selfSigned: true })
      expect(told.tls.names).toEqual(expect.arrayContaining(['localhost', '127.0.0.1', 'stage.example.org']))
      expect(told.problems).toEqual([])
      fingerprint = told.tls.fingerprint
    }
    await using app = await startApp(tls)
    expect((await health(app)).tls.fingerprint).toBe(fingerprint)
  })

  it('is refused by clients that trust nobody new', async () => {
    await using app = await startApp(tls)
    await expect(fetch(`${app.secureUrl}/api/health`)).rejects.toThrow('fetch failed')
  })

  it('answers WebSockets over TLS under the same rules', async () => {
    await using app = await startApp(tls)
    const url = `${app.secureUrl?.replace('https', 'wss')}/ws`
    expect(await hear(url)).toMatchObject({ type: 'error', error: 'invalid', id: '1' })
    expect(await hear(url, { origin: app.secureUrl ?? '' })).toMatchObject({ id: '1' })
    expect(await hear(url, { origin: 'https://evil.example' })).toBe(1008)
  })

  it('takes changes from pages under a configured name, and from no other', async () => {
    await using app = await startApp(tls)
    const post = (host: string) =>
      ask(`${app.secureUrl}/api/detect`, { host, origin: `https://${host}` }, 'POST').then(({ status }) => status)
    expect(await post('stage.example.org')).not.toBe(403)
    expect(await post('evil.example')).toBe(403)
  })

  it('does not start where the port of TLS is taken', async () => {
    const holder = createServer().listen(0, '127.0.0.1')
    await until('a taken port', () => holder.listening)
    const { port } = holder.address() as { port: number }
    await expect(startApp({ 'listen.tls': { selfSigned: true, port } })).rejects.toThrow(`127.0.0.1:${port}`)
    await new Promise((resolve) => holder.close(resolve))
  })
})

describe('a server that speaks TLS', () => {
  it('gives the token as a cookie that goes over TLS alone', async () => {
    const { openCertificate } = await import('../../engine/tls/certificate.ts')
    const certificate = openCertificate({ kind: 'self-signed', port: 0, names: [] }, { state, now: Date.now() })
    const page = () => new Response('<!doctype html>', { headers: { 'content-type': 'text/html' } })
    const rules = { ...openRules, token: 'sesame' }
    const secure = await startServer({ rules, fetch: page, tls: certificate })
    const plain = await startServer({ rules, fetch: page })
    await using _ = secure.server
    await using __ = plain.server
    const cookie = 'hailstream_token=sesame; Path=/; SameSite=Strict'
    const asked = await ask(`https://127.0.0.1:${secure.server.port}/?token=sesame`)
    expect(asked.cookie).toBe(`${cookie}; Secure`)
    const response = await fetch(`${plain.url}/?token=sesame`)
    expect(response.headers.get('set-cookie')).toBe(cookie)
  })

  it('tells routes the address that was asked for', async () => {
    const { openCertificate } = await import('../../engine/tls/certificate.ts')
    const certificate = openCertificate({ kind: 'self-signed', port: 0, names: [] }, { state, now: Date.now() })
    const secure = await startServer({ tls: certificate, fetch: ({ url }) => new Response(url) })
    await using _ = secure.server
    const url = `https://127.0.0.1:${secure.server.port}/a?b=1`
    expect((await ask(url)).body).toBe(url)
  })
})

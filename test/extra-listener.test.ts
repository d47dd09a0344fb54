import { Ollama } from 'ollama'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { openOllamaListener } from '../engine/compose-chat.ts'
import { ClosingStack } from '../engine/core/lifecycle.ts'
import { errorBodyFor } from '../engine/error-bodies.ts'
import { Problems } from '../engine/problems.ts'
import type { AccessRules } from '../engine/server/access.ts'
import { ScriptedChat } from './support/chat-app.ts'
import { openRules, startServer } from './support/server.ts'
import { StillClock, silentLog } from './support/topic-packets.ts'

let closing: ClosingStack
let problems: Problems
beforeEach(() => {
  closing = new ClosingStack()
  problems = new Problems(new StillClock(), silentLog)
})
afterEach(() => closing[Symbol.asyncDispose]())

async function open({ port = 0, host = '127.0.0.1', rules = openRules as AccessRules } = {}) {
  const { routes } = new ScriptedChat([{ name: 'm' }])
  const config = { listen: { host } } as Parameters<typeof openOllamaListener>[0]['config']
  return openOllamaListener({ config, routes, rules, problems, log: silentLog, closing, port })
}

describe('the port of Ollama', () => {
  it('answers its clients, says that it runs, and has nothing else', async () => {
    const url = `http://127.0.0.1:${(await open())?.port}`
    const ollama = new Ollama({ host: url })
    const { message } = await ollama.chat({ model: 'm', messages: [{ role: 'user', content: 'hello' }] })
    expect(message.content).toBe('hello')
    expect(await (await fetch(url)).text()).toBe('Ollama is running')
    expect((await fetch(url, { method: 'HEAD' })).status).toBe(200)
    expect((await fetch(`${url}/v1/models`)).status).toBe(200)
    for (const path of ['/api/health', '/api/topics', '/index.html', '/ws'])
      expect((await fetch(url + path)).status).toBe(404)
    const socket = new WebSocket(`${url.replace('http', 'ws')}/ws`)
    await expect(new Promise((resolve, reject) => socket.on('open', resolve).on('error', reject))).rejects.toThrow(
      '404',
    )
    expect(problems.list()).toEqual([])
  })

  it('is a problem and no failure where it is taken', async () => {
    const holder = await startServer()
    await using _ = holder.server
    expect(await open({ port: holder.server.port })).toBeUndefined()
    const detail = expect.stringContaining(`compat.ollama: port ${holder.server.port} of 127.0.0.1 is taken`)
    expect(problems.list()).toEqual([{ name: 'port', detail, since: expect.any(Number) }])
  })

  it('lets in by the same rules as the other one: no page of another site', async () => {
    const url = `http://127.0.0.1:${(await open())?.port}`
    const headers = { origin: 'https://evil.example' }
    const response = await fetch(`${url}/api/chat`, { method: 'POST', headers, body: '{}' })
    expect([response.status, await response.json()]).toEqual([403, { error: expect.stringContaining('evil.example') }])
  })
})

describe('what is refused before its route', () => {
  it.each([
    ['/api/chat', { error: expect.stringContaining('at most 1000 bytes') }],
    [
      '/v1/chat/completions',
      { error: { message: expect.any(String), type: 'invalid_request_error', param: null, code: 'too-large' } },
    ],
    ['/api/detect', { error: 'too-large', detail: expect.any(String) }],
  ])('has on %s the body of its standard', async (path, body) => {
    const app = await startServer({ errorBody: errorBodyFor, limits: { maxBodyBytes: 1000 } })
    await using _ = app.server
    const response = await fetch(app.url + path, { method: 'POST', body: 'x'.repeat(2000) })
    expect([response.status, await response.json()]).toEqual([413, body])
  })
})

import { request } from 'node:http'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { joinRoutes } from '../../engine/routes/answer.ts'
import { ScriptedChat } from '../support/chat-app.ts'
import { startServer } from '../support/server.ts'
import { until } from '../support/wait.ts'

const clients = 64
const words = Array.from({ length: 40 }, (_, i) => ` ${i}`)

let chat: ScriptedChat
let app: Awaited<ReturnType<typeof startServer>>
beforeEach(async () => {
  chat = new ScriptedChat([
    { name: 'm', script: () => words },
    { name: 'endless', script: forEver },
  ])
  app = await startServer({ fetch: joinRoutes(chat.routes).fetch })
})
afterEach(() => app.server.close())

function* forEver(): Generator<string> {
  for (;;) yield 'x'.repeat(10_000)
}

const ask = (model: string, signal: AbortSignal) => {
  const body = JSON.stringify({ model, stream: true, messages: [{ role: 'user', content: 'go' }] })
  return fetch(`${app.url}/v1/chat/completions`, { method: 'POST', body, signal })
}

describe('many clients at once', () => {
  it('have each their whole answer, and those who hang up leave nothing running', async () => {
    const answers = Array.from({ length: clients }, async (_, i) => {
      const hangUp = new AbortController()
      const response = await ask(i % 3 === 0 ? 'endless' : 'm', hangUp.signal)
      if (i % 3 !== 0) return response.text()
      await response.body?.getReader().read()
      hangUp.abort()
      return ''
    })
    const texts = await Promise.all(answers)
    const hungUp = texts.filter((text) => text === '').length
    for (const text of texts.filter((whole) => whole !== '')) {
      const said = [...text.matchAll(/"content":"( \d+)"/g)].map(([, word]) => word)
      expect(said).toEqual(words)
      expect(text.endsWith('data: [DONE]\n\n')).toBe(true)
    }
    await until('the end of all work', () => chat.language.running === 0)
    expect([hungUp, chat.language.aborted]).toEqual([Math.ceil(clients / 3), hungUp])
  })

  it('that read nothing hold the work only so far', async () => {
    const body = JSON.stringify({ model: 'endless', messages: [{ role: 'user', content: 'go' }] })
    const slow = request(`${app.url}/api/chat`, { method: 'POST' })
    slow.on('response', (response) => response.pause())
    slow.on('error', () => undefined) // it is destroyed below
    slow.end(body)
    // It goes on while the sockets take it, and then stands.
    let tokens = -1
    await until(
      'a standstill',
      async () => {
        const before = tokens
        tokens = chat.language.tokens
        await new Promise((resolve) => setTimeout(resolve, 300))
        return tokens > 0 && before === chat.language.tokens
      },
      25_000,
    )
    expect(chat.language.running).toBe(1)
    slow.destroy()
    await until('the end of the work', () => chat.language.running === 0)
    expect(chat.language.aborted).toBe(1)
  })
})

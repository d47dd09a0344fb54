import { createServer } from 'node:net'
import { describe, expect, it, vi } from 'vitest'
import type { LanguageEvent } from '../../engine/inference/language.ts'
import { createRemoteLanguages } from '../../engine/inference/remote-language.ts'
import { sendJson, sendLines } from '../support/language-server.ts'
import { ask } from '../support/llama.ts'
import { code, hello, never, setUpRemote } from '../support/remote.ts'
import { until } from '../support/wait.ts'

const remote = setUpRemote()
const said = (content: string) => ({ model: 'tiny', message: { role: 'assistant', content }, done: false })
const ended = {
  ...{ model: 'tiny', message: { role: 'assistant', content: '' }, done: true, done_reason: 'stop' },
  ...{ prompt_eval_count: 7, eval_count: 2 },
}

describe('a server that goes wrong', () => {
  it('fails with the words of a server that fails, before the stream or in it', async () => {
    const model = await remote.ollamaModel()
    const refused = async (status: number) => {
      remote.server.on('/api/chat', (_, response) => sendJson(response, { error: 'model is too large' }, status))
      return ask(model, hello).catch((error: unknown) => error)
    }
    for (const [status, expected] of [
      [400, 'invalid'],
      [401, 'unavailable'],
      [404, 'not-found'],
      [413, 'too-large'],
      [429, 'busy'],
      [503, 'busy'],
      [500, 'unavailable'],
      [504, 'timeout'],
    ] as const)
      expect(await refused(status)).toMatchObject({
        code: expected,
        message: expect.stringContaining('model is too large'),
      })
    remote.server.on('/api/chat', (_, response) => sendLines(response, [said('Hel'), { error: 'out of memory' }]))
    await expect(ask(model, hello)).rejects.toThrow('out of memory')
  })

  it('fails with one that breaks off, talks nonsense, or never ends a line', async () => {
    const model = await remote.ollamaModel()
    remote.server.on('/api/chat', (_, response) => sendLines(response, [said('Hel')]))
    await expect(ask(model, hello)).rejects.toThrow(/attic.*broke off/)
    remote.server.on('/api/chat', (_, response) => {
      response.writeHead(200).write(`${JSON.stringify(said('Hel'))}\n`, () => response.destroy())
    })
    await expect(ask(model, hello)).rejects.toEqual(code('unavailable'))
    remote.server.on('/api/chat', (_, response) => void response.end('<html>Bad gateway</html>'))
    await expect(ask(model, hello)).rejects.toThrow(/Expected JSON from server attic, received "<html>/)
    remote.server.on('/api/chat', (_, response) => sendLines(response, [{ message: 'Hello', done: false }]))
    await expect(ask(model, hello)).rejects.toThrow('message')
    remote.server.on('/api/chat', (_, response) => {
      const more = () => response.write('a'.repeat(1 << 16), (error) => error ?? more())
      more()
    })
    await expect(ask(model, hello)).rejects.toThrow(/lines of at most/)
    await until('the endless answer to be hung up', () => remote.server.hungUp() > 0)
  })

  it('is hung up on when the reader leaves or the signal aborts', async () => {
    const model = await remote.ollamaModel()
    remote.server.on('/api/chat', (_, response) => void response.write(`${JSON.stringify(said('Hel'))}\n`))
    for await (const event of model.generate({ ...hello, sampling: {} }, never)) {
      expect(event).toEqual({ type: 'text', text: 'Hel', tokens: 1 })
      break
    }
    await until('the first connection to close', () => remote.server.hungUp() === 1)
    const abort = new AbortController()
    const events: LanguageEvent[] = []
    const read = async () => {
      for await (const event of model.generate({ ...hello, sampling: {} }, abort.signal)) {
        events.push(event)
        abort.abort()
      }
    }
    await expect(read()).rejects.toEqual(code('cancelled'))
    expect(events).toHaveLength(1)
    await until('the second connection to close', () => remote.server.hungUp() === 2)
  })

  it('is not waited for without end: for its first word, nor for the next', async () => {
    const silent = await remote.ollamaModel({ firstMs: 50 })
    remote.server.on('/api/chat', () => undefined)
    await expect(ask(silent, hello)).rejects.toEqual(code('timeout'))
    const stuck = await remote.ollamaModel({ betweenMs: 50 })
    remote.server.on('/api/chat', (_, response) => void response.write(`${JSON.stringify(said('Hel'))}\n`))
    await expect(ask(stuck, hello)).rejects.toEqual(code('timeout'))
    await until('both to be hung up on', () => remote.server.hungUp() === 2)
  })

  it('takes a line in parts, and characters cut in two', async () => {
    const model = await remote.ollamaModel()
    remote.server.on('/api/chat', async (_, response) => {
      const bytes = Buffer.from(`${JSON.stringify(said('Grüße'))}\n${JSON.stringify(ended)}`)
      const send = (part: Buffer) => new Promise((resolve) => response.write(part, resolve))
      for (const byte of bytes) await send(Buffer.of(byte))
      response.end()
    })
    expect((await ask(model, hello)).text).toBe('Grüße')
  })

  it('does not get what was meant for another address', async () => {
    const model = await remote.ollamaModel()
    remote.server.on('/api/chat', (_, response) => void response.writeHead(307, { location: '/elsewhere' }).end())
    await expect(ask(model, hello)).rejects.toEqual(code('unavailable'))
    expect(remote.server.received.some(({ path }) => path === '/elsewhere')).toBe(false)
  })
})

describe('a server that is away', () => {
  it('offers nothing it never offered, and what it did offer as failed', async () => {
    const socket = createServer().listen(0, '127.0.0.1')
    await until('a port', () => socket.listening)
    const { port } = socket.address() as { port: number }
    await new Promise((resolve) => socket.close(resolve))
    const [gone] = createRemoteLanguages([
      { url: `http://127.0.0.1:${port}`, api: 'ollama', name: 'gone', keyFile: null },
    ])
    expect(await gone!.offers()).toEqual([])
    expect(gone!.problem).toContain('ECONNREFUSED')
    await expect(gone!.load('tiny', never)).rejects.toEqual(code('unavailable'))
    await gone![Symbol.asyncDispose]()

    const model = await remote.ollamaModel()
    await remote.server[Symbol.asyncDispose]()
    const later = vi.spyOn(performance, 'now').mockReturnValue(performance.now() + 60_000)
    expect(await remote.backend.offers()).toMatchObject([{ name: 'tiny:latest', state: 'failed' }])
    await expect(remote.backend.load('tiny:latest', never)).rejects.toEqual(code('unavailable'))
    later.mockRestore()
    await expect(remote.backend.load('other', never)).rejects.toEqual(code('unavailable'))
    await expect(ask(model, hello)).rejects.toThrow(/attic.*ECONNREFUSED/)
    await expect(ask(model, hello)).rejects.toEqual(code('unavailable'))
  })
})

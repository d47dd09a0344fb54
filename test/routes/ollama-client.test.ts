import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Ollama } from 'ollama'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { EngineError } from '../../engine/errors.ts'
import type { Health } from '../../engine/routes/health.ts'
import { startApp, type TestApp } from '../support/app.ts'
import { pngBytes } from '../support/chat-app.ts'
import { content } from '../support/download-folder.ts'
import { FileServer } from '../support/file-server.ts'
import { ScriptedLanguage, type Step } from '../support/scripted-language.ts'
import { until } from '../support/wait.ts'

const call = { id: 'call_a', name: 'weather', arguments: { city: 'Bern' } }
const tool = {
  type: 'function',
  function: { name: 'weather', parameters: { type: 'object', properties: { city: { type: 'string' } } } },
}
const messages = [{ role: 'user', content: 'one two three' }]

/** Says a word and then nothing more, until it is left. */
function* hang(): Generator<Step> {
  yield 'well'
  yield { until: new Promise(() => undefined) }
}

const language = new ScriptedLanguage([
  { name: 'm', aliases: ['qwen2.5:1.5b'] },
  { name: 'caller', script: ({ tools = [] }) => (tools.length > 0 ? [{ call }] : ['no tools']) },
  { name: 'breaker', script: () => ['a', { fail: new EngineError('unavailable', 'the host died') }] },
  { name: 'hanger', script: hang },
])
const state = mkdtempSync(join(tmpdir(), 'hailstream-chat-'))
let mirror: FileServer
let engine: TestApp
let ollama: Ollama
beforeAll(async () => {
  process.env.HAILSTREAM_STATE = state
  mirror = await FileServer.start(content)
  engine = await startApp({ 'models.mirror': mirror.url }, { language })
  ollama = new Ollama({ host: engine.url })
})
afterAll(async () => {
  await engine[Symbol.asyncDispose]()
  await mirror[Symbol.asyncDispose]()
  rmSync(state, { recursive: true })
})

const health = async () => (await (await fetch(`${engine.url}/api/health`)).json()) as Health

describe('the stock npm client of Ollama', () => {
  it('chats, whole and as a stream', async () => {
    const whole = await ollama.chat({ model: 'm', messages, keep_alive: '5m', options: { temperature: 0 } })
    expect(whole).toMatchObject({ message: { role: 'assistant', content: 'one two three' }, done_reason: 'stop' })
    expect(
      whole.total_duration * whole.load_duration * whole.prompt_eval_duration * whole.eval_duration,
    ).toBeGreaterThan(0)
    const pieces: string[] = []
    for await (const { message } of await ollama.chat({ model: 'qwen2.5:1.5b', messages, stream: true }))
      pieces.push(message.content)
    expect(pieces).toEqual(['one', ' two', ' three', ''])
  })

  it('generates, goes on from a context, loads and unloads', async () => {
    const first = await ollama.generate({ model: 'm', prompt: 'one two' })
    const second = await ollama.generate({ model: 'm', prompt: 'three', context: first.context })
    expect([first.response, second.response]).toEqual(['one two', 'three'])
    expect(language.requests.at(-1)?.input).toMatchObject({ messages: [{}, {}, { content: 'three' }] })
    expect((await ollama.generate({ model: 'm', prompt: '', keep_alive: 0 })).done_reason).toBe('unload')
    expect((await ollama.ps()).models).toEqual([])
    expect((await ollama.generate({ model: 'm', prompt: '' })).done_reason).toBe('load')
  })

  it('shows a picture, and gets tools called', async () => {
    await ollama.chat({
      model: 'm',
      messages: [{ role: 'user', content: 'what?', images: [new Uint8Array(pngBytes)] }],
    })
    expect(language.requests.at(-1)?.input).toMatchObject({ messages: [{ images: [pngBytes] }] })
    const { message } = await ollama.chat({ model: 'caller', messages, tools: [tool] })
    expect(message.tool_calls).toMatchObject([{ function: { name: 'weather', arguments: { city: 'Bern' } } }])
    const after = [...messages, message, { role: 'tool', content: '21 °C', tool_name: 'weather' }]
    expect((await ollama.chat({ model: 'caller', messages: after })).message.content).toBe('no tools')
    expect(language.requests.at(-1)?.input).toMatchObject({
      messages: [{}, { toolCalls: [call] }, { role: 'tool', toolCallId: 'call_a', toolName: 'weather' }],
    })
  })

  it('embeds, lists, shows, and tells the version', async () => {
    expect((await ollama.embed({ model: 'm', input: ['a', 'b'] })).embeddings).toHaveLength(2)
    expect((await ollama.embeddings({ model: 'm', prompt: 'a' })).embedding).toHaveLength(3)
    const { models } = await ollama.list()
    expect(models.map(({ name }) => name)).toEqual(['m', 'caller', 'breaker', 'hanger'])
    expect(await ollama.show({ model: 'm' })).toMatchObject({
      capabilities: expect.arrayContaining(['completion', 'tools']),
    })
    const [loaded] = (await ollama.ps()).models
    expect(loaded).toMatchObject({ name: 'm', digest: 'ab'.repeat(32), size: 1_300_000_000 })
    expect(await ollama.version()).toEqual({ version: '0.0.0-test' })
  })

  it('copies and deletes', async () => {
    await ollama.copy({ source: 'm', destination: 'mine' })
    expect((await ollama.list()).models.at(-1)).toMatchObject({ name: 'mine', digest: 'ab'.repeat(32) })
    expect((await ollama.chat({ model: 'mine:latest', messages })).model).toBe('mine:latest')
    await ollama.delete({ model: 'mine' })
    await expect(ollama.chat({ model: 'mine', messages })).rejects.toMatchObject({
      status_code: 404,
      message: expect.stringContaining("model 'mine' not found"),
    })
    await expect(ollama.delete({ model: 'mine' })).rejects.toMatchObject({ status_code: 404 })
  })

  it('pulls a model and sees how far it is', async () => {
    const steps: object[] = []
    for await (const step of await ollama.pull({ model: 'smollm2:360m', stream: true })) steps.push(step)
    expect(steps[0]).toEqual({ status: 'pulling manifest' })
    expect(steps.at(-2)).toMatchObject({ completed: content.length, total: content.length })
    expect(steps.at(-1)).toEqual({ status: 'success' })
    expect(mirror.requests.map(({ path }) => path)).toEqual(['/smollm2-360m-instruct-q8_0.gguf'])
    expect(await ollama.pull({ model: 'smollm2:360m' })).toEqual({ status: 'success' })
    await ollama.delete({ model: 'smollm2:360m' })
    await expect(ollama.pull({ model: 'nobody-knows-it' })).rejects.toMatchObject({ status_code: 404 })
  })

  it('hears of failures: before the answer by status, within it by a line', async () => {
    await expect(ollama.chat({ model: 'x', messages })).rejects.toMatchObject({ status_code: 404 })
    await expect(ollama.chat({ model: 'breaker', messages })).rejects.toMatchObject({ status_code: 503 })
    const stream = await ollama.chat({ model: 'breaker', messages, stream: true })
    const heard: string[] = []
    await expect(async () => {
      for await (const { message } of stream) heard.push(message.content)
    }).rejects.toThrow('the host died')
    expect(heard).toEqual(['a'])
  })

  it('O3, O4: hears the lists and health while a model generates, and stops it by leaving', async () => {
    const before = language.aborted
    const stream = await ollama.chat({ model: 'hanger', messages, stream: true })
    for await (const { message } of stream) {
      expect(message.content).toBe('well')
      break
    }
    expect(language.running).toBe(1)
    expect((await ollama.ps()).models.map(({ name }) => name)).toContain('hanger')
    expect((await ollama.list()).models).toHaveLength(4)
    expect((await health()).status).toBe('ok')
    expect(language.running).toBe(1)
    stream.abort()
    await until('the end of the generation', () => language.running === 0)
    expect(language.aborted).toBe(before + 1)
  })

  it('O4: a client that hangs up before the first token, and without a stream, stops the work too', async () => {
    for (const stream of [true, false]) {
      const before = language.aborted
      const hangUp = new AbortController()
      const body = JSON.stringify({ model: 'hanger', stream, messages })
      const options = { method: 'POST', body, signal: hangUp.signal }
      const answer = fetch(`${engine.url}/api/chat`, options).then((response) => response.text())
      await until('its start', () => language.running === 1)
      hangUp.abort()
      await expect(answer).rejects.toThrow()
      await until('the end of the generation', () => language.running === 0)
      expect(language.aborted).toBe(before + 1)
    }
  })
})

describe('compat.ollama', () => {
  it('is a problem in health, and no failure, where the port is taken', async () => {
    const holder = createServer()
    await new Promise<void>((resolve) => {
      // Taken by another one is taken as well.
      holder.once('error', () => resolve())
      holder.listen(11434, '127.0.0.1', resolve)
    })
    try {
      await using second = await startApp({ 'compat.ollama': true }, { language })
      const { status, problems } = (await (await fetch(`${second.url}/api/health`)).json()) as Health
      expect([status, problems]).toEqual([
        'degraded',
        [
          {
            name: 'port',
            detail: expect.stringContaining('port 11434 of 127.0.0.1 is taken'),
            since: expect.any(Number),
          },
        ],
      ])
      expect((await new Ollama({ host: second.url }).list()).models).toHaveLength(4)
    } finally {
      holder.close()
    }
  })
})

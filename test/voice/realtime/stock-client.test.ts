import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import OpenAI from 'openai'
import { OpenAIRealtimeWS } from 'openai/realtime/ws'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { startApp, type TestApp } from '../../support/app.ts'
import type { Received } from '../../support/realtime-client.ts'
import { msPerLetter, VoiceStages } from '../../support/voice-stages.ts'
import { until } from '../../support/wait.ts'

const stages = new VoiceStages()
let state: string
let before: string | undefined
let engine: TestApp
beforeAll(async () => {
  state = mkdtempSync(join(tmpdir(), 'hailstream-stock-'))
  before = process.env.HAILSTREAM_STATE
  process.env.HAILSTREAM_STATE = state
  const { speech, language } = stages
  engine = await startApp({ 'listen.tls': { selfSigned: true, port: 0 } }, { speech, language })
})
afterAll(async () => {
  await engine[Symbol.asyncDispose]()
  if (before === undefined) delete process.env.HAILSTREAM_STATE
  else process.env.HAILSTREAM_STATE = before
  rmSync(state, { recursive: true })
})

let client: OpenAIRealtimeWS
let heard: Received[]
let errors: unknown[]
/** It makes wss of any address, and trusts the engine's certificate and no other. */
beforeEach(async () => {
  const openai = new OpenAI({ baseURL: `${engine.secureUrl}/v1`, apiKey: 'any' })
  const ca = readFileSync(join(state, 'certificate.pem'))
  client = new OpenAIRealtimeWS({ model: 'gpt-realtime', options: { ca } }, openai)
  heard = []
  errors = []
  client.on('event', (event) => heard.push(event as unknown as Received))
  client.on('error', (error) => errors.push(error))
  await next('session.created')
})
afterEach(() => {
  expect(errors).toEqual([])
  client.close()
})

/** The `count`th of this type, once it is there. */
function next(type: string, count = 1): Promise<Received> {
  return until(type, () => heard.filter((event) => event.type === type)[count - 1], 30_000)
}

function say(text: string): void {
  const content = [{ type: 'input_text' as const, text }]
  client.send({ type: 'conversation.item.create', item: { type: 'message', role: 'user', content } })
}

describe("P1: the stock npm client of OpenAI over TLS, with the engine's own certificate", () => {
  it('is served beside clients of the plain port', async () => {
    expect(client.url.protocol).toBe('wss:')
    expect((await fetch(`${engine.url}/api/health`)).status).toBe(200)
  })

  it('completes a turn of text', async () => {
    client.send({ type: 'session.update', session: { type: 'realtime', output_modalities: ['text'] } })
    say('Hello?')
    client.send({ type: 'response.create' })
    expect((await next('response.output_text.done')).text).toBe('Hello there. ')
    expect((await next('response.done')).response).toMatchObject({ status: 'completed', output_modalities: ['text'] })
  })

  it('completes a turn of sound', async () => {
    stages.transcripts.push('Good morning.')
    const input = { transcription: { model: 'whisper-1' } }
    client.send({ type: 'session.update', session: { type: 'realtime', audio: { input } } })
    const second = (value: number) => Buffer.from(new Int16Array(24_000).fill(value).buffer).toString('base64')
    client.send({ type: 'input_audio_buffer.append', audio: second(8000) })
    client.send({ type: 'input_audio_buffer.append', audio: second(0) })
    expect((await next('conversation.item.input_audio_transcription.completed')).transcript).toBe('Good morning.')
    expect((await next('response.done')).response).toMatchObject({ status: 'completed' })
    const sound = heard.filter(({ type }) => type === 'response.output_audio.delta')
    const bytes = sound.reduce((sum, { delta }) => sum + Buffer.from(String(delta), 'base64').length, 0)
    expect(bytes).toBe('Hello there.'.length * msPerLetter * 24 * 2)
  })

  it('completes a turn with a call of its tool', async () => {
    stages.answers = [[{ id: 'call_1', name: 'weather', arguments: { city: 'Rome' } }], ['It is warm. ']]
    const tool = { type: 'function', name: 'weather', parameters: { type: 'object', properties: {} } } as const
    client.send({ type: 'session.update', session: { type: 'realtime', tools: [tool] } })
    say('Is it warm in Rome?')
    client.send({ type: 'response.create' })
    const call = await next('response.function_call_arguments.done')
    expect([call.call_id, call.name, call.arguments]).toEqual(['call_1', 'weather', '{"city":"Rome"}'])
    await next('response.done')
    const output = { type: 'function_call_output', call_id: 'call_1', output: '30 degrees' } as const
    client.send({ type: 'conversation.item.create', item: output })
    client.send({ type: 'response.create' })
    expect((await next('response.output_audio_transcript.done')).transcript).toBe('It is warm. ')
    expect((await next('response.done', 2)).response).toMatchObject({ status: 'completed' })
    expect(stages.requests.at(-1)?.input).toMatchObject({
      messages: [{ role: 'system' }, { role: 'user' }, { role: 'assistant' }, { role: 'tool', content: '30 degrees' }],
    })
  })
})

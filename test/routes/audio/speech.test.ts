import OpenAI from 'openai'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { EngineError } from '../../../engine/errors.ts'
import { tone } from '../../support/scripted-speech.ts'
import { decodeSound, loudest } from '../../support/sounds.ts'
import { type SpeechServer, startSpeechServer } from '../../support/speech-server.ts'
import { until } from '../../support/wait.ts'

let server: SpeechServer
let client: OpenAI
beforeEach(async () => {
  server = await startSpeechServer()
  client = new OpenAI({ baseURL: `${server.url}/v1`, apiKey: 'none', maxRetries: 0 })
})
afterEach(() => server[Symbol.asyncDispose]())

const ask = (more: Partial<OpenAI.Audio.SpeechCreateParams> = {}) =>
  client.audio.speech.create({ model: 'tts-1', voice: 'alloy', input: 'Good evening.', ...more })
const bytesOf = async (response: Response) => new Uint8Array(await response.arrayBuffer())
const post = (body: unknown) =>
  fetch(`${server.url}/v1/audio/speech`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  })
const formats = {
  mp3: 'audio/mpeg',
  opus: 'audio/opus',
  aac: 'audio/aac',
  flac: 'audio/flac',
  wav: 'audio/wav',
  pcm: 'audio/pcm',
} as const
type Format = keyof typeof formats
const names = Object.keys(formats) as Format[]
/** Raw samples need to be told what they are. */
const inputOf = (format: Format) => (format === 'pcm' ? ['-f', 's16le', '-ar', '24000', '-ac', '1'] : [])

/** Lets chunks through one by one. */
function gateChunks() {
  let allowed = 0
  server.speech.gate = (at) => until(`leave for chunk ${at}`, () => allowed > at).then(() => undefined)
  return () => allowed++
}

describe('S2: POST /v1/audio/speech, asked by the stock client', () => {
  it.each(names)('answers %s that a real decoder hears as the sound that was made', async (response_format) => {
    const response = await ask({ response_format })
    expect(response.headers.get('content-type')).toBe(formats[response_format])
    expect(response.headers.get('hailstream-voice')).toBe('scripted-en')
    const heard = await decodeSound(await bytesOf(response), 22_050, inputOf(response_format))
    expect(Math.abs(heard.length / 22_050 - 1)).toBeLessThan(0.12) // frames are padded
    expect(loudest(heard, 22_050, [220, 330, 404, 440, 479, 660, 880])).toBe(440)
    const peak = heard.reduce((most, sample) => Math.max(most, Math.abs(sample)), 0)
    expect(peak).toBeGreaterThan(0.4)
    expect(peak).toBeLessThan(0.6)
  })

  it('answers mp3 when no format is asked for', async () => {
    expect((await post({ input: 'hello' })).headers.get('content-type')).toBe('audio/mpeg')
  })

  it.each(names)('sends the first bytes of %s before the synthesis has ended', async (response_format) => {
    // Long enough a chunk for every codec to fill a frame and a page.
    server.speech.sound = { sampleRate: 22_050, chunks: [tone(440, 22_050, 2), tone(440, 22_050, 2)] }
    const allow = gateChunks()
    allow()
    const response = await ask({ response_format })
    const reader = (response.body as ReadableStream<Uint8Array>).getReader()
    let before = 0
    // The head of a file is no sound yet.
    while (before < 500) before += (await reader.read()).value?.length ?? 0
    expect(server.speech.chunksGiven).toBe(1)
    allow()
    let after = 0
    for (let part = await reader.read(); !part.done; part = await reader.read()) after += part.value.length
    expect(after).toBeGreaterThan(500)
    expect(server.speech.chunksGiven).toBe(2)
  })

  it('hands the speed to the voice', async () => {
    await (await ask({ speed: 1.5 })).arrayBuffer()
    await (await ask({ speed: 1 })).arrayBuffer()
    expect(server.speech.spoken).toEqual([
      { text: 'Good evening.', options: { speed: 1.5 } },
      { text: 'Good evening.', options: {} },
    ])
  })

  it('streams the sound as events, which together are the sound', async () => {
    const response = await ask({ response_format: 'wav', stream_format: 'sse' })
    expect(response.headers.get('content-type')).toContain('text/event-stream')
    const events = (await response.text())
      .split('\n\n')
      .filter((event) => event !== '')
      .map((event) => JSON.parse(event.replace(/^data: /, '')) as { type: string; audio?: string })
    expect(events.at(-1)).toEqual({
      type: 'speech.audio.done',
      usage: { input_tokens: 0, output_tokens: 0, total_tokens: 0 },
    })
    const parts = events.slice(0, -1)
    expect(new Set(parts.map(({ type }) => type))).toEqual(new Set(['speech.audio.delta']))
    const sound = Buffer.concat(parts.map(({ audio = '' }) => Buffer.from(audio, 'base64')))
    expect(sound.length).toBe(44 + 22_050 * 2)
    expect(loudest(await decodeSound(sound, 22_050), 22_050, [220, 440, 880])).toBe(440)
  })
})

describe('POST /v1/audio/speech', () => {
  it('chooses the voice by its name, by its id, by its backend, or by itself as the model', async () => {
    const wav = { input: 'x', response_format: 'wav' }
    for (const more of [
      { voice: 'tone-de' },
      { voice: { id: 'tone-de' } },
      { model: 'tones', voice: 'alloy' },
      { model: 'tone-de' },
      { model: 'tts-1' },
    ])
      await (await post({ ...wav, ...more })).arrayBuffer()
    const voices = server.speech.spoken.map(({ options }) => options.voice)
    expect(voices).toEqual(['tone-de', 'tone-de', 'tone-de', 'tone-de', undefined])
  })

  it.each([
    [400, 'input', {}],
    [400, 'input', { input: '' }],
    [400, 'input', { input: '  ' }],
    [400, 'input', { input: 'x'.repeat(4097) }],
    [400, 'speed', { input: 'x', speed: 5 }],
    [400, 'speed', { input: 'x', speed: '1' }],
    [400, 'response_format', { input: 'x', response_format: 'midi' }],
    [400, 'stream_format', { input: 'x', stream_format: 'rtp' }],
    [400, 'instructions', { input: 'x', instructions: 'whisper' }],
    [400, 'voice', { input: 'x', model: 'tones', voice: 'scripted-en' }],
    [400, 'volume', { input: 'x', volume: 2 }],
    [400, null, 'no json'],
    [404, 'voice', { input: 'x', voice: 'nobody' }],
    [404, 'model', { input: 'x', model: 'no-such-model' }],
  ])('answers %i, naming %s, to %o', async (status, param, body) => {
    const response = await post(body)
    expect(response.status).toBe(status)
    const type = status === 404 ? 'not_found_error' : 'invalid_request_error'
    expect(await response.json()).toMatchObject({ error: { message: expect.stringMatching(/./), type, param } })
    expect(server.speech.loops.begun).toBe(0)
  })

  it('answers 405 to another method, with the error body of OpenAI', async () => {
    for (const path of ['speech', 'transcriptions', 'translations']) {
      const response = await fetch(`${server.url}/v1/audio/${path}`)
      expect([response.status, response.headers.get('allow')]).toEqual([405, 'POST'])
      expect(await response.json()).toMatchObject({ error: { type: 'invalid_request_error', param: null } })
    }
  })

  it.each(['wav', 'mp3'])('answers 503 when the voice fails before its first sound, as %s', async (response_format) => {
    server.speech.failure = { at: 0, error: new EngineError('unavailable', 'The speech host died') }
    const response = await post({ input: 'x', response_format })
    expect(response.status).toBe(503)
    expect(await response.json()).toMatchObject({ error: { type: 'api_error', message: 'The speech host died' } })
  })

  it('cuts the sound short when the voice fails in the middle', async () => {
    server.speech.failure = { at: 1, error: new EngineError('unavailable', 'The speech host died') }
    const allow = gateChunks()
    allow()
    const response = await post({ input: 'x', response_format: 'pcm' })
    allow()
    await expect(response.arrayBuffer()).rejects.toThrow()
  })

  it('tells a failure in the middle of events as an event', async () => {
    server.speech.failure = { at: 1, error: new EngineError('unavailable', 'The speech host died') }
    const response = await post({ input: 'x', response_format: 'pcm', stream_format: 'sse' })
    expect(await response.text()).toMatch(/speech\.audio\.delta.*\n\ndata: {"error":{"message":"The speech host died"/s)
  })

  it.each(names)('stops speaking %s for a client that hangs up', async (response_format) => {
    server.speech.sound = { sampleRate: 22_050, chunks: [tone(440, 22_050, 2), tone(440, 22_050, 2)] }
    const allow = gateChunks()
    allow()
    const leaving = new AbortController()
    const body = JSON.stringify({ input: 'x', response_format })
    const { signal } = leaving
    const response = await fetch(`${server.url}/v1/audio/speech`, { method: 'POST', body, signal })
    await (response.body as ReadableStream<Uint8Array>).getReader().read()
    leaving.abort()
    await until('the end of speech', () => server.speech.loops.ended === 1)
    expect(server.speech.chunksGiven).toBe(1)
  })
})

import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { tone } from '../support/scripted-speech.ts'
import { decodeSound, loudest, wavOf } from '../support/sounds.ts'
import { type SpeechServer, startSpeechServer } from '../support/speech-server.ts'
import { until } from '../support/wait.ts'

let server: SpeechServer
beforeEach(async () => {
  server = await startSpeechServer()
})
afterEach(() => server[Symbol.asyncDispose]())

const sound = new Blob([new Uint8Array(wavOf(tone(440, 16_000, 1.5), 16_000))])
function transcribe(fields: Readonly<Record<string, string | Blob>>, signal?: AbortSignal) {
  const body = new FormData()
  for (const [name, value] of Object.entries(fields))
    body.append(name, value, ...(value instanceof Blob ? ['speech.wav'] : []))
  return fetch(`${server.url}/api/transcribe`, { method: 'POST', body, ...(signal ? { signal } : {}) })
}
const speak = (body: unknown) =>
  fetch(`${server.url}/api/speak`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  })

describe('S3: POST /api/transcribe', () => {
  it('answers the text, its language and the seconds of a form with audio', async () => {
    const response = await transcribe({ audio: sound })
    expect(await response.json()).toEqual({ text: 'and so my fellow Americans', language: 'en', duration: 1.5 })
  })

  it('hands the language on', async () => {
    await transcribe({ audio: sound, language: 'de' })
    expect(server.speech.heard[0]?.options).toEqual({ language: 'de' })
  })

  it.each([
    ['a form without audio', 'field audio', () => transcribe({ language: 'en' })],
    ['the audio in another field', 'field audio', () => transcribe({ file: sound })],
    ['an empty file', '0 bytes', () => transcribe({ audio: new Blob([]) })],
    ['what is no audio', 'decode', () => transcribe({ audio: new Blob(['words']) })],
    ['a field that means nothing', 'mood', () => transcribe({ audio: sound, mood: 'calm' })],
  ])('answers 400 to %s, with the error body of the house', async (_, told, ask) => {
    const response = await ask()
    expect(response.status).toBe(400)
    expect(await response.json()).toEqual({ error: 'invalid', detail: expect.stringContaining(told) })
  })

  it('answers 415 to a body that is no form, and 405 to GET', async () => {
    const raw = await fetch(`${server.url}/api/transcribe`, { method: 'POST', body: 'words' })
    expect([raw.status, await raw.json()]).toEqual([415, { error: 'invalid', detail: expect.any(String) }])
    expect((await fetch(`${server.url}/api/transcribe`)).status).toBe(405)
  })

  it('stops for a client that hangs up', async () => {
    server.speech.gate = () => new Promise(() => undefined)
    const leaving = new AbortController()
    const asking = transcribe({ audio: sound }, leaving.signal)
    asking.catch(() => undefined)
    await until('the recogniser', () => server.speech.loops.begun === 1)
    leaving.abort()
    await until('its end', () => server.speech.loops.ended === 1)
  })
})

describe('S3: POST /api/speak', () => {
  it('answers a whole WAV file of the text, in the voice that was asked for', async () => {
    const response = await speak({ text: 'Good evening.', voice: 'tone-de' })
    expect(response.headers.get('content-type')).toBe('audio/wav')
    const bytes = Buffer.from(await response.arrayBuffer())
    expect(response.headers.get('content-length')).toBe(String(bytes.length))
    expect(bytes.readUInt32LE(40)).toBe(bytes.length - 44)
    const heard = await decodeSound(bytes, 22_050)
    expect(heard.length).toBe(22_050)
    expect(loudest(heard, 22_050, [220, 440, 880])).toBe(440)
    expect(server.speech.spoken).toEqual([{ text: 'Good evening.', options: { voice: 'tone-de' } }])
  })

  it.each([
    [400, {}],
    [400, { text: '' }],
    [400, { text: 'x'.repeat(5001) }],
    [400, { text: 'x', pitch: 2 }],
    [400, 'no json'],
    [404, { text: 'x', voice: 'nobody' }],
  ])('answers %i to %o', async (status, body) => {
    const response = await speak(body)
    expect(response.status).toBe(status)
    expect(await response.json()).toEqual({
      error: status === 404 ? 'not-found' : 'invalid',
      detail: expect.any(String),
    })
  })
})

it('GET /api/voices lists every voice with its state', async () => {
  const voices = await (await fetch(`${server.url}/api/voices`)).json()
  expect(voices).toMatchObject([
    {
      name: 'scripted-en',
      backend: 'scripted',
      language: 'en-US',
      state: 'available',
      sample_rate: 22_050,
      speakers: [],
    },
    { name: 'tone-de' },
  ])
})

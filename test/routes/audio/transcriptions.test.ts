import { createReadStream } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import OpenAI from 'openai'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { EngineError } from '../../../engine/errors.ts'
import { segment, tone } from '../../support/scripted-speech.ts'
import { containers, convertSound, wavOf } from '../../support/sounds.ts'
import { type SpeechServer, startSpeechServer } from '../../support/speech-server.ts'
import { until } from '../../support/wait.ts'

let server: SpeechServer
let client: OpenAI
let source: string
beforeEach(async () => {
  server = await startSpeechServer()
  client = new OpenAI({ baseURL: `${server.url}/v1`, apiKey: 'none', maxRetries: 0 })
  source = join(server.folder, 'speech.wav')
  await writeFile(source, wavOf(tone(440, 16_000, 12), 16_000))
})
afterEach(() => server[Symbol.asyncDispose]())

const text = 'and so my fellow Americans'
const file = () => createReadStream(source)

/** A form, sent to a path. */
async function send(fields: Readonly<Record<string, string | Blob>>, path = '/v1/audio/transcriptions') {
  const body = new FormData()
  for (const [name, value] of Object.entries(fields))
    body.append(name, value, ...(value instanceof Blob ? ['speech.wav'] : []))
  const response = await fetch(`${server.url}${path}`, { method: 'POST', body })
  return { status: response.status, headers: response.headers, text: await response.text() }
}
const blob = async () => new Blob([new Uint8Array(await readFile(source))])

describe('S1: POST /v1/audio/transcriptions, asked by the stock client', () => {
  it('answers json with the text and the seconds of the audio', async () => {
    const answer = await client.audio.transcriptions.create({ file: file(), model: 'whisper-1' })
    expect(answer).toEqual({ text, usage: { type: 'duration', seconds: 12 } })
  })

  it('answers text', async () => {
    const answer = await client.audio.transcriptions.create({
      file: file(),
      model: 'whisper-1',
      response_format: 'text',
    })
    expect(answer).toBe(`${text}\n`)
  })

  it('answers srt', async () => {
    const answer = await client.audio.transcriptions.create({
      file: file(),
      model: 'whisper-1',
      response_format: 'srt',
    })
    expect(answer).toBe(
      '1\n00:00:00,350 --> 00:00:02,200\nand so my fellow\n\n2\n00:00:03,300 --> 00:00:04,400\nAmericans\n\n',
    )
  })

  it('answers vtt', async () => {
    const answer = await client.audio.transcriptions.create({
      file: file(),
      model: 'whisper-1',
      response_format: 'vtt',
    })
    expect(answer).toBe(
      'WEBVTT\n\n00:00:00.350 --> 00:00:02.200\nand so my fellow\n\n00:00:03.300 --> 00:00:04.400\nAmericans\n\n',
    )
  })

  it('answers verbose_json with the times of segments and words', async () => {
    const answer = await client.audio.transcriptions.create({
      ...{ file: file(), model: 'scripted-ears', response_format: 'verbose_json', language: 'en' },
      timestamp_granularities: ['word', 'segment'],
    })
    expect(answer).toMatchObject({ task: 'transcribe', language: 'english', duration: 12, text })
    expect(answer.segments).toMatchObject([
      { id: 0, seek: 35, start: 0.35, end: 2.2, text: 'and so my fellow', temperature: 0, tokens: [] },
      { id: 1, seek: 330, start: 3.3, end: 4.4, text: 'Americans' },
    ])
    expect(answer.segments?.[0]?.compression_ratio).toBeGreaterThan(0.5)
    expect(answer.words?.map(({ word }) => word)).toEqual(text.split(' '))
    expect(answer.words?.at(-1)).toEqual({ word: 'Americans', start: 3.3, end: 4.4 })
  })

  it('answers with segments alone, or words alone, as asked', async () => {
    const ask = (timestamp_granularities?: ('word' | 'segment')[]) =>
      client.audio.transcriptions.create({
        ...{ file: file(), model: 'whisper-1', response_format: 'verbose_json' as const },
        ...(timestamp_granularities === undefined ? {} : { timestamp_granularities }),
      })
    expect(Object.keys(await ask())).toEqual(['task', 'language', 'duration', 'text', 'segments', 'usage'])
    expect(Object.keys(await ask(['word']))).toEqual(['task', 'language', 'duration', 'text', 'words', 'usage'])
  })

  it('streams what was said as events while the rest is being recognised', async () => {
    let open: () => void = () => undefined
    const opened = new Promise<void>((resolve) => {
      open = resolve
    })
    server.speech.gate = (at) => (at === 1 ? opened : Promise.resolve())
    const events = await client.audio.transcriptions.create({ file: file(), model: 'whisper-1', stream: true })
    const heard: unknown[] = []
    for await (const event of events) {
      heard.push(event)
      open() // the second segment is said only once the first was heard
    }
    expect(heard).toEqual([
      { type: 'transcript.text.delta', delta: 'and so my fellow' },
      { type: 'transcript.text.delta', delta: ' Americans' },
      { type: 'transcript.text.done', text, usage: { type: 'duration', seconds: 12 } },
    ])
  })

  it.each(Object.keys(containers) as (keyof typeof containers)[])('hears all of 12 s of %s', async (container) => {
    const made = await convertSound(source, container, server.folder)
    const answer = await client.audio.transcriptions.create({ file: createReadStream(made), model: 'whisper-1' })
    expect(answer.text).toBe(text)
    const [heard] = server.speech.heard
    expect(Math.abs((heard?.samples.length ?? 0) / 16_000 - 12)).toBeLessThan(0.12)
  })

  it('hands language and prompt to the recogniser, and takes the temperature that it has', async () => {
    await client.audio.transcriptions.create({
      ...{ file: file(), model: 'whisper-1', language: 'de', prompt: 'hailstream', temperature: 0 },
    })
    expect(server.speech.heard[0]?.options).toEqual({ language: 'de', prompt: 'hailstream' })
  })

  it('takes the cutting at silences that it does anyway, and refuses other thresholds', async () => {
    const ask = (chunking_strategy: OpenAI.Audio.TranscriptionCreateParams.VadConfig | 'auto') =>
      client.audio.transcriptions.create({
        file: file(),
        model: 'whisper-1',
        response_format: 'json',
        chunking_strategy,
      })
    for (const taken of ['auto', { type: 'server_vad' }] as const) expect((await ask(taken)).text).toBe(text)
    await expect(ask({ type: 'server_vad', threshold: 0.2 })).rejects.toMatchObject({
      ...{ status: 400, param: 'chunking_strategy' },
    })
  })

  it('translates where the recogniser can, and refuses where it cannot', async () => {
    const ask = () =>
      client.audio.translations.create({ file: file(), model: 'whisper-1', response_format: 'verbose_json' })
    await expect(ask()).rejects.toMatchObject({ status: 400, message: expect.stringContaining('translates') })
    server.speech.translates = true
    expect(await ask()).toMatchObject({ task: 'translate', text })
    expect(server.speech.heard).toMatchObject([{ options: { translate: true } }])
  })
})

describe('POST /v1/audio/transcriptions', () => {
  it.each([
    ['temperature', { temperature: '0.7' }],
    ['temperature', { temperature: 'warm' }],
    ['response_format', { response_format: 'diarized_json' }],
    ['response_format', { response_format: 'srt', stream: 'true' }],
    ['timestamp_granularities', { 'timestamp_granularities[]': 'word' }],
    ['timestamp_granularities', { 'timestamp_granularities[]': 'letter', response_format: 'verbose_json' }],
    ['include', { 'include[]': 'logprobs' }],
    ['chunking_strategy', { chunking_strategy: '{"type":"server_vad","threshold":0.2}' }],
    ['language', { language: 'tlh' }],
    ['best_of', { best_of: '5' }],
  ])('refuses what it cannot honour: %s of %o', async (param, fields) => {
    const { status, text: body } = await send({ file: await blob(), model: 'whisper-1', ...fields })
    expect(status).toBe(400)
    expect(JSON.parse(body)).toMatchObject({
      error: { type: 'invalid_request_error', param, code: expect.any(String) },
    })
    expect(server.speech.heard).toEqual([])
  })

  it.each([
    [400, 'no file', async () => send({ model: 'whisper-1' })],
    [400, 'an empty file', async () => send({ file: new Blob([]) })],
    [400, 'a file in another field', async () => send({ audio: await blob() })],
    [400, 'what is no audio', async () => send({ file: new Blob(['words']) })],
    [404, 'a model that is not here', async () => send({ file: await blob(), model: 'whisper-9' })],
  ])('answers %i to %s, with the error body of OpenAI', async (expected, _, ask) => {
    const { status, text: body } = await ask()
    expect(status).toBe(expected)
    const type = expected === 404 ? 'not_found_error' : 'invalid_request_error'
    expect(JSON.parse(body)).toMatchObject({ error: { message: expect.stringMatching(/./), type } })
  })

  it('answers 413 to a file that is too large, with the error body of OpenAI', async () => {
    const { port } = new URL(server.url)
    const socket = connect(Number(port), '127.0.0.1').on('error', () => undefined)
    let heard = ''
    socket.on('data', (chunk) => {
      heard += chunk
    })
    const type = 'multipart/form-data; boundary=x'
    socket.write(
      `POST /v1/audio/transcriptions HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: ${type}\r\ncontent-length: 200000000\r\n\r\n--x`,
    )
    await until('an answer', () => heard.includes('}}'))
    socket.destroy()
    expect(heard).toMatch(/^HTTP\/1.1 413 /)
    expect(JSON.parse(heard.slice(heard.indexOf('\r\n\r\n')))).toMatchObject({
      error: { type: 'invalid_request_error', code: 'too-large' },
    })
  })

  it('answers 415 to a body that is no form', async () => {
    const headers = { 'content-type': 'application/json' }
    const response = await fetch(`${server.url}/v1/audio/transcriptions`, { method: 'POST', headers, body: '{}' })
    expect(response.status).toBe(415)
    expect(await response.json()).toMatchObject({ error: { message: expect.stringContaining('multipart/form-data') } })
  })

  it('says with 503 what to pull when there is no recogniser', async () => {
    server.speech.available = false
    const { status, headers, text: body } = await send({ file: await blob() })
    expect([status, headers.get('retry-after')]).toEqual([503, '1'])
    expect(JSON.parse(body)).toMatchObject({
      error: { type: 'api_error', message: expect.stringContaining('models pull') },
    })
  })

  it('refuses word times of a recogniser that tells none', async () => {
    server.speech.segments = [{ ...segment('hello', 0, 1), words: [] }]
    const fields = { response_format: 'verbose_json', 'timestamp_granularities[]': 'word' }
    const { status, text: body } = await send({ file: await blob(), ...fields })
    expect(status).toBe(400)
    expect(body).toContain('when each word was said')
  })

  it('answers silence with an empty text, and no cue', async () => {
    server.speech.segments = []
    expect(JSON.parse((await send({ file: await blob() })).text)).toMatchObject({ text: '' })
    expect((await send({ file: await blob(), response_format: 'srt' })).text).toBe('')
    expect((await send({ file: await blob(), response_format: 'vtt' })).text).toBe('WEBVTT\n\n')
  })

  it('tells a failure in the middle of a stream as an event, which the stock client throws', async () => {
    server.speech.failure = { at: 1, error: new EngineError('unavailable', 'The speech host died') }
    const events = await client.audio.transcriptions.create({ file: file(), model: 'whisper-1', stream: true })
    const read = async () => {
      for await (const event of events) expect(event.type).toBe('transcript.text.delta')
    }
    await expect(read()).rejects.toThrow('The speech host died')
  })

  it.each(['json', 'events'])('stops recognising for a client that hangs up on %s', async (kind) => {
    server.speech.gate = (at) => (at === 1 ? new Promise(() => undefined) : Promise.resolve())
    const leaving = new AbortController()
    const body = new FormData()
    body.append('file', await blob(), 'speech.wav')
    if (kind === 'events') body.append('stream', 'true')
    const { signal } = leaving
    const asking = fetch(`${server.url}/v1/audio/transcriptions`, { method: 'POST', body, signal })
    asking.catch(() => undefined)
    await until('the first segment', () => server.speech.chunksGiven === 1)
    leaving.abort()
    await until('the end of recognition', () => server.speech.loops.ended === 1)
  })
})

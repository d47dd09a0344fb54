import { createReadStream, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Ollama } from 'ollama'
import OpenAI from 'openai'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startApp, type TestApp } from './support/app.ts'
import { hasTestData, testData } from './support/data.ts'
import { convertSound, decodeSound } from './support/sounds.ts'
import { wordErrorRate } from './support/speech.ts'
import { until } from './support/wait.ts'

/** The first answer loads the model, on a machine that may be busy with others. */
const timeout = 240_000

let state: string
let engine: TestApp
let ollama: Ollama
let openai: OpenAI
beforeAll(async () => {
  state = mkdtempSync(join(tmpdir(), 'hailstream-real-'))
  process.env.HAILSTREAM_STATE = state
  engine = await startApp({ 'models.paths': [testData('models')] })
  ollama = new Ollama({ host: engine.url })
  openai = new OpenAI({ baseURL: `${engine.url}/v1`, apiKey: 'unused', maxRetries: 0, timeout })
})
afterAll(async () => {
  await engine[Symbol.asyncDispose]()
  rmSync(state, { recursive: true })
})

const model = 'stories260K'
const messages = [{ role: 'user' as const, content: 'Once upon a time' }]
const readTruth = () => JSON.parse(readFileSync(testData('truth/text_speech_llm.json'), 'utf8'))

/** What an answer of a route says. */
async function askJson<T>(path: string, body?: unknown): Promise<T> {
  const headers = { 'content-type': 'application/json' }
  const request = body === undefined ? {} : { method: 'POST', headers, body: JSON.stringify(body) }
  return (await (await fetch(`${engine.url}${path}`, request)).json()) as T
}

describe.skipIf(!hasTestData)('the greedy text of a real model is the one that its makers published', () => {
  const truth = () => readTruth().llm['stories260K.gguf'] as { prompt: string; tokens: number; text: string }
  const sampling = { temperature: 0, num_predict: 60 }

  it('through Ollama, whole and as a stream', { timeout }, async () => {
    const { prompt, tokens, text } = truth()
    const whole = await ollama.generate({ model, prompt, raw: true, options: sampling })
    expect(whole).toMatchObject({ response: text, eval_count: tokens, done_reason: 'length' })
    let said = ''
    let counted = 0
    for await (const part of await ollama.generate({ model, prompt, raw: true, options: sampling, stream: true })) {
      said += part.response
      if (part.done) counted = part.eval_count
    }
    expect([said, counted]).toEqual([text, tokens])
  })

  it('through OpenAI, whole and as a stream', { timeout }, async () => {
    const { prompt, tokens, text } = truth()
    const asked = { model, prompt, temperature: 0, max_tokens: tokens }
    const whole = await openai.completions.create(asked)
    expect(whole.choices[0]).toMatchObject({ text, finish_reason: 'length' })
    expect(whole.usage).toMatchObject({ completion_tokens: tokens })
    let said = ''
    for await (const { choices } of await openai.completions.create({ ...asked, stream: true }))
      said += choices[0]?.text ?? ''
    expect(said).toBe(text)
  })

  it('through the queue of jobs', { timeout }, async () => {
    const { prompt, tokens, text } = truth()
    const asked = { model, prompt, raw: true, temperature: 0, max_tokens: tokens }
    const { job_id } = await askJson<{ job_id: string }>('/api/infer', asked)
    const job = await until(
      'the end of the job',
      async () => {
        const found = await askJson<{ status: string; result?: unknown }>(`/api/infer/${job_id}`)
        return found.status !== 'queued' && found.status !== 'running' && found
      },
      timeout,
    )
    expect(job).toMatchObject({ status: 'complete', result: text })
  })
})

describe.skipIf(!hasTestData)('stock clients with real models', () => {
  it('Ollama’s chats, streams, embeds, and sees what is loaded', { timeout }, async () => {
    const options = { temperature: 0, num_predict: 20 }
    const whole = await ollama.chat({ model, messages, options })
    expect(whole).toMatchObject({ done_reason: 'length', eval_count: 20 })
    const pieces: string[] = []
    for await (const { message } of await ollama.chat({ model, messages, options, stream: true }))
      pieces.push(message.content)
    expect(pieces.length).toBeGreaterThan(5)
    expect(pieces.join('')).toBe(whole.message.content)
    const { embeddings } = await ollama.embed({ model, input: ['a cat', 'a cat', 'the big red ball'] })
    expect(embeddings[0]).toEqual(embeddings[1])
    expect(embeddings[0]).not.toEqual(embeddings[2])
    for (const vector of embeddings) expect(Math.hypot(...vector)).toBeCloseTo(1, 4)
    expect((await ollama.ps()).models.map(({ name }) => name)).toEqual([model])
    expect((await ollama.list()).models).toContainEqual(expect.objectContaining({ name: model, loaded: true }))
  })

  it('OpenAI’s chats, streams with its usage, and embeds', { timeout }, async () => {
    const asked = { model, messages, temperature: 0, max_tokens: 20 }
    const whole = await openai.chat.completions.create(asked)
    const options = { stream: true, stream_options: { include_usage: true } } as const
    const runner = openai.chat.completions.stream({ ...asked, ...options })
    expect((await runner.finalMessage()).content).toBe(whole.choices[0]?.message.content)
    expect(await runner.totalUsage()).toMatchObject({ completion_tokens: 20 })
    const { data } = await openai.embeddings.create({ model, input: ['a cat', 'the big red ball'] })
    expect(data.map(({ embedding }) => Math.hypot(...embedding).toFixed(3))).toEqual(['1.000', '1.000'])
  })

  it('are refused what the model cannot by 400, and a model that is not here by 404, naming its pull', {
    timeout,
  }, async () => {
    const images = [readFileSync(testData('media/bus.jpg'))]
    const shown = ollama.chat({ model, messages: [{ role: 'user', content: 'what?', images }] })
    await expect(shown).rejects.toMatchObject({ status_code: 400 })
    const tools = [{ type: 'function' as const, function: { name: 'weather', parameters: { type: 'object' } } }]
    await expect(openai.chat.completions.create({ model, messages, tools })).rejects.toMatchObject({ status: 400 })
    await expect(openai.chat.completions.create({ model: 'qwen3-0.6b', messages })).rejects.toMatchObject({
      status: 404,
      message: expect.stringContaining('models pull qwen3-0.6b'),
    })
  })

  it('are told by 503 what to pull where there is no language model at all', { timeout }, async () => {
    process.env.HAILSTREAM_STATE = join(state, 'bare')
    await using bare = await startApp()
    const headers = { 'content-type': 'application/json' }
    const body = JSON.stringify({ prompt: 'Once upon a time' })
    const response = await fetch(`${bare.url}/api/infer`, { method: 'POST', headers, body })
    expect([response.status, await response.text()]).toEqual([503, expect.stringMatching(/models pull \S+/)])
    const { defaults } = await bare.app.health()
    expect(defaults.language).toEqual({ name: null, backend: null, why: expect.stringMatching(/models pull \S+/) })
    expect(defaults.speak).toMatchObject({ name: 'en-us', backend: 'espeak-ng' })
  })

  it('S1: transcribe audio longer than a window as a browser records it, each segment where there is speech', {
    timeout,
  }, async () => {
    const file = createReadStream(await convertSound(testData('media/jfk.wav'), 'webm', state))
    const asked = { file, model: 'pocketsphinx', response_format: 'verbose_json' } as const
    const { text, duration, segments = [] } = await openai.audio.transcriptions.create(asked)
    expect(wordErrorRate(text, readTruth().transcripts['jfk.wav']), text).toBeLessThanOrEqual(0.25)
    expect(duration).toBeCloseTo(11, 1)
    // Stretches of speech with a short breath between them are heard as one.
    const spoken = readTruth().vad_segments_s['jfk.wav'] as readonly (readonly [number, number])[]
    const isNear = (time: number, edge: 0 | 1) => spoken.some((span) => Math.abs(span[edge] - time) < 0.2)
    for (const { start, end } of segments)
      expect([start, isNear(start, 0), end, isNear(end, 1)]).toEqual([start, true, end, true])
    for (const [from, to] of spoken) {
      const covers = ({ start, end }: { start: number; end: number }) => start < from + 0.2 && end > to - 0.2
      expect([from, to, segments.some(covers)]).toEqual([from, to, true])
    }
  })

  it('speak by espeak-ng what a decoder hears as sound, as long as speech is', { timeout }, async () => {
    const input = 'Ask not what your country can do for you.'
    for (const response_format of ['wav', 'mp3'] as const) {
      const spoken = await openai.audio.speech.create({ model: 'tts-1', voice: 'en-us', input, response_format })
      const samples = await decodeSound(new Uint8Array(await spoken.arrayBuffer()), 16_000)
      expect(samples.length / 16_000).toBeGreaterThan(1.5)
      expect(samples.length / 16_000).toBeLessThan(6)
      expect(Math.max(...samples.subarray(0, 32_000))).toBeGreaterThan(0.1)
    }
  })

  it('health names what runs them, and what answers who names none, and why', async () => {
    const { models, models_loaded, defaults } = await engine.app.health()
    const found = expect.stringMatching(/found in|install/)
    expect(defaults).toEqual({
      language: { name: model, backend: 'llama', why: expect.stringMatching(/^used last: found in/) },
      transcribe: { name: 'pocketsphinx', backend: 'pocketsphinx', why: expect.stringContaining('accuracy is low') },
      speak: { name: 'piper-tone-voice', backend: 'piper', why: found },
      'voice-activity': { name: 'silero-vad', backend: 'onnx', why: found },
    })
    expect(models_loaded).toEqual(expect.arrayContaining([model, 'pocketsphinx', 'silero-vad']))
    for (const [name, task, backend, state] of [
      [model, 'language', 'llama', 'loaded'],
      ['pocketsphinx', 'transcribe', 'pocketsphinx', 'loaded'],
      ['silero-vad', 'voice-activity', 'onnx', 'loaded'],
      // A program, started for each text.
      ['espeak-ng', 'speak', 'espeak-ng', 'available'],
    ])
      expect(models).toContainEqual(expect.objectContaining({ name, task, backend, state, why: found }))
  })
})

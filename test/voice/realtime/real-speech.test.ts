import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Resampler } from '../../../engine/audio/resampler.ts'
import { startApp, type TestApp } from '../../support/app.ts'
import { hasTestData, testData } from '../../support/data.ts'
import { randomNumbers } from '../../support/random.ts'
import { RealtimeTestClient } from '../../support/realtime-client.ts'
import { readSpeech, wordErrorRate } from '../../support/speech.ts'

/** Recogniser, language model and voice are real, and so is the machine's load. */
const timeout = 480_000

/** Of each stage: many times what it takes where several test suites share two cores. */
const deadlines = { recogniser: 400_000, language: 400_000, synthesiser: 400_000, tool: 400_000, player: 400_000 }

let state: string
let engine: TestApp
beforeAll(async () => {
  state = mkdtempSync(join(tmpdir(), 'hailstream-voice-'))
  process.env.HAILSTREAM_STATE = state
  engine = await startApp({ 'models.paths': [testData('models')] }, { voice: { deadlines } })
})
afterAll(async () => {
  await engine[Symbol.asyncDispose]()
  rmSync(state, { recursive: true })
})

/** A recording of 16 kHz as 24 kHz, and a second of silence. */
async function speechAt24(file: string): Promise<Int16Array> {
  const samples = Int16Array.from(await readSpeech(testData(file)), (value) => Math.round(value * 32_768))
  const resampler = new Resampler(16_000, 24_000)
  const parts = [resampler.push(samples), resampler.end(), new Int16Array(24_000)]
  return Int16Array.from(parts.flatMap((part) => [...part]))
}

describe.skipIf(!hasTestData)('a conversation with real models, by /v1/realtime', () => {
  it('hears a recording, writes it down, and answers with speech', { timeout }, async () => {
    const client = await RealtimeTestClient.open(`${engine.socketUrl}/v1/realtime?model=gpt-realtime`)
    expect(client.socket.protocol).toBe('realtime')
    expect(client.all('error')).toEqual([])
    expect(client.heard[0]).toMatchObject({ type: 'session.created', session: { type: 'realtime' } })
    client.send({
      type: 'session.update',
      session: {
        type: 'realtime',
        max_output_tokens: 40,
        audio: {
          input: {
            transcription: { model: 'whisper-1' },
            turn_detection: { type: 'server_vad', silence_duration_ms: 900 },
          },
          output: { voice: 'en-us' },
        },
      },
    })
    await client.next('session.updated')
    client.append(await speechAt24('media/jfk.wav'))
    const { transcript } = await client.next('conversation.item.input_audio_transcription.completed', 1, timeout)
    const truth = JSON.parse(readFileSync(testData('truth/text_speech_llm.json'), 'utf8')).transcripts['jfk.wav']
    expect(wordErrorRate(String(transcript), truth), String(transcript)).toBeLessThanOrEqual(0.35)
    const done = await client.next('response.done', 1, timeout)
    expect(done.response).toMatchObject({ status: 'completed', output: [{ role: 'assistant', status: 'completed' }] })
    const spoken = client.soundOf()
    const power = spoken.reduce((sum, value) => sum + (value / 32_768) ** 2, 0) / spoken.length
    expect(spoken.length).toBeGreaterThan(12_000)
    expect(Math.sqrt(power)).toBeGreaterThan(0.01)
    const { usage } = done.response as { usage: { output_tokens: number; hailstream: Record<string, number> } }
    expect(usage.output_tokens).toBeGreaterThan(10)
    for (const part of ['end_of_utterance_delay_ms', 'transcription_delay_ms', 'ttft_ms', 'ttfb_ms', 'e2e_ms'])
      expect(usage.hailstream[part], part).toBeGreaterThan(0)
    expect(await (await fetch(`${engine.url}/metrics`)).text()).toMatch(
      /hailstream_voice_replies_total\{cancelled="false"\} 1/,
    )
    await client.close()
  })

  it('R1: takes a minute of silence and one of noise for no speech, and what comes then for speech', {
    timeout,
  }, async () => {
    const client = await RealtimeTestClient.open(`${engine.socketUrl}/v1/realtime`)
    const random = randomNumbers(7)
    // A loud fan: −26 dB of full scale.
    const noise = Int16Array.from({ length: 60 * 24_000 }, () => Math.round((random() - 0.5) * 2 * 0.087 * 32_768))
    client.append(new Int16Array(60 * 24_000))
    client.append(noise)
    client.append(await speechAt24('media/arctic_a0024.wav'))
    const { audio_start_ms } = await client.next('input_audio_buffer.speech_started', 1, timeout)
    expect(audio_start_ms).toBeGreaterThan(119_000)
    expect(client.types).toEqual(['session.created', 'input_audio_buffer.speech_started'])
    await client.close()
  })
})

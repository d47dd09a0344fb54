import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { parse } from 'yaml'
import { wavHeader } from '../engine/audio/wav.ts'
import { projectRoot } from '../engine/root.ts'
import { unpackBinary } from '../engine/streams/wire.ts'
import { startApp, type TestApp } from './support/app.ts'
import { hasTestData, testData } from './support/data.ts'
import { joinSound, sayByEspeak, silence } from './support/espeak.ts'
import { startSoundServer } from './support/sound-server.ts'
import { wordErrorRate } from './support/speech.ts'
import { until } from './support/wait.ts'

/** Recogniser, language model and voice are real, and so is the machine's load. */
const timeout = 480_000
/** Of each stage: many times what it takes where several test suites share two cores. */
const deadlines = { recogniser: 400_000, language: 200_000, synthesiser: 200_000, tool: 200_000, player: 200_000 }

const state = mkdtempSync(join(tmpdir(), 'hailstream-assistant-'))
let room: AsyncDisposable
let engine: TestApp

/** The pipeline as it is shipped, but that a recording is heard in the microphone's place, once. */
function assistant(): object {
  const { streams, ...pipeline } = parse(readFileSync(join(projectRoot, 'pipelines/voice-assistant.yaml'), 'utf8'))
  const microphone = { source: 'sound', path: testData('media/jfk.wav'), loop: false }
  // A speaker who pauses, on a machine that may pause as well: without that the recording falls into pieces.
  return {
    ...pipeline,
    streams: {
      ...streams,
      microphone,
      assistant: { ...streams.assistant, silenceMs: 3000, maxTokens: 40, voice: 'en-us' },
    },
  }
}

/** An assistant that sleeps, and what it hears: talk that is not for it, then its wake word with a question. */
function sleeper(): object {
  const [chat, call] = ['the birds sing in the garden', 'hello robot, how are you?'].map(sayByEspeak)
  const sound = joinSound(silence(1), chat ?? silence(1), silence(2), call ?? silence(1), silence(8))
  const path = join(state, 'sleeper.wav')
  writeFileSync(path, Buffer.concat([wavHeader(16_000, sound.byteLength), Buffer.from(sound.buffer)]))
  const wake = { words: ['hello robot'], followUpMs: 3000 }
  return {
    name: 'sleeper',
    streams: {
      microphone: { source: 'sound', path, loop: false },
      assistant: { from: 'microphone', node: 'converse', wake, maxTokens: 10, voice: 'en-us' },
    },
    publish: ['assistant/turn', 'assistant/transcript'],
  }
}

beforeAll(async () => {
  if (!hasTestData) return
  room = await startSoundServer()
  process.env.HAILSTREAM_STATE = state
  const settings = { pipelines: [assistant(), sleeper()], 'models.paths': [testData('models')] }
  engine = await startApp(settings, { voice: { deadlines } })
}, timeout)
afterAll(async () => {
  await engine?.[Symbol.asyncDispose]()
  await room?.[Symbol.asyncDispose]()
  rmSync(state, { recursive: true })
})

interface Message {
  readonly topic: string
  readonly text?: { readonly text: string; readonly final: boolean }
  readonly event?: { readonly name: string; readonly [field: string]: unknown }
  readonly model?: string
}

/** A client as anybody writes it: JSON messages, and sound. */
async function subscribe(...topics: string[]) {
  const socket = new WebSocket(`${engine.socketUrl}/ws`)
  const messages: Message[] = []
  const sound: { readonly samples: Int16Array; readonly sampleRate: number; readonly at: number }[] = []
  socket.on('message', (data: Buffer, isBinary: boolean) => {
    if (!isBinary) return void messages.push(JSON.parse(String(data)))
    const { head, bytes } = unpackBinary(new Uint8Array(data))
    expect(head).toMatchObject({ v: 1, topic: 'voice-assistant/assistant/speech', type: 'audio/pcm', channels: 1 })
    const samples = new Int16Array(bytes.slice().buffer)
    sound.push({ samples, sampleRate: head.sampleRate ?? 0, at: performance.now() })
  })
  await new Promise((resolve) => socket.once('open', resolve))
  for (const topic of topics)
    socket.send(
      JSON.stringify({ type: 'subscribe', topic: topic.includes('sleeper') ? topic : `voice-assistant/${topic}` }),
    )
  const on = (output: string) => messages.filter(({ topic }) => topic === `voice-assistant/assistant/${output}`)
  const close = () => socket.close()
  return { on, all: messages, sound, close }
}

describe.skipIf(!hasTestData)('pipelines/voice-assistant.yaml', () => {
  it('hears, answers and speaks, for whoever subscribes and by its loudspeaker', { timeout }, async () => {
    const client = await subscribe(...['transcript', 'reply', 'speech', 'turn'].map((output) => `assistant/${output}`))
    const final = (output: string) => client.on(output).find(({ text }) => text?.final)
    const { text: transcript, model } = await until('the transcript', () => final('transcript'), timeout)
    const { text: reply } = await until('the reply', () => final('reply'), timeout)
    const ended = await until(
      'the end of the response',
      () => client.on('turn').find(({ event }) => event?.name === 'response-ended')?.event,
      timeout,
    )
    const truth = JSON.parse(readFileSync(testData('truth/text_speech_llm.json'), 'utf8')).transcripts['jfk.wav']
    const errors = wordErrorRate(transcript?.text ?? '', truth)
    const measured = client.on('turn').find(({ event }) => event?.name === 'measured')?.event
    const health = await engine.app.health()
    const streams = health.pipelines[0]?.streams ?? []
    const lost = streams.map(({ name, dropped }) => `${name} ${dropped}`).join(', ')
    console.log(
      `word error rate ${errors.toFixed(2)}: ${transcript?.text}\n${reply?.text}\n${JSON.stringify(measured)}\nlost: ${lost}`,
    )
    expect(errors).toBeLessThanOrEqual(0.6)
    expect(model).toBe('pocketsphinx')
    expect(reply?.text.length).toBeGreaterThan(20)
    expect(ended).toMatchObject({ status: 'completed' })
    expect(client.on('turn').map(({ event }) => event?.name)).toEqual(
      expect.arrayContaining(['speech-started', 'speech-stopped', 'response-started', 'measured']),
    )
    const samples = client.sound.flatMap((piece) => [...piece.samples])
    expect(client.sound[0]?.sampleRate).toBe(22_050)
    expect(samples.length).toBeGreaterThan(22_050 / 2)
    expect(Math.sqrt(samples.reduce((sum, value) => sum + (value / 32_768) ** 2, 0) / samples.length)).toBeGreaterThan(
      0.01,
    )
    expect(streams.find(({ name }) => name === 'speaker')).toMatchObject({ state: 'live', dropped: 0, failed: 0 })
    expect(health.hosts.map(({ name }) => name)).toContain('playback:voice-assistant/speaker')
    client.close()
  })

  it('sleeps until its wake word, where it has one', { timeout }, async () => {
    const client = await subscribe('sleeper/assistant/turn', 'sleeper/assistant/transcript')
    const said = () => client.all.flatMap(({ event, text }) => (event ? [event.name] : text ? ['transcript'] : []))
    await until('that it wakes', () => said().includes('awake'), timeout)
    // Nothing is told of what was said before.
    expect(said().slice(0, 2)).toEqual(['asleep', 'awake'])
    expect(client.all.find(({ event }) => event?.name === 'awake')?.event).toMatchObject({ word: 'hello robot' })
    client.close()
  })

  it('lists its topics', async () => {
    const topics = (await (await fetch(`${engine.url}/api/topics`)).json()) as { topic: string; kind: string }[]
    const kinds = Object.fromEntries(topics.map(({ topic, kind }) => [topic.replace('voice-assistant/', ''), kind]))
    expect(kinds).toMatchObject({
      microphone: 'audio',
      'assistant/transcript': 'text',
      'assistant/reply': 'text',
      'assistant/speech': 'audio',
      'assistant/turn': 'event',
    })
  })
})

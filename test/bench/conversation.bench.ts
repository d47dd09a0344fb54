import { readFileSync } from 'node:fs'
import { loadavg } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { WebSocket } from 'ws'
import { parse } from 'yaml'
import { Resampler } from '../../engine/audio/resampler.ts'
import { projectRoot } from '../../engine/root.ts'
import type { TurnMeasures } from '../../engine/voice/turn-measures.ts'
import { hasTestData, testData } from '../support/data.ts'
import { RealtimeTestClient } from '../support/realtime-client.ts'
import { startSoundServer } from '../support/sound-server.ts'
import { readSpeech, wordErrorRate } from '../support/speech.ts'
import { until } from '../support/wait.ts'
import { familyCpuSeconds } from './family-cpu.ts'
import { type BenchRow, toRow } from './row.ts'
import { startTalking, type TalkingEngine } from './talking-engine.ts'

const recording = 'jfk.wav'
/** Longer than the speaker pauses. */
const silenceMs = 1500
const mostTokens = 40
/** The whole exchange, on a machine that has other work. */
const deadlineMs = 480_000
const pieceMs = 20
const paths = () => ({ 'models.paths': [testData('models')] })

/** One exchange as it was heard and measured. */
interface Exchange {
  readonly transcript: string
  readonly measures: Omit<TurnMeasures, 'cancelled'>
  /** CPU seconds of the speech host with its recogniser's program, the voice and the detector. */
  readonly speechCpu: number
}

/**
 * A real conversation with what needs no download, spoken at its own pace: a recording, Silero, pocketsphinx, a language model of 260,000
 * parameters, espeak-ng; once by `/v1/realtime`, once by `pipelines/voice-assistant.yaml` with a real sound server's loudspeaker.
 */
export default async function bench(): Promise<BenchRow[]> {
  if (!hasTestData) throw new Error('Expected the test data with a recording and its words')
  return [...toRows('/v1/realtime', await byRealtime()), ...toRows('voice-assistant.yaml', await byPipeline())]
}

async function byRealtime(): Promise<Exchange> {
  await using engine = await startTalking(paths())
  const client = await RealtimeTestClient.open(`${engine.socketUrl}/v1/realtime`)
  const detection = { type: 'server_vad', silence_duration_ms: silenceMs }
  const input = { turn_detection: detection, transcription: { model: 'whisper-1' } }
  const audio = { input, output: { voice: 'en-us' } }
  client.send({ type: 'session.update', session: { type: 'realtime', max_output_tokens: mostTokens, audio } })
  await client.next('session.updated')
  const before = await speechCpu(engine)
  const leaving = new AbortController()
  const speaking = speak(client, leaving.signal)
  const { response } = await client.next('response.done', 1, deadlineMs)
  leaving.abort()
  await speaking
  const said = client.all('conversation.item.input_audio_transcription.completed')
  await client.close()
  return {
    transcript: said.map(({ transcript }) => transcript).join(' '),
    measures: ofUsage((response as { usage: Usage }).usage),
    speechCpu: (await speechCpu(engine)) - before,
  }
}

/** The recording as a microphone gives it, then silence until the signal. */
async function speak(client: RealtimeTestClient, signal: AbortSignal): Promise<void> {
  const samples = Int16Array.from(await readSpeech(testData(`media/${recording}`)), (value) =>
    Math.round(value * 32_768),
  )
  const resampler = new Resampler(16_000, 24_000)
  const sound = Int16Array.from([resampler.push(samples), resampler.end()].flatMap((part) => [...part]))
  const piece = (24_000 * pieceMs) / 1000
  const startedAt = performance.now()
  for (let i = 0; !signal.aborted; i++) {
    await wait(Math.max(0, startedAt + i * pieceMs - performance.now()))
    const part = new Int16Array(piece)
    part.set(sound.subarray(i * piece, (i + 1) * piece))
    client.append(part)
  }
}

interface Usage {
  readonly input_tokens: number
  readonly output_tokens: number
  readonly hailstream: Readonly<Record<string, number | null>>
}

function ofUsage({ input_tokens, output_tokens, hailstream }: Usage): Exchange['measures'] {
  const of = (name: string) => hailstream[name] ?? null
  return {
    endOfUtteranceDelayMs: of('end_of_utterance_delay_ms'),
    transcriptionDelayMs: of('transcription_delay_ms'),
    ttftMs: of('ttft_ms'),
    ttfbMs: of('ttfb_ms'),
    e2eMs: of('e2e_ms'),
    tokensPerSecond: of('tokens_per_second'),
    promptTokens: input_tokens,
    cachedTokens: 0,
    answerTokens: output_tokens,
  }
}

async function byPipeline(): Promise<Exchange> {
  await using room = await startSoundServer()
  void room
  await using engine = await startTalking({ ...paths(), pipelines: [assistant()] })
  const messages: Message[] = []
  const socket = new WebSocket(`${engine.socketUrl}/ws`)
  socket.on('message', (data) => messages.push(JSON.parse(String(data))))
  await new Promise((resolve) => socket.once('open', resolve))
  const topics = ['transcript', 'turn'].map((output) => `voice-assistant/assistant/${output}`)
  const before = await speechCpu(engine)
  for (const topic of topics) socket.send(JSON.stringify({ type: 'subscribe', topic }))
  const measured = () => messages.find(({ event }) => event?.name === 'measured')?.event
  const measures = await until('a reply', measured, deadlineMs)
  socket.close()
  const finals = messages.flatMap(({ text }) => (text?.final ? [text.text] : []))
  const measuresOf = measures as unknown as TurnMeasures
  return { transcript: finals.join(' '), measures: measuresOf, speechCpu: (await speechCpu(engine)) - before }
}

interface Message {
  readonly text?: { readonly text: string; readonly final: boolean }
  readonly event?: { readonly name: string }
}

/** The pipeline as it is shipped, but that a recording is heard in the microphone's place, once. */
function assistant(): object {
  const { streams, ...pipeline } = parse(readFileSync(join(projectRoot, 'pipelines/voice-assistant.yaml'), 'utf8'))
  const microphone = { source: 'sound', path: testData(`media/${recording}`), loop: false }
  const converse = { ...streams.assistant, silenceMs, maxTokens: mostTokens, voice: 'en-us' }
  return { ...pipeline, streams: { ...streams, microphone, assistant: converse } }
}

async function speechCpu({ app }: TalkingEngine): Promise<number> {
  const pid = (await app.health()).hosts.find(({ name }) => name === 'speech')?.pid
  return pid ? familyCpuSeconds(pid) : 0
}

function toRows(path: string, { transcript, measures, speechCpu }: Exchange): BenchRow[] {
  const load = loadavg()[0]?.toFixed(1)
  console.error(`${path}, load ${load}: heard “${transcript}”\n${JSON.stringify(measures)}`)
  const truth = JSON.parse(readFileSync(testData('truth/text_speech_llm.json'), 'utf8')).transcripts[recording]
  const row = (name: string, unit: string, value: number | null, better: 'less' | 'more' = 'less') =>
    value === null ? [] : [toRow({ name: `${path}: ${name}`, unit, ours: [value], better })]
  return [
    ...row('word error rate', '%', 100 * wordErrorRate(transcript, truth)),
    ...row(`end of speech to end of turn (${silenceMs} ms of silence)`, 'ms', measures.endOfUtteranceDelayMs),
    ...row('end of turn to transcript', 'ms', measures.transcriptionDelayMs),
    ...row('question to first text (ttft)', 'ms', measures.ttftMs),
    ...row('first clause to first sound (ttfb)', 'ms', measures.ttfbMs),
    ...row('end of speech to first sound (e2e)', 'ms', measures.e2eMs),
    ...row('tokens written', 'tokens/s', measures.tokensPerSecond, 'more'),
    ...row('tokens of the answer', 'tokens', measures.answerTokens),
    ...row('CPU of the speech host and its programs', 's', speechCpu),
  ]
}

import { setTimeout as wait } from 'node:timers/promises'
import { RealtimeApp } from '../../engine/voice/realtime/realtime-app.ts'
import { SessionPool } from '../../engine/voice/session-pool.ts'
import { defaultSettings } from '../../engine/voice/settings.ts'
import { RealtimeTestClient } from '../support/realtime-client.ts'
import { startServer } from '../support/server.ts'
import { VoiceStages } from '../support/voice-stages.ts'
import { quantile } from './figures.ts'
import { type BenchRow, toRow } from './row.ts'

const [runs, turns] = [3, 20]
const silenceMs = 200
const delays = { recognise: 50, firstToken: 100, token: 20, voice: 60 }
const frameMs = 20
/** Of the detector's steps, so that an end of speech is at the end of one. */
const speechMs = 640
/** To the first clause, two tokens. */
const criticalMs = silenceMs + delays.recognise + delays.firstToken + delays.token + delays.voice
/** Eight sentences of two tokens: the model and the voice take about as long. */
const clauses = 8

/** What a turn takes beside its stages, by a real socket with stages of fixed delay. */
export default async function bench(): Promise<BenchRow[]> {
  const stages = new VoiceStages()
  stages.delays = delays
  const { speech, language } = stages
  await using pool = new SessionPool({ speech, language, limit: 1, onTrouble: fail })
  const known = async () => ({ models: ['fake-model'], voices: ['fake-en'] })
  await using realtime = new RealtimeApp({ sessions: pool, known, settings: defaultSettings, onBug: fail })
  await using server = (await startServer({ socketApps: [realtime] })).server
  const client = await RealtimeTestClient.open(`ws://127.0.0.1:${server.port}/v1/realtime`)
  const detection = { type: 'server_vad', silence_duration_ms: silenceMs }
  client.send({ type: 'session.update', session: { audio: { input: { turn_detection: detection } } } })
  const overheads: number[][] = []
  const totals: number[] = []
  for (let run = 0; run < runs; run++) {
    stages.answers = [['It is ', 'noon. ']]
    overheads.push(await measureTurns(client))
    stages.answers = [Array.from({ length: clauses }, (_, i) => [`Number `, `${i}. `]).flat()]
    totals.push(await measureLong(client))
  }
  await client.close()
  const [model, voice] = [delays.firstToken + (2 * clauses - 1) * delays.token, clauses * delays.voice]
  const longer = Math.max(model, voice)
  const shared = { unit: 'ms', better: 'less' } as const
  const share = (of: number) => overheads.map((run) => quantile(run, of))
  return [
    toRow({ ...shared, name: 'L1: a turn beyond its stages, p50 (≤ 20)', ours: share(0.5), met: (ms) => ms <= 20 }),
    toRow({ ...shared, name: 'L1: a turn beyond its stages, p95 (≤ 50)', ours: share(0.95), met: (ms) => ms <= 50 }),
    toRow({
      ...{ ...shared, name: `L2: ${clauses} clauses written and spoken; one after the other ${model + voice} ms` },
      ours: totals,
      // The first clause has nothing to overlap with.
      met: (ms) => ms <= 1.1 * (longer + delays.firstToken + delays.token),
    }),
  ]
}

function fail(error: unknown): never {
  throw error
}

async function measureTurns(client: RealtimeTestClient): Promise<number[]> {
  const overheads: number[] = []
  for (let turn = 0; turn < turns; turn++) {
    const from = client.heard.length
    const endedAt = await speak(client)
    const at = await whenHeard(client, from, 'response.output_audio.delta')
    overheads.push(at - endedAt - criticalMs)
    await whenHeard(client, from, 'response.done')
    // The rest of its sound.
    await wait(700)
  }
  return overheads
}

async function measureLong(client: RealtimeTestClient): Promise<number> {
  const from = client.heard.length
  await speak(client)
  const begun = await whenHeard(client, from, 'response.created')
  const total = (await whenHeard(client, from, 'response.done')) - begun
  await wait(clauses * 500)
  return total
}

/** In real time; when the last sample of speech was sent. The silence goes on meanwhile. */
async function speak(client: RealtimeTestClient): Promise<number> {
  const startedAt = performance.now()
  let endedAt = startedAt
  for (let ms = 0; ms < speechMs + silenceMs; ms += frameMs) {
    await wait(Math.max(0, startedAt + ms - performance.now()))
    client.append(new Int16Array((24_000 * frameMs) / 1000).fill(ms < speechMs ? 8000 : 0))
    if (ms < speechMs) endedAt = performance.now()
  }
  return endedAt
}

async function whenHeard(client: RealtimeTestClient, from: number, type: string): Promise<number> {
  for (const deadline = performance.now() + 30_000; performance.now() < deadline; await wait(1)) {
    const at = client.heard.findIndex((event, i) => i >= from && event.type === type)
    if (at >= 0) return client.times[at] ?? Number.NaN
  }
  throw new Error(`Waited in vain for ${type}, heard ${client.types.slice(from).join(' ')}`)
}

import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { unpackBinary } from '../../../engine/streams/wire.ts'
import { RealtimeApp } from '../../../engine/voice/realtime/realtime-app.ts'
import { SessionPool } from '../../../engine/voice/session-pool.ts'
import { defaultSettings } from '../../../engine/voice/settings.ts'
import { packetsOf } from '../../support/opus-trial.ts'
import { RealtimeTestClient } from '../../support/realtime-client.ts'
import { expectPacketHead, expectServerEvent } from '../../support/realtime-schema.ts'
import { tone } from '../../support/scripted-speech.ts'
import { startServer } from '../../support/server.ts'
import { VoiceStages } from '../../support/voice-stages.ts'
import { until } from '../../support/wait.ts'

const idle = { detections: 0, streams: 0, generations: 0, voices: 0 }

let stages: VoiceStages
let pool: SessionPool
let realtime: RealtimeApp
let bugs: unknown[]
let app: Awaited<ReturnType<typeof startServer>>
beforeEach(async () => {
  stages = new VoiceStages()
  bugs = []
  const { speech, language } = stages
  pool = new SessionPool({ speech, language, limit: 4, onTrouble: (error) => bugs.push(error) })
  const known = async () => ({ models: ['fake-model'], voices: ['fake-en'] })
  const onBug = (error: unknown) => bugs.push(error)
  realtime = new RealtimeApp({ sessions: pool, known, settings: defaultSettings, onBug })
  app = await startServer({ socketApps: [realtime] })
})
afterEach(async () => {
  await app.server.close()
  await realtime[Symbol.asyncDispose]()
  await pool[Symbol.asyncDispose]()
  expect(stages.working).toEqual(idle)
  expect(bugs).toEqual([])
})

const say = { type: 'message', role: 'user', content: [{ type: 'input_text', text: 'Hello?' }] }

describe('a client by a real socket', () => {
  it.each(['/v1/realtime?model=gpt-realtime', '/api/voice'])('converses on %s', async (path) => {
    const client = await RealtimeTestClient.open(`${app.socketUrl}${path}`, ['realtime', 'openai-insecure-api-key.any'])
    expect(client.socket.protocol).toBe('realtime')
    client.send({ type: 'conversation.item.create', item: say })
    client.send({ type: 'response.create' })
    const done = await client.next('response.done')
    expect(done.response).toMatchObject({ status: 'completed' })
    for (const event of client.heard) expectServerEvent(event, 'ga')
    expect(client.soundOf().length).toBe('Hello there.'.length * 50 * 24)
    await client.close()
    await until('the end of its session', () => pool.size === 0)
  })

  it('hears and speaks Opus in binary messages', async () => {
    const client = await RealtimeTestClient.open(`${app.socketUrl}/v1/realtime`)
    const format = { type: 'audio/opus' }
    const audio = { input: { format, turn_detection: null }, output: { format } }
    client.send({ type: 'session.update', session: { audio } })
    for (const packet of await packetsOf(tone(1000, 24_000, 0.5))) client.socket.send(packet)
    client.send({ type: 'input_audio_buffer.commit' })
    client.send({ type: 'response.create' })
    await client.next('response.done')
    expect(client.all('error')).toEqual([])
    expect(stages.heard[0]?.length).toBe(8000)
    const packets = client.packets.map((message) => unpackBinary(message))
    for (const { head } of packets) expectPacketHead(head)
    // 12 letters of 50 ms.
    expect(packets).toHaveLength(30)
    await client.close()
  })

  it('P8: takes 15 MiB of sound at once while others are served, and refuses more', { timeout: 120_000 }, async () => {
    const [large, other] = [
      await RealtimeTestClient.open(`${app.socketUrl}/v1/realtime`),
      await RealtimeTestClient.open(`${app.socketUrl}/v1/realtime`),
    ]
    large.send({ type: 'session.update', session: { audio: { input: { turn_detection: null } } } })
    large.send({ type: 'input_audio_buffer.append', audio: Buffer.alloc(15 * 1024 * 1024).toString('base64') })
    large.send({ type: 'input_audio_buffer.commit' })
    await large.next('session.updated')
    other.send({ type: 'session.update', session: { instructions: 'Be quick.' } })
    await other.next('session.updated')
    expect(large.all('input_audio_buffer.committed')).toEqual([])
    await large.next('input_audio_buffer.committed', 1, 100_000)
    await until('the recogniser', () => stages.heard.length === 1, 100_000)
    expect(stages.heard[0]?.length).toBe((15 * 1024 * 1024) / 3)
    large.send({ type: 'input_audio_buffer.append', audio: Buffer.alloc(15 * 1024 * 1024 + 3).toString('base64') })
    expect((await large.next('error')).error).toMatchObject({ code: 'invalid_value', param: 'audio' })
    await large.close()
    await other.close()
  })

  it('R3: that is cut off in mid-reply leaves no work and no session', async () => {
    stages.answers = [Array.from({ length: 500 }, (_, i) => `Sentence ${i}. `)]
    const client = await RealtimeTestClient.open(`${app.socketUrl}/v1/realtime`)
    client.send({ type: 'conversation.item.create', item: say })
    client.send({ type: 'response.create' })
    await client.next('response.output_audio.delta')
    expect(stages.working).toMatchObject({ detections: 1, generations: 1 })
    client.socket.terminate()
    await until('the end of all work', () => pool.size === 0 && JSON.stringify(stages.working) === JSON.stringify(idle))
  })

  it('R3: that connects and leaves a thousand times takes no memory with it', { timeout: 240_000 }, async () => {
    const collect = exposeCollector()
    const connect = async (times: number) => {
      for (let i = 0; i < times; i++) {
        const client = await RealtimeTestClient.open(`${app.socketUrl}/v1/realtime`)
        client.socket.terminate()
        await client.closed
        await until('its end', () => pool.size === 0)
      }
      collect()
      return process.memoryUsage().heapUsed
    }
    const before = await connect(200)
    const after = await connect(800)
    expect(app.server.clients).toBe(0)
    // A session that stayed would take more than 5 kB.
    expect(after - before).toBeLessThan(800 * 5000)
  })
})

function exposeCollector(): () => void {
  setFlagsFromString('--expose-gc')
  return runInNewContext('gc')
}

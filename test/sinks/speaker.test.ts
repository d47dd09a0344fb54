import { Subject } from 'rxjs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Playbacks } from '../../engine/audio/playbacks.ts'
import { Edge } from '../../engine/core/edge.ts'
import { createPacket, type PacketOf } from '../../engine/core/packet.ts'
import { GstPlaybackHosts } from '../../engine/hosts/playback-hosts.ts'
import sink from '../../engine/sinks/speaker.ts'
import microphone from '../../engine/sources/microphone.ts'
import type { Tools } from '../../engine/tools.ts'
import { createCaptures } from '../support/captures.ts'
import { tone } from '../support/scripted-speech.ts'
import { testLog } from '../support/shared-pool.ts'
import { listen } from '../support/sound-captures.ts'
import { startSoundServer } from '../support/sound-server.ts'
import { loudest } from '../support/sounds.ts'
import { until } from '../support/wait.ts'

const { pool, hosts: captures, tools: captureTools } = createCaptures()
const hosts = new GstPlaybackHosts({ pool })
let server: AsyncDisposable

beforeAll(async () => {
  server = await startSoundServer()
})
afterAll(async () => {
  await captures[Symbol.asyncDispose]()
  await hosts[Symbol.asyncDispose]()
  await server[Symbol.asyncDispose]()
  expect(pool.ledger.stats()).toMatchObject({ free: 16, leaked: 0 })
  pool.memory.close()
})

/** The sink in a pipeline `house`, reading `voice/speech`; a test hands it sound. */
function openSpeaker(options: object = {}) {
  const playbacks = new Playbacks()
  const edge = new Edge('house/speaker', { queue: 64, full: 'oldest' })
  const own = { pipeline: 'house', stream: 'speaker', from: ['voice/speech'], log: testLog, edge }
  const tools = { ...own, playback: hosts, playbacks } as Partial<Tools> as Tools
  const packets = new Subject<PacketOf<'audio'>>()
  const ends: unknown[] = []
  const subscription = packets
    .pipe(sink.create(sink.options.parse(options), tools))
    .subscribe({ error: (error) => ends.push(error), complete: () => ends.push('complete') })
  let seq = 0
  const play = (samples: Int16Array, sampleRate = 22_050, channels = 1) => {
    const payload = { kind: 'audio', samples, sampleRate, channels } as const
    packets.next(createPacket({ stream: 'voice/speech', source: 'microphone', seq: seq++, capturedAt: 0n, payload }))
  }
  const playback = () => {
    const found = playbacks.of('house/voice/speech')
    if (!found) throw new Error('Expected the speaker to be known')
    return found
  }
  return { play, playback, playbacks, edge, ends, packets, close: () => subscription.unsubscribe() }
}

const microphoneOfRoom = () =>
  listen(
    microphone.open(microphone.options.parse({ device: 'pulse:room.monitor', rate: 48_000 }), captureTools('room')),
  )
/** The strongest sample of the last so many milliseconds that a microphone at 48 kHz heard. */
const loudnessOf = (samples: Float32Array, lastMs: number) =>
  samples.subarray(-lastMs * 48).reduce((most, sample) => Math.max(most, Math.abs(sample)), 0)

describe('the speaker sink', () => {
  it('plays what it is given, in any format, and a microphone in the room hears it', async () => {
    const speaker = openSpeaker()
    const room = microphoneOfRoom()
    await until('the room', () => room.heard.length > 0)
    speaker.play(tone(440, 16_000, 0.7), 16_000)
    await until('the tone', () => loudnessOf(room.samples(), 5000) > 0.3)
    await until('its end', () => speaker.playback().heardMs >= 690)
    const stereo = Int16Array.from([...tone(880, 44_100, 0.6)].flatMap((sample) => [sample, sample]))
    speaker.play(stereo, 44_100, 2)
    await until('all of it', () => speaker.playback().heardMs >= 1280)
    await until('silence', () => loudnessOf(room.samples(), 100) === 0)
    const samples = room.samples()
    const from = samples.findIndex((sample) => Math.abs(sample) > 0.2)
    expect(loudest(samples.subarray(from + 4800, from + 24_000), 48_000, [220, 440, 880])).toBe(440)
    const last = samples.findLastIndex((sample) => Math.abs(sample) > 0.2)
    expect(loudest(samples.subarray(last - 19_200, last - 4800), 48_000, [220, 440, 880])).toBe(880)
    expect(speaker.playback().takenMs).toBeCloseTo(1300, -1)
    expect(speaker.edge.counts).toMatchObject({ in: 2, out: 2, dropped: 0, failed: 0 })
    room.close()
    speaker.close()
    expect(speaker.playbacks.of('house/voice/speech')).toBeUndefined()
    await until('the end of its host', () => hosts.statuses().length === 0)
  })

  it('holds, goes on, and drops what was not heard, telling how much was', async () => {
    const speaker = openSpeaker()
    const playback = speaker.playback()
    speaker.play(tone(440, 22_050, 8))
    await until('the first half second', () => playback.heardMs >= 500)
    playback.hold()
    await until('that it stands still', async () => {
      const before = playback.heardMs
      await new Promise((resolve) => setTimeout(resolve, 300))
      return playback.heardMs === before
    })
    const heldAt = playback.heardMs
    expect(heldAt).toBeLessThan(7000)
    playback.resume()
    await until('that it goes on', () => playback.heardMs >= heldAt + 300)
    await playback.flush()
    const { takenMs, heardMs, droppedMs } = playback
    expect(takenMs).toBe(8000)
    expect(heardMs + droppedMs).toBeCloseTo(8000, 5)
    expect(droppedMs).toBeGreaterThan(100)
    const room = microphoneOfRoom()
    await until('half a second of the room', () => room.heard.length >= 25)
    expect(loudnessOf(room.samples(), 300)).toBe(0)
    room.close()
    speaker.close()
  })

  it('drops sound of a device that does not open, and refuses what is too much', async () => {
    const speaker = openSpeaker({ device: 'alsa:hw:7,0' })
    const playback = speaker.playback()
    speaker.play(new Int16Array(9 * 22_050))
    speaker.play(new Int16Array(2 * 22_050))
    expect(speaker.edge.counts).toMatchObject({ in: 2, out: 1, failed: 1 })
    await playback.flush()
    expect(playback).toMatchObject({ takenMs: 9000, heardMs: 0, droppedMs: 9000 })
    await until('the error', () => speaker.ends.length > 0)
    expect(speaker.ends).toEqual([
      expect.objectContaining({ code: 'unavailable', message: expect.stringContaining('alsasink') }),
    ])
  })

  it('breaks off when its host is killed', async () => {
    const speaker = openSpeaker()
    speaker.play(tone(440, 22_050, 5))
    await until('sound', () => speaker.playback().heardMs > 0)
    process.kill(hosts.statuses()[0]?.pid ?? 0, 'SIGKILL')
    await until('the error', () => speaker.ends.length > 0)
    expect(speaker.ends).toEqual([
      expect.objectContaining({ code: 'unavailable', message: expect.stringContaining('died') }),
    ])
    expect(speaker.playbacks.of('house/voice/speech')).toBeUndefined()
  })

  it('ends with its stream', async () => {
    const speaker = openSpeaker()
    speaker.packets.complete()
    expect(speaker.ends).toEqual(['complete'])
    await until('the end of its host', () => hosts.statuses().length === 0)
  })
})

import { Subject } from 'rxjs'
import { describe, expect, it } from 'vitest'
import { Edge } from '../../engine/core/edge.ts'
import type { PacketOf } from '../../engine/core/packet.ts'
import node from '../../engine/nodes/voice-activity.ts'
import type { Tools } from '../../engine/tools.ts'
import { tone } from '../support/scripted-speech.ts'
import { soundPackets } from '../support/sound-packets.ts'
import { StillClock } from '../support/topic-packets.ts'
import { until } from '../support/wait.ts'

/** Hears speech in a step that is loud. */
class LoudnessDetector {
  open_ = 0
  failure: Error | undefined
  readonly name = 'loudness'
  open = async () => {
    this.open_++
    return {
      next: async (samples: Float32Array) => {
        if (this.failure) throw this.failure
        return samples.some((sample) => Math.abs(sample) > 0.1) ? 0.9 : 0.01
      },
      reset: () => undefined,
      [Symbol.asyncDispose]: async () => void this.open_--,
    }
  }
}

function run(options: object = {}, detector = new LoudnessDetector()) {
  const edge = new Edge('p/activity', node.edge)
  const speech = { detector } as Partial<Tools['speech']> as Tools['speech']
  const tools = { stream: 'activity', edge, clock: new StillClock(), speech } as Partial<Tools> as Tools
  const sound = new Subject<PacketOf<'audio'>>()
  const events: PacketOf<'event'>[] = []
  const ends: unknown[] = []
  const subscription = sound.pipe(node.create(node.options.parse(options), tools)).subscribe({
    next: (packet) => events.push(packet),
    error: (error) => ends.push(error),
    complete: () => ends.push('complete'),
  })
  const hear = async (packets: PacketOf<'audio'>[]) => {
    for (const packet of packets) sound.next(packet)
    await until('that all is heard', () => edge.counts.waiting === 0)
  }
  return { hear, events, ends, edge, detector, sound, close: () => subscription.unsubscribe() }
}

const silence = (seconds: number) => new Int16Array(seconds * 16_000)
const said = Int16Array.from([...silence(1), ...tone(440, 16_000, 1), ...silence(1)])

describe('voice-activity', () => {
  it('tells when speech began and when it ended, by the clock of its packets', async () => {
    const { hear, events, detector, close } = run()
    await hear(soundPackets(said))
    expect(events.map(({ stream, payload: { name } }) => [stream, name])).toEqual([
      ['activity', 'speech-started'],
      ['activity', 'speech-stopped'],
    ])
    const [started, stopped] = events.map(({ payload }) => payload)
    expect(Math.abs(Number(started?.at) - 1_764_011_046_000)).toBeLessThan(64)
    expect(Math.abs(Number(stopped?.at) - 1_764_011_047_000)).toBeLessThan(64)
    expect(stopped?.seconds).toBeCloseTo(1, 0)
    expect(events[0]).toMatchObject({ source: 'microphone', seq: expect.any(Number) })
    close()
    await until('the end of the detection', () => detector.open_ === 0)
  })

  it('hears the same in stereo at 48 kHz', async () => {
    const stereo = Int16Array.from([...said].flatMap((sample) => Array(6).fill(sample)))
    const { hear, events, close } = run()
    await hear(soundPackets(stereo, { sampleRate: 48_000, channels: 2 }))
    expect(events.map(({ payload }) => payload.name)).toEqual(['speech-started', 'speech-stopped'])
    close()
  })

  it('waits for as long as it is told', async () => {
    const { hear, events, close } = run({ speechMs: 1500, silenceMs: 64 })
    await hear(soundPackets(said))
    expect(events).toEqual([])
    close()
  })

  it('counts what it could not hear, names why, and goes on', async () => {
    const detector = new LoudnessDetector()
    const { hear, events, edge, close } = run({}, detector)
    detector.failure = new Error('the host died')
    await hear(soundPackets(silence(0.1)))
    expect(edge.counts.failed).toBeGreaterThan(0)
    expect(String(edge.lastError)).toContain('the host died')
    detector.failure = undefined
    await hear(soundPackets(said))
    expect(events).toHaveLength(2)
    const { in: arrived, out, dropped, failed } = edge.counts
    expect(arrived).toBe(out + dropped + failed)
    close()
  })

  it('ends with its stream', async () => {
    const { sound, ends } = run()
    sound.complete()
    expect(ends).toEqual(['complete'])
  })
})

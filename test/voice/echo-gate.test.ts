import { describe, expect, it } from 'vitest'
import { voiceStep } from '../../engine/inference/speech.ts'
import { EchoGate } from '../../engine/voice/echo-gate.ts'
import type { VoiceOutput } from '../../engine/voice/voice-output.ts'

const played = 0.5
const output: VoiceOutput = {
  notice: () => undefined,
  play: async () => undefined,
  hold: () => undefined,
  resume: () => undefined,
  flush: async () => 0,
}

/** A gate and a microphone that hears steps of one level. */
function createGate() {
  const gate = new EchoGate()
  const watched = gate.watch(output)
  let place = 0
  return {
    watched,
    /** Seconds of a reply at half of full scale. */
    play: async (seconds: number, turn = 1) => {
      const samples = new Int16Array(24_000 * seconds).fill(played * 32_768)
      await watched.play({ turn, clause: 0, response: 'r', item: 'i', samples, sampleRate: 24_000 })
    },
    /** Whether each of the next steps is taken for echo. */
    hear: (level: number, steps = 1) =>
      Array.from({ length: steps }, () => {
        gate.hear(place + voiceStep)
        const isEcho = gate.isEcho(place, new Float32Array(voiceStep).fill(level))
        place += voiceStep
        return isEcho
      }),
  }
}

const all = (isEcho: boolean, steps: number) => new Array(steps).fill(isEcho)

describe('an echo gate', () => {
  it('takes what is 20 dB below what is played for echo, up to a second later, and what is as loud for a voice', async () => {
    const { play, hear } = createGate()
    expect(hear(0.01, 3)).toEqual(all(false, 3))
    await play(0.32)
    expect(hear(played / 10, 10)).toEqual(all(true, 10))
    expect(hear(played)).toEqual([false])
    expect(hear(played / 10, 30)).toEqual(all(true, 30))
    expect(hear(played / 10, 5).at(-1)).toBe(false)
  })

  it('learns within four seconds of playing that a client cancels echo, and hears soft voices then', async () => {
    const { play, hear } = createGate()
    await play(10)
    expect(hear(played / 15)).toEqual([true])
    hear(played / 1000, 128)
    expect(hear(played / 15)).toEqual([false])
    expect(hear(played / 50)).toEqual([true])
  })

  it('learns that a loudspeaker is near, and does not take a voice that lasts for one', async () => {
    const { play, hear } = createGate()
    await play(20)
    expect(hear(played / 3.5)).toEqual([false])
    hear(played, 60)
    expect(hear(played / 3.5)).toEqual([false])
    hear(played / 3.5, 128)
    expect(hear(played / 3.5)).toEqual([true])
    hear(played, 200)
    expect(hear(played)).toEqual([false])
  })

  it('knows nothing of what was dropped, and has what is held to come', async () => {
    const { play, hear, watched } = createGate()
    await play(5)
    hear(0, 10)
    watched.hold(1)
    hear(0, 40)
    expect(hear(played / 10)).toEqual([false])
    watched.resume(1)
    expect(hear(played / 10)).toEqual([true])
    await watched.flush(1)
    await play(5)
    hear(0, 40)
    expect(hear(played / 10)).toEqual([false])
    await play(5, 2)
    expect(hear(played / 10)).toEqual([true])
  })
})

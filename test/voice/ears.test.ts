import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { Ears } from '../../engine/voice/ears.ts'
import { EchoGate } from '../../engine/voice/echo-gate.ts'
import { serverDetection } from '../../engine/voice/settings.ts'
import type { UntimedEvent } from '../../engine/voice/voice-request.ts'
import { VoiceStages } from '../support/voice-stages.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

async function openEars(rate: number) {
  const stages = new VoiceStages()
  const told: UntimedEvent[] = []
  const ears = new Ears({
    detection: await stages.speech.detector.open(),
    recogniser: () => stages.speech.recogniser(),
    tell: (event) => told.push(event),
    echo: new EchoGate(),
    onDetectorFailure: (error) => expect.fail(String(error)),
  })
  /** In pieces of a length that divides nothing. */
  const hear = async (ms: number, value: number) => {
    const samples = new Int16Array((rate * ms) / 1000).fill(value)
    for (let at = 0; at < samples.length; at += 997) ears.hear(samples.subarray(at, at + 997), rate)
    await vi.advanceTimersByTimeAsync(0)
  }
  return { stages, told, ears, hear }
}

const ofType = (told: readonly UntimedEvent[], type: UntimedEvent['type']) =>
  told.filter((event) => event.type === type)

describe('ears', () => {
  it.each([8000, 16_000, 22_050, 24_000, 44_100, 48_000])(
    'hear where speech begins and ends in sound of %i Hz',
    async (rate) => {
      const { told, ears, hear } = await openEars(rate)
      ears.heed(serverDetection, 0)
      await hear(1000, 0)
      await hear(1000, 8000)
      await hear(1000, 0)
      const [speech] = ofType(told, 'speech') as { audioMs: number }[]
      const [silence] = ofType(told, 'silence') as { audioMs: number }[]
      // In steps of 32 ms; a filter's edges ring a little.
      expect(Math.abs((speech?.audioMs ?? 0) - 1000)).toBeLessThanOrEqual(34)
      expect(Math.abs((silence?.audioMs ?? 0) - 2000)).toBeLessThanOrEqual(34)
      expect(ofType(told, 'speech')).toHaveLength(1)
      const ms = ofType(told, 'audio').reduce((sum, event) => sum + (event as { ms: number }).ms, 0)
      expect(ms).toBeCloseTo(3000, 3)
      await ears[Symbol.asyncDispose]()
    },
  )

  it('give a turn the sound from its beginning on, also what came before it was asked for, and no more than it has', async () => {
    const { stages, told, ears, hear } = await openEars(24_000)
    await hear(500, 0)
    await hear(500, 8000)
    ears.listen(1, 400, {})
    await hear(200, 0)
    ears.transcribe(1, 1200)
    await vi.advanceTimersByTimeAsync(500)
    expect(stages.heard[0]?.length).toBe(800 * 16)
    expect(ofType(told, 'transcript')).toEqual([{ type: 'transcript', turn: 1, text: 'hello' }])
    await ears[Symbol.asyncDispose]()
    expect(stages.working).toMatchObject({ streams: 0, detections: 0 })
  })

  it('forget a turn, with the recogniser that works on it', async () => {
    const { stages, told, ears, hear } = await openEars(16_000)
    stages.hanging.add('recogniser')
    await hear(500, 8000)
    ears.listen(1, 0, {})
    ears.transcribe(1, 500)
    await vi.advanceTimersByTimeAsync(100)
    expect(stages.working.streams).toBe(1)
    ears.forget(1)
    await vi.advanceTimersByTimeAsync(100)
    expect(stages.working.streams).toBe(0)
    expect(ofType(told, 'transcript')).toEqual([])
    await ears[Symbol.asyncDispose]()
  })

  it('refuse what no microphone has, and more than ten minutes that nobody takes', async () => {
    const { ears, hear } = await openEars(8000)
    expect(() => ears.hear(new Int16Array(10), 0)).toThrow('sample rate')
    await hear(599_000, 0)
    await expect(hear(2000, 0)).rejects.toMatchObject({ code: 'busy' })
    ears.heed(null, 599_000)
    await ears[Symbol.asyncDispose]()
  })
})

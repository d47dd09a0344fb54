import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { decodeALaw, decodeMuLaw, encodeALaw, encodeMuLaw } from '../../../engine/audio/g711.ts'
import { RealtimeTrial } from '../../support/realtime-trial.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

/** A second of 1 kHz, as telephones sample it. */
const tone = Int16Array.from({ length: 8000 }, (_, i) => Math.round(8000 * Math.sin((2 * Math.PI * 1000 * i) / 8000)))

describe('P8: G.711, in and out', () => {
  it.each([
    ['audio/pcmu', 'g711_ulaw', encodeMuLaw, decodeMuLaw],
    ['audio/pcma', 'g711_alaw', encodeALaw, decodeALaw],
  ] as const)('is spoken as %s, and as %s to beta clients', async (ga, beta, encode, decode) => {
    for (const headers of [{}, { 'openai-beta': 'realtime=v1' }]) {
      const trial = await RealtimeTrial.open({ headers })
      const audio = { input: { format: { type: ga }, turn_detection: null }, output: { format: { type: ga } } }
      const flat = { input_audio_format: beta, output_audio_format: beta, turn_detection: null }
      trial.send({ type: 'session.update', session: trial.dialect === 'beta' ? flat : { audio } })
      await trial.pass(1)
      expect(trial.last('session.updated').session).toMatchObject(
        trial.dialect === 'beta' ? { input_audio_format: beta, output_audio_format: beta } : { audio },
      )
      trial.send({ type: 'input_audio_buffer.append', audio: Buffer.from(encode(tone)).toString('base64') })
      trial.send({ type: 'input_audio_buffer.commit' })
      await trial.pass(200)
      const [heard = new Float32Array()] = trial.stages.heard
      expect(heard.length).toBe(16_000)
      const power = heard.reduce((sum, value) => sum + value * value, 0) / heard.length
      expect(Math.sqrt(2 * power)).toBeCloseTo(8000 / 32_768, 2)
      trial.send({ type: 'response.create' })
      await trial.pass(3000)
      const type = trial.dialect === 'beta' ? 'response.audio.delta' : 'response.output_audio.delta'
      const bytes = Buffer.concat(trial.all(type).map(({ delta }) => Buffer.from(String(delta), 'base64')))
      // The fake voice says 12 letters of 50 ms each, all samples 1000.
      expect(bytes.length).toBe(12 * 50 * 8)
      const middle = decode(bytes).subarray(500, -500)
      expect(Math.max(...middle.map((value) => Math.abs(value - 1000)))).toBeLessThan(40)
      await trial.close()
    }
  })

  it('is refused at the rate of another format', async () => {
    const trial = await RealtimeTrial.open()
    trial.update({ audio: { input: { format: { type: 'audio/pcmu', rate: 24_000 } } } })
    expect(trial.last('error').error).toMatchObject({ code: 'invalid_value', param: 'session.audio.input.format' })
    await trial.close()
  })
})

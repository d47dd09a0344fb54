import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { bytesOf } from '../../../engine/audio/bytes-of.ts'
import { change, opus, packetsOf, pcm } from '../../support/opus-trial.ts'
import { purity } from '../../support/purity.ts'
import { RealtimeTrial } from '../../support/realtime-trial.ts'
import { tone } from '../../support/scripted-speech.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

describe('Opus from a client', () => {
  const ways = {
    binary: (trial: RealtimeTrial, packet: Uint8Array) => trial.client.binary(packet),
    append: (trial: RealtimeTrial, packet: Uint8Array) =>
      trial.send({ type: 'input_audio_buffer.append', audio: Buffer.from(packet).toString('base64') }),
  }

  it.each(['binary', 'append'] as const)(
    'is heard whole, a packet by each %s, also right behind its update',
    async (way) => {
      const trial = await RealtimeTrial.open()
      const packets = await packetsOf(tone(1000, 24_000, 1))
      trial.update({ audio: { input: { ...opus, turn_detection: null } } })
      for (const packet of packets) ways[way](trial, packet)
      trial.send({ type: 'input_audio_buffer.commit' })
      await trial.until('the commit', () => trial.all('input_audio_buffer.committed').length === 1)
      await trial.pass(200)
      expect(trial.last('session.updated').session).toMatchObject({ audio: { input: opus, output: pcm } })
      const [heard = new Float32Array()] = trial.stages.heard
      expect(heard.length).toBe(16_000)
      const middle = Int16Array.from(heard.subarray(4000, 12_000), (value) => value * 32_768)
      expect(purity(middle, 1000, 16_000)).toBeGreaterThan(20)
      expect(Math.max(...middle)).toBeCloseTo(16_000, -4)
      expect(trial.all('error')).toEqual([])
      await trial.close()
    },
  )

  it('begins and ends turns as any sound does', async () => {
    const trial = await RealtimeTrial.open()
    await change(trial, { input: opus })
    const packets = await packetsOf(Int16Array.from([...tone(300, 24_000, 0.8), ...new Int16Array(36_000)]))
    for (const packet of packets) {
      trial.client.binary(packet)
      await trial.pass(20)
    }
    expect(trial.last('input_audio_buffer.speech_started').audio_start_ms).toBe(0)
    expect(trial.last('response.done').response).toMatchObject({ status: 'completed' })
    await trial.close()
  })

  it('that is none is refused, and the next packets are heard', async () => {
    const trial = await RealtimeTrial.open()
    await change(trial, { input: { ...opus, turn_detection: null } })
    const junk = Buffer.from('OggS\0\x02 and so on')
    trial.client.binary(junk)
    const error = { type: 'invalid_request_error', code: 'invalid_value', param: 'audio' }
    expect(trial.last('error').error).toMatchObject({ ...error, event_id: null })
    trial.client.binary(new Uint8Array(0))
    trial.client.binary(new Uint8Array(15 * 1024 * 1024 + 1))
    expect(trial.all('error')).toHaveLength(3)
    trial.send({ type: 'input_audio_buffer.append', event_id: 'junk', audio: junk.toString('base64') })
    expect(trial.last('error').error).toMatchObject({ ...error, event_id: 'junk' })
    for (const packet of await packetsOf(tone(1000, 24_000, 0.5))) trial.client.binary(packet)
    trial.send({ type: 'input_audio_buffer.commit' })
    await trial.pass(200)
    expect(trial.stages.heard[0]?.length).toBe(8000)
    await trial.close()
  })

  it('gives way to PCM in mid-session, which may come as binary messages too', async () => {
    const trial = await RealtimeTrial.open()
    await change(trial, { input: { ...opus, turn_detection: null } })
    for (const packet of await packetsOf(tone(1000, 24_000, 0.5))) trial.client.binary(packet)
    await change(trial, { input: pcm })
    const bytes = bytesOf(tone(1000, 24_000, 0.5))
    for (let at = 0; at < bytes.length; at += 1001) trial.client.binary(bytes.subarray(at, at + 1001))
    trial.send({ type: 'input_audio_buffer.commit' })
    await trial.pass(200)
    expect(trial.stages.heard[0]?.length).toBe(16_000)
    expect(trial.all('error')).toEqual([])
    await trial.close()
  })
})

describe('what is not taken', () => {
  it('are Opus and binary messages from clients of the beta dialect', async () => {
    const trial = await RealtimeTrial.open({ headers: { 'openai-beta': 'realtime=v1' } })
    for (const session of [{ input_audio_format: 'audio/opus' }, { output_audio_format: 'audio/opus' }]) {
      trial.send({ type: 'session.update', event_id: 'opus', session })
      const [side] = Object.keys(session)[0]?.split('_') ?? []
      expect(trial.last('error').error).toMatchObject({
        ...{ type: 'invalid_request_error', param: `session.audio.${side}.format`, event_id: 'opus' },
      })
    }
    trial.client.binary(new Uint8Array(100))
    expect(trial.last('error').error).toMatchObject({ message: 'Expected text frames of JSON' })
    expect(trial.all('session.updated')).toEqual([])
    trial.send({ type: 'session.update', session: { output_audio_format: 'g711_ulaw' } })
    await trial.pass(1)
    expect(trial.last('session.updated').session).toMatchObject({ output_audio_format: 'g711_ulaw' })
    await trial.close()
  })

  it('is a rate of Opus', async () => {
    const trial = await RealtimeTrial.open()
    for (const rate of [8000, 24_000]) trial.update({ audio: { input: { format: { type: 'audio/opus', rate } } } })
    expect(trial.all('error').map(({ error }) => error)).toMatchObject(
      Array.from({ length: 2 }, () => ({ code: 'invalid_value', param: 'session.audio.input.format' })),
    )
    await trial.close()
  })
})

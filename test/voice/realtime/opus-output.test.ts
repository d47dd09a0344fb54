import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { ask, change, openListening, opus, pcm, soundOf } from '../../support/opus-trial.ts'
import { purity } from '../../support/purity.ts'
import type { RealtimeTrial } from '../../support/realtime-trial.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

describe('Opus for a client', () => {
  it('is the reply, a packet of 20 ms a message, in order with the events around it', async () => {
    const trial = await openListening()
    ask(trial)
    await trial.pass(3000)
    expect(trial.last('response.done').response).toMatchObject({ status: 'completed', audio: { output: opus } })
    // The fake voice says 12 letters of 50 ms each.
    expect(trial.packets).toHaveLength(30)
    const sound = await soundOf(trial.packets)
    expect(sound.length).toBe(0.6 * 24_000)
    expect(purity(sound.subarray(2400, 12_000), 500, 24_000)).toBeGreaterThan(20)
    expect(trial.all('response.output_audio.delta')).toEqual([])
    const { event_id: _, part: __, ...place } = trial.last('response.content_part.added')
    for (const { head } of trial.packets) expect(head).toEqual({ ...place, v: 1, type: 'audio/opus' })
    const added = trial.heard.indexOf(trial.last('response.content_part.added'))
    const done = trial.heard.indexOf(trial.last('response.output_audio.done'))
    for (const { after } of trial.packets) {
      expect(after).toBeGreaterThan(added)
      expect(after).toBeLessThanOrEqual(done)
    }
    await trial.close()
  })

  it('fills the last packet with silence where a reply is no whole number of them', async () => {
    const trial = await openListening()
    trial.stages.answers = [['Yes, it is. ']]
    ask(trial)
    await trial.pass(3000)
    // 11 letters: 27 packets and a half.
    expect(trial.packets).toHaveLength(28)
    await trial.close()
  })

  it('is sent at most 5 s ahead of the clock, and waits for a client that does not read', async () => {
    const trial = await openListening()
    trial.stages.answers = [Array.from({ length: 40 }, (_, i) => `This is sentence number ${i}. `)]
    ask(trial)
    await trial.pass(3000)
    const lead = trial.packets.length * 20
    expect(lead).toBeGreaterThan(5000)
    expect(lead).toBeLessThanOrEqual(5250 + 3000)
    trial.bufferedBytes = 2_000_000
    await trial.pass(1000)
    const stalled = trial.packets.length
    await trial.pass(3000)
    expect(trial.packets).toHaveLength(stalled)
    trial.bufferedBytes = 0
    trial.client.drained()
    await trial.pass(1000)
    expect(trial.packets.length).toBeGreaterThan(stalled)
    await trial.close()
  })

  it.each([
    [
      'a cancel',
      (trial: RealtimeTrial) => {
        const sent = trial.packets.length
        trial.send({ type: 'response.cancel' })
        return sent
      },
    ],
    [
      'speech',
      async (trial: RealtimeTrial) => {
        await trial.speak(400)
        const started = trial.heard.indexOf(trial.last('input_audio_buffer.speech_started'))
        return trial.packets.filter(({ after }) => after <= started).length
      },
    ],
  ])('ends with %s: no packet of the reply comes after', async (_, interrupt) => {
    const trial = await openListening()
    trial.stages.delays = { ...trial.stages.delays, token: 5000 }
    trial.stages.answers = [['Yes, it is. ', 'And so on. '], ['Yes. ']]
    ask(trial)
    await trial.pass(2000)
    // 11 letters: 27 packets, and half a one that waits for more.
    expect(trial.packets).toHaveLength(27)
    const sent = await interrupt(trial)
    const done = trial.last('response.done').response as { id: string }
    expect(done).toMatchObject({ status: 'cancelled' })
    await trial.pass(3000)
    const ofReply = trial.packets.filter(({ head }) => head.response_id === done.id)
    expect([sent, ofReply.length]).toEqual([27, 27])
    await trial.close()
  })

  it('ends within a piece of the voice as well', async () => {
    const trial = await openListening()
    trial.stages.answers = [['One two three four five six seven eight. ']]
    trial.onPacket = () => {
      if (trial.packets.length === 5) queueMicrotask(() => trial.send({ type: 'response.cancel' }))
    }
    ask(trial)
    await trial.pass(3000)
    expect(trial.last('response.done').response).toMatchObject({ status: 'cancelled' })
    expect(trial.packets).toHaveLength(5)
    await trial.close()
  })

  it('stays until the end of a response that began with it', async () => {
    const trial = await openListening()
    trial.stages.answers = [['One two three four. ', 'Five six seven eight. '], ['Yes. ']]
    ask(trial)
    await trial.pass(330)
    expect(trial.packets.length).toBeGreaterThan(0)
    await change(trial, { output: pcm })
    await trial.pass(5000)
    expect(trial.last('response.done').response).toMatchObject({ status: 'completed', audio: { output: opus } })
    expect(trial.packets.length * 20).toBe(40 * 50)
    expect(trial.all('response.output_audio.delta')).toEqual([])
    ask(trial)
    await trial.pass(3000)
    expect(trial.packets.length * 20).toBe(40 * 50)
    expect(trial.soundMs()).toBe(4 * 50)
    await trial.close()
  })

  it('is no matter of one response: another format than the session has is refused', async () => {
    const trial = await openListening()
    trial.send({ type: 'response.create', response: { audio: { output: pcm } } })
    expect(trial.last('error').error).toMatchObject({ param: 'response.audio.output.format' })
    trial.send({ type: 'response.create', response: { audio: { output: opus } } })
    await trial.pass(3000)
    expect(trial.packets.length).toBeGreaterThan(0)
    await trial.close()
  })
})

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { RealtimeTrial } from '../../support/realtime-trial.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const transcribing = { audio: { input: { transcription: { model: 'gpt-4o-mini-transcribe' } } } }
describe('R: what goes wrong', () => {
  it('R1: a minute of silence is no turn', async () => {
    const trial = await RealtimeTrial.open()
    await trial.beSilent(60_000)
    expect(trial.types()).toEqual(['session.created'])
    await trial.close()
  })

  it('R1: a noise in which nobody says anything leaves no item and gets no response', async () => {
    const trial = await RealtimeTrial.open()
    trial.update(transcribing)
    trial.stages.transcripts.push('')
    await trial.speak(300)
    await trial.beSilent(2000)
    expect(trial.last('conversation.item.input_audio_transcription.completed').transcript).toBe('')
    expect(trial.last('conversation.item.deleted').item_id).toBe(trial.last('input_audio_buffer.committed').item_id)
    expect(trial.all('response.created')).toEqual([])
    await trial.close()
  })

  it.each(['recogniser', 'language', 'synthesiser'] as const)(
    'R7: a %s that hangs ends its response with an error, and the session lives',
    async (stage) => {
      const deadlines = { recogniser: 1000, language: 1000, synthesiser: 1000, tool: 1000, player: 1000 }
      const trial = await RealtimeTrial.open({ machine: { deadlines } })
      trial.stages.hanging.add(stage)
      await trial.speak(600)
      await trial.beSilent(3500)
      expect(trial.last('error').error).toMatchObject({ type: 'server_error', code: 'timeout' })
      if (stage === 'recogniser') expect(trial.last('conversation.item.input_audio_transcription.failed')).toBeDefined()
      else
        expect(trial.last('response.done').response).toMatchObject({
          status: 'failed',
          status_details: { type: 'failed', error: { code: 'timeout' } },
        })
      trial.stages.hanging.clear()
      await trial.speak(600)
      await trial.beSilent(2500)
      expect(trial.last('response.done').response).toMatchObject({ status: 'completed' })
      await trial.close()
    },
  )

  it('R3: a client that leaves in mid-reply takes all work with it within 500 ms', async () => {
    const trial = await RealtimeTrial.open()
    trial.stages.answers = [Array.from({ length: 200 }, (_, i) => `Sentence ${i}. `)]
    await trial.speak(600)
    await trial.beSilent(1500)
    expect(trial.stages.working).toMatchObject({ generations: 1 })
    await trial.close()
    expect(trial.pool.size).toBe(0)
  })

  it('L4: hands out sound only so far ahead of what is heard, and waits for a socket that is behind', async () => {
    const trial = await RealtimeTrial.open()
    trial.stages.answers = [Array.from({ length: 60 }, (_, i) => `This is a long sentence with number ${i}. `)]
    await trial.speak(600)
    await trial.beSilent(1000)
    await trial.pass(4000)
    const ahead = trial.soundMs()
    expect(ahead).toBeGreaterThan(5000)
    expect(ahead).toBeLessThan(10_000)
    trial.bufferedBytes = 2_000_000
    await trial.pass(3000)
    const stuck = trial.soundMs()
    await trial.pass(10_000)
    expect(trial.soundMs()).toBe(stuck)
    await trial.close()
  })
})

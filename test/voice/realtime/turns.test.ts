import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { RealtimeTrial } from '../../support/realtime-trial.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const transcribing = { audio: { input: { transcription: { model: 'gpt-4o-mini-transcribe' } } } }
/** From the start of an answer to its end, by section 4.1 of the reference. */
const answer = [
  'response.created',
  'rate_limits.updated',
  'response.output_item.added',
  'conversation.item.added',
  'response.content_part.added',
  'response.output_audio_transcript.delta',
  'response.output_audio.delta',
  'response.output_audio.done',
  'response.output_audio_transcript.done',
  'response.content_part.done',
  'response.output_item.done',
  'conversation.item.done',
  'response.done',
]

describe('P5: a normal turn', () => {
  it('has the events of the reference, in their order', async () => {
    const trial = await RealtimeTrial.open()
    trial.stages.transcripts.push('what time is it')
    trial.stages.answers = [['It is noon. ']]
    trial.update(transcribing)
    await trial.beSilent(500)
    await trial.speak(800)
    await trial.beSilent(1500)
    expect(trial.types()).toEqual([
      'session.created',
      'session.updated',
      'input_audio_buffer.speech_started',
      'input_audio_buffer.speech_stopped',
      'input_audio_buffer.committed',
      'conversation.item.added',
      'conversation.item.done',
      'conversation.item.input_audio_transcription.completed',
      ...answer,
    ])
    const user = trial.last('input_audio_buffer.committed').item_id
    // The detector works in steps of 32 ms; 300 ms of prefix.
    expect(trial.last('input_audio_buffer.speech_started')).toMatchObject({ item_id: user, audio_start_ms: 180 })
    expect(trial.last('input_audio_buffer.speech_stopped')).toMatchObject({ item_id: user, audio_end_ms: 1312 })
    expect(trial.last('conversation.item.input_audio_transcription.completed')).toMatchObject({
      item_id: user,
      transcript: 'what time is it',
      usage: { type: 'duration', seconds: 1.132 },
    })
    expect(trial.last('response.done').response).toMatchObject({
      status: 'completed',
      status_details: null,
      output: [
        { role: 'assistant', status: 'completed', content: [{ type: 'output_audio', transcript: 'It is noon. ' }] },
      ],
    })
    expect(trial.soundMs()).toBeCloseTo('It is noon.'.length * 50, 0)
    await trial.close()
  })

  it('gives the recogniser each sample once, from the prefix to the end of speech', async () => {
    const trial = await RealtimeTrial.open()
    await trial.beSilent(1000)
    await trial.speak(1000)
    await trial.beSilent(1000)
    await trial.speak(1000)
    await trial.beSilent(1000)
    const loud = trial.stages.heard.map((samples) => samples.filter((value) => Math.abs(value) > 0.1).length / 16)
    expect(loud.map((ms) => Math.round(ms / 10) * 10)).toEqual([1000, 1000])
    await trial.close()
  })

  it('P7: names the real predecessor of each item', async () => {
    const trial = await RealtimeTrial.open()
    for (let i = 0; i < 2; i++) {
      await trial.speak(600)
      await trial.beSilent(4000)
    }
    const added = trial
      .all('conversation.item.added')
      .map(({ item, previous_item_id }) => [(item as { id: string }).id, previous_item_id])
    expect(added).toHaveLength(4)
    expect(added.map(([, previous]) => previous)).toEqual([null, ...added.slice(0, 3).map(([id]) => id)])
    await trial.close()
  })

  it('P9: tells partial texts that only grow, and of which the whole text is the authority', async () => {
    const trial = await RealtimeTrial.open()
    trial.update(transcribing)
    trial.stages.partials = ['turn', 'turn on', 'turn on the', 'turn off the light', 'turn off the light now']
    trial.stages.transcripts.push('turn on the light now please')
    await trial.speak(1600)
    await trial.beSilent(1500)
    const deltas = trial.all('conversation.item.input_audio_transcription.delta').map(({ delta }) => delta)
    expect(deltas).toEqual(['turn', ' on', ' the light'])
    expect(trial.last('conversation.item.input_audio_transcription.completed').transcript).toBe(
      'turn on the light now please',
    )
    await trial.close()
  })

  it('L5: measures each of its parts, in the usage of its response', async () => {
    const trial = await RealtimeTrial.open()
    await trial.speak(800)
    await trial.beSilent(2500)
    const { usage } = trial.last('response.done').response as { usage: Record<string, Record<string, number>> }
    expect(usage).toMatchObject({ input_tokens: 7, output_tokens: 2, total_tokens: 9 })
    const { hailstream } = usage
    expect(hailstream).toMatchObject({
      transcription_delay_ms: 100,
      ttft_ms: 200,
      tokens_per_second: 50,
      cancelled: false,
    })
    // 500 ms of silence, of which the detector's own delay is a part.
    expect(hailstream?.end_of_utterance_delay_ms).toBeGreaterThan(480)
    expect(hailstream?.end_of_utterance_delay_ms).toBeLessThan(540)
    expect(hailstream?.ttfb_ms).toBe(50)
    await trial.close()
  })
})

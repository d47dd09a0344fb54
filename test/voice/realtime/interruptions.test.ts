import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { RealtimeTrial } from '../../support/realtime-trial.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

describe('B: an interruption', () => {
  async function beginLongAnswer(trial: RealtimeTrial): Promise<void> {
    trial.stages.answers = [Array.from({ length: 40 }, (_, i) => `This is sentence number ${i}. `), ['Yes. ']]
    await trial.speak(600)
    await trial.beSilent(2000)
    expect(trial.all('response.output_audio.delta').length).toBeGreaterThan(0)
  }

  it('P5: has the events of the reference, in their order', async () => {
    const trial = await RealtimeTrial.open()
    await beginLongAnswer(trial)
    const from = trial.heard.length
    await trial.speak(100)
    const seen = trial.types(from)
    expect(seen.slice(seen.indexOf('input_audio_buffer.speech_started'))).toEqual([
      'input_audio_buffer.speech_started',
      'response.output_audio.done',
      'response.output_audio_transcript.done',
      'response.content_part.done',
      'response.output_item.done',
      'conversation.item.done',
      'response.done',
    ])
    expect(trial.last('response.output_item.done').item).toMatchObject({ status: 'incomplete' })
    expect(trial.last('response.done').response).toMatchObject({
      status: 'cancelled',
      status_details: { type: 'cancelled', reason: 'turn_detected' },
    })
    await trial.close()
  })

  it('B1: gives no more sound of the reply once speech was told', async () => {
    const trial = await RealtimeTrial.open()
    await beginLongAnswer(trial)
    await trial.speak(400)
    const cancelled = (trial.last('response.done').response as { id: string }).id
    const started = trial.heard.indexOf(trial.all('input_audio_buffer.speech_started').at(-1) as never)
    await trial.beSilent(2000)
    const late = trial.heard
      .slice(started)
      .filter((event) => event.response_id === cancelled && event.type.endsWith('.delta'))
    expect(late).toEqual([])
    expect(trial.stages.working).toMatchObject({ generations: 0, voices: 0 })
    expect(trial.last('response.done').response).toMatchObject({ status: 'completed' })
    await trial.close()
  })

  it('B2: aborts the model within a token, and the next turn begins within 200 ms', async () => {
    const trial = await RealtimeTrial.open()
    trial.stages.delays = { ...trial.stages.delays, firstToken: 300, token: 200 }
    await beginLongAnswer(trial)
    expect(trial.stages.working.generations).toBe(1)
    const words = trial.all('response.output_audio_transcript.delta').length
    trial.send({ type: 'response.cancel' })
    await trial.pass(0)
    expect(trial.stages.working).toMatchObject({ generations: 0, voices: 0 })
    const content = [{ type: 'input_text', text: 'Something else!' }]
    trial.send({ type: 'conversation.item.create', item: { type: 'message', role: 'user', content } })
    trial.send({ type: 'response.create' })
    await trial.pass(200)
    expect(trial.stages.requests).toHaveLength(2)
    expect(trial.all('response.output_audio_transcript.delta')).toHaveLength(words)
    await trial.close()
  })

  it('B3: keeps of the reply the words that were heard, also when its response was completed', async () => {
    const trial = await RealtimeTrial.open()
    trial.stages.answers = [['One two three four. '], ['Yes. ']]
    await trial.speak(600)
    await trial.beSilent(1300)
    const done = trial.last('response.done').response as { status: string; output: { id: string }[] }
    expect(done.status).toBe('completed')
    const item_id = done.output[0]?.id
    trial.send({ type: 'conversation.item.truncate', item_id, content_index: 0, audio_end_ms: 500 })
    expect(trial.last('conversation.item.truncated')).toMatchObject({ item_id, content_index: 0, audio_end_ms: 500 })
    trial.send({ type: 'conversation.item.retrieve', item_id })
    expect(trial.last('conversation.item.retrieved').item).toMatchObject({ content: [{ transcript: 'One two' }] })
    await trial.speak(600)
    await trial.beSilent(1500)
    const input = trial.stages.requests.at(-1)?.input
    expect(input).toMatchObject({
      messages: [{ role: 'user' }, { role: 'assistant', content: 'One two' }, { role: 'user' }],
    })
    await trial.close()
  })

  it('B3: takes up to 100 ms beyond the end as the end, and refuses more', async () => {
    const trial = await RealtimeTrial.open()
    trial.stages.answers = [['One two three four. ']]
    await trial.speak(600)
    await trial.beSilent(3000)
    const { output } = trial.last('response.done').response as { output: { id: string }[] }
    const item_id = output[0]?.id
    const truncate = (audio_end_ms: number) =>
      trial.send({
        type: 'conversation.item.truncate',
        event_id: `at-${audio_end_ms}`,
        item_id,
        content_index: 0,
        audio_end_ms,
      })
    truncate(1000)
    expect(trial.last('conversation.item.truncated')).toMatchObject({ audio_end_ms: 1000 })
    truncate(1100)
    expect(trial.last('error').error).toMatchObject({ type: 'invalid_request_error', event_id: 'at-1100' })
    truncate(0)
    trial.send({ type: 'conversation.item.retrieve', item_id })
    expect(trial.last('conversation.item.retrieved').item).toMatchObject({ content: [{ transcript: '' }] })
    await trial.close()
  })

  it('B6: is made as well by a cancel, and by a text with a request for a response after it', async () => {
    const trial = await RealtimeTrial.open()
    await beginLongAnswer(trial)
    trial.send({ type: 'response.cancel' })
    expect(trial.last('response.done').response).toMatchObject({
      status: 'cancelled',
      status_details: { reason: 'client_cancelled' },
    })
    const sound = trial.all('response.output_audio.delta').length
    await trial.pass(500)
    expect(trial.all('response.output_audio.delta')).toHaveLength(sound)
    trial.send({
      type: 'conversation.item.create',
      item: { type: 'message', role: 'user', content: [{ type: 'input_text', text: 'Are you there?' }] },
    })
    trial.send({ type: 'response.create' })
    await trial.pass(2000)
    expect(trial.last('response.done').response).toMatchObject({ status: 'completed' })
    const input = trial.stages.requests.at(-1)?.input as { messages: { role: string; content: string }[] }
    expect(input.messages.at(-1)).toMatchObject({ role: 'user', content: 'Are you there?' })
    await trial.close()
  })

  it('B4: by a noise in which nobody says anything is made good: the rest of the reply is said after all', async () => {
    const trial = await RealtimeTrial.open()
    await beginLongAnswer(trial)
    trial.stages.transcripts.push('')
    await trial.speak(200)
    expect(trial.last('response.done').response).toMatchObject({ status: 'cancelled' })
    const from = trial.heard.length
    await trial.beSilent(2000)
    expect(trial.types(from)).toContain('response.created')
    expect(trial.heard.slice(from).some(({ type }) => type === 'response.output_audio.delta')).toBe(true)
    trial.stages.answers = [['Yes. ']]
    trial.stages.transcripts.push('enough')
    await trial.speak(600)
    await trial.beSilent(2500)
    expect(trial.last('response.done').response).toMatchObject({
      status: 'completed',
      output: [{ content: [{ transcript: 'Yes. ' }] }],
    })
    await trial.close()
  })
})

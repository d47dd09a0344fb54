import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { RealtimeTrial } from '../../support/realtime-trial.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const say = (text: string, more: object = {}) => ({
  type: 'conversation.item.create',
  item: { type: 'message', role: 'user', content: [{ type: 'input_text', text }], ...more },
})
const errorOf = (trial: RealtimeTrial) => trial.last('error').error

describe('P7: the configuration', () => {
  it('is told with every field that it has', async () => {
    const trial = await RealtimeTrial.open({ query: 'model=gpt-realtime' })
    expect(trial.heard[0]).toMatchObject({
      type: 'session.created',
      session: {
        object: 'realtime.session',
        type: 'realtime',
        model: 'gpt-realtime',
        output_modalities: ['audio'],
        tool_choice: 'auto',
        max_output_tokens: 'inf',
        audio: {
          input: {
            format: { type: 'audio/pcm', rate: 24_000 },
            transcription: null,
            noise_reduction: null,
            turn_detection: {
              ...{ type: 'server_vad', threshold: 0.5, prefix_padding_ms: 300, silence_duration_ms: 500 },
              ...{ idle_timeout_ms: null, create_response: true, interrupt_response: true },
            },
          },
          output: { format: { type: 'audio/pcm', rate: 24_000 }, voice: 'fake-en', speed: 1 },
        },
      },
    })
    await trial.close()
  })

  it('takes what stock clients send, and answers with all of it', async () => {
    const trial = await RealtimeTrial.open()
    trial.update({ tracing: 'auto' })
    trial.update({
      model: 'gpt-realtime',
      instructions: 'Be kind.',
      output_modalities: ['audio'],
      audio: {
        input: {
          format: { type: 'audio/pcm', rate: 24_000 },
          noise_reduction: null,
          transcription: { model: 'gpt-4o-mini-transcribe' },
          turn_detection: { type: 'semantic_vad' },
        },
        output: { format: { type: 'audio/pcm', rate: 24_000 }, voice: 'ash', speed: 1 },
      },
      tools: [
        {
          type: 'function',
          name: 'now',
          description: 'The time.',
          parameters: { type: 'object', properties: {} },
          strict: true,
        },
      ],
      tool_choice: 'auto',
    })
    expect(trial.all('error')).toEqual([])
    expect(trial.last('session.updated').session).toMatchObject({
      tracing: 'auto',
      instructions: 'Be kind.',
      audio: {
        input: {
          transcription: { model: 'gpt-4o-mini-transcribe' },
          turn_detection: { type: 'semantic_vad', eagerness: 'auto', create_response: true, interrupt_response: true },
        },
        output: { voice: 'ash' },
      },
    })
    await trial.close()
  })

  it('changes only where a field is present, and is cleared by null and empty values', async () => {
    const trial = await RealtimeTrial.open()
    trial.update({
      instructions: 'Be brief.',
      audio: { input: { turn_detection: { type: 'server_vad', threshold: 0.8 } } },
    })
    trial.update({ audio: { input: { turn_detection: { type: 'server_vad', silence_duration_ms: 300 } } } })
    expect(trial.last('session.updated').session).toMatchObject({
      instructions: 'Be brief.',
      audio: { input: { turn_detection: { threshold: 0.8, silence_duration_ms: 300, prefix_padding_ms: 300 } } },
    })
    trial.update({ instructions: '', tools: [], audio: { input: { turn_detection: null } } })
    expect(trial.last('session.updated').session).toMatchObject({
      instructions: '',
      audio: { input: { turn_detection: null } },
    })
    await trial.speak(500)
    await trial.beSilent(1000)
    expect(trial.all('input_audio_buffer.speech_started')).toEqual([])
    trial.send({ type: 'input_audio_buffer.commit' })
    await trial.pass(200)
    expect(trial.stages.heard[0]?.length).toBe(1500 * 16)
    expect(trial.all('response.created')).toEqual([])
    await trial.close()
  })

  it('keeps a voice that was heard', async () => {
    const trial = await RealtimeTrial.open()
    trial.update({ audio: { output: { voice: 'fake-de' } } })
    trial.send(say('Hello?'))
    trial.send({ type: 'response.create' })
    await trial.pass(3000)
    expect(trial.stages.spoken[0]?.options).toMatchObject({ voice: 'fake-de' })
    trial.update({ audio: { output: { voice: 'fake-en' } } })
    expect(errorOf(trial)).toMatchObject({ code: 'cannot_update_voice' })
    await trial.close()
  })
})

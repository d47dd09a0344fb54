import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { serverEventTypes } from '../../support/realtime-schema.ts'
import { RealtimeTrial } from '../../support/realtime-trial.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const headers = { 'openai-beta': 'realtime=v1' }

describe('P6: the beta dialect', () => {
  it.each([
    ['its header', { headers }],
    ['its subprotocol', { offered: ['realtime', 'openai-insecure-api-key.k', 'openai-beta.realtime-v1'] }],
  ])('is spoken to clients that ask for it by %s, with its names alone', async (_, options) => {
    const trial = await RealtimeTrial.open(options)
    trial.stages.answers = [['It is noon. ']]
    trial.send({
      type: 'session.update',
      session: {
        modalities: ['text', 'audio'],
        instructions: 'Be kind.',
        voice: 'alloy',
        input_audio_format: 'pcm16',
        output_audio_format: 'pcm16',
        input_audio_transcription: { model: 'whisper-1' },
        turn_detection: { type: 'server_vad', threshold: 0.5, prefix_padding_ms: 300, silence_duration_ms: 500 },
        tools: [],
        tool_choice: 'auto',
        temperature: 0.8,
        max_response_output_tokens: 'inf',
      },
    })
    expect(trial.last('session.updated').session).toMatchObject({
      ...{ modalities: ['text', 'audio'], voice: 'alloy', input_audio_format: 'pcm16', temperature: 0.8 },
      ...{ input_audio_transcription: { model: 'whisper-1' }, max_response_output_tokens: 'inf' },
      turn_detection: { create_response: true, interrupt_response: true },
    })
    await trial.speak(800)
    await trial.beSilent(1500)
    expect(trial.types()).toEqual([
      ...['session.created', 'conversation.created', 'session.updated'],
      ...['input_audio_buffer.speech_started', 'input_audio_buffer.speech_stopped', 'input_audio_buffer.committed'],
      ...['conversation.item.created', 'conversation.item.input_audio_transcription.completed'],
      ...['response.created', 'rate_limits.updated', 'response.output_item.added', 'conversation.item.created'],
      ...['response.content_part.added', 'response.audio_transcript.delta', 'response.audio.delta'],
      ...['response.audio.done', 'response.audio_transcript.done', 'response.content_part.done'],
      ...['response.output_item.done', 'response.done'],
    ])
    expect(serverEventTypes('beta')).toEqual(expect.arrayContaining(trial.types()))
    expect(trial.last('response.done').response).toMatchObject({
      modalities: ['text', 'audio'],
      output: [{ content: [{ type: 'audio', transcript: 'It is noon. ' }] }],
    })
    expect(trial.stages.requests[0]?.sampling).toEqual({ temperature: 0.8 })
    await trial.close()
  })

  it('takes responses of text, and items of the assistant, by its names', async () => {
    const trial = await RealtimeTrial.open({ headers })
    trial.send({
      type: 'conversation.item.create',
      item: { type: 'message', role: 'assistant', content: [{ type: 'text', text: 'I am here.' }] },
    })
    trial.send({ type: 'response.create', response: { modalities: ['text'], max_response_output_tokens: 50 } })
    await trial.pass(1000)
    expect(trial.last('response.text.done')).toMatchObject({ text: 'Hello there. ' })
    expect(trial.last('response.done').response).toMatchObject({ modalities: ['text'], max_output_tokens: 50 })
    expect(trial.stages.requests[0]?.input).toEqual({ messages: [{ role: 'assistant', content: 'I am here.' }] })
    await trial.close()
  })
})

describe('a session that only transcribes', () => {
  it.each([
    [
      'GA',
      {},
      {
        type: 'session.update',
        session: { type: 'transcription', audio: { input: { transcription: { model: 'whisper-1', language: 'en' } } } },
      },
    ],
    [
      'beta',
      headers,
      {
        type: 'transcription_session.update',
        session: { input_audio_transcription: { model: 'whisper-1', language: 'en' } },
      },
    ],
  ])('writes down what is said, and answers nothing: %s', async (_, given, update) => {
    const trial = await RealtimeTrial.open({ query: 'intent=transcription', headers: given })
    trial.stages.transcripts.push('take a note')
    trial.send(update)
    expect(trial.last('session.updated').session).toMatchObject({ object: 'realtime.transcription_session' })
    await trial.speak(800)
    await trial.beSilent(2000)
    expect(trial.last('conversation.item.input_audio_transcription.completed').transcript).toBe('take a note')
    trial.send({ type: 'response.create' })
    await trial.pass(1000)
    expect(trial.last('error').error).toMatchObject({ type: 'invalid_request_error' })
    expect(trial.all('response.created')).toEqual([])
    expect(trial.stages.requests).toEqual([])
    await trial.close()
  })
})

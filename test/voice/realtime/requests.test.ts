import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { serverEventTypes } from '../../support/realtime-schema.ts'
import { RealtimeTrial } from '../../support/realtime-trial.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const say = (text: string, more: object = {}) => ({
  type: 'conversation.item.create',
  item: { type: 'message', role: 'user', content: [{ type: 'input_text', text }], ...more },
})
const errorOf = (trial: RealtimeTrial) => trial.last('error').error

describe('P4: what a client says', () => {
  it.each([
    ['no JSON', 'hello', { code: 'invalid_value', event_id: null }],
    [
      'an unknown event',
      { type: 'session.destroy', event_id: 'e1' },
      { code: 'invalid_value', param: 'type', event_id: 'e1' },
    ],
    [
      'an unknown field',
      { type: 'session.update', event_id: 'e2', session: { colour: 'red' } },
      { code: 'unknown_parameter', param: 'session.colour', event_id: 'e2' },
    ],
    [
      'a wrong value',
      { type: 'session.update', event_id: 'e3', session: { output_modalities: ['audio', 'text'] } },
      { code: 'invalid_value', param: 'session.output_modalities', event_id: 'e3' },
    ],
    ['no base64', { type: 'input_audio_buffer.append', audio: '!!' }, { code: 'invalid_value', param: 'audio' }],
    [
      'a cancel of nothing',
      { type: 'response.cancel', event_id: 'e4' },
      { code: 'response_cancel_not_active', event_id: 'e4' },
    ],
    [
      'a commit of nothing',
      { type: 'input_audio_buffer.commit', event_id: 'e5' },
      { code: 'input_audio_buffer_commit_empty', event_id: 'e5' },
    ],
    ['what is for WebRTC', { type: 'output_audio_buffer.clear', event_id: 'e6' }, { event_id: 'e6' }],
    [
      'an unknown item',
      { type: 'conversation.item.retrieve', event_id: 'e7', item_id: 'nobody' },
      { code: 'not-found', event_id: 'e7' },
    ],
    [
      'an output without a call',
      { type: 'conversation.item.create', item: { type: 'function_call_output', call_id: 'c', output: '1' } },
      { code: 'invalid' },
    ],
    [
      'a tool that must be called',
      { type: 'response.create', response: { tool_choice: 'required' } },
      { param: 'response.tool_choice' },
    ],
  ])('that is %s gets an error of its own, and the session lives', async (_, event, expected) => {
    const trial = await RealtimeTrial.open()
    if (typeof event === 'string') trial.client.text(event)
    else trial.send(event)
    expect(errorOf(trial)).toMatchObject({ type: 'invalid_request_error', ...expected })
    trial.update({})
    expect(trial.last('session.updated')).toBeDefined()
    await trial.close()
  })

  it('that is a response while one is in progress is refused', async () => {
    const trial = await RealtimeTrial.open()
    trial.send(say('Hello?'))
    trial.send({ type: 'response.create' })
    await trial.pass(50)
    trial.send({ type: 'response.create', event_id: 'second' })
    expect(errorOf(trial)).toMatchObject({ code: 'conversation_already_has_active_response', event_id: 'second' })
    await trial.pass(3000)
    expect(trial.all('response.done')).toHaveLength(1)
    await trial.close()
  })

  it('gets answers of which each has an id of its own', async () => {
    const trial = await RealtimeTrial.open()
    trial.send(say('Hello?'))
    trial.send({ type: 'response.create' })
    await trial.pass(3000)
    const ids = trial.heard.map(({ event_id }) => event_id)
    expect(new Set(ids).size).toBe(ids.length)
    expect(serverEventTypes('ga')).toEqual(expect.arrayContaining(trial.types()))
    await trial.close()
  })
})

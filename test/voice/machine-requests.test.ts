import { describe, expect, it } from 'vitest'
import { VoiceTrial } from '../support/voice-trial.ts'

describe('by hand', () => {
  it('push to talk interrupts at once, and letting go is answered', () => {
    const trial = new VoiceTrial({}, { turnDetection: null })
    trial.tell({ type: 'press' })
    trial.pass(500)
    trial.tell({ type: 'release' })
    trial.tell({ type: 'transcript', turn: 1, text: 'Hello' })
    trial.write('Hi.')
    trial.tell({ type: 'press' })
    expect(trial.all('stop-reply')).toEqual([{ type: 'stop-reply', turn: 1 }])
    trial.tell({ type: 'release' })
    expect(trial.told('speech-stopped').map(({ outcome }) => outcome)).toEqual(['committed', 'dismissed'])
  })

  it('nothing is made of what the voice detector hears', () => {
    const trial = new VoiceTrial({}, { turnDetection: null })
    trial.speak(1000)
    trial.pass(1000)
    expect(trial.notices).toEqual([])
  })

  it('a commit takes the sound once, and is answered when that is asked for and the text is there', () => {
    const trial = new VoiceTrial({}, { turnDetection: null })
    trial.pass(500)
    trial.tell({ type: 'commit' })
    trial.tell({ type: 'respond' })
    expect(trial.all('generate')).toEqual([])
    trial.tell({ type: 'transcript', turn: 1, text: 'Hello' })
    expect(trial.prompt).toEqual(['user: Hello'])
    trial.pass(99)
    trial.tell({ type: 'commit', id: 'e1' })
    expect(trial.told('refused')).toMatchObject([{ id: 'e1', reason: 'input_audio_buffer_commit_empty' }])
    trial.pass(1)
    trial.tell({ type: 'commit' })
    expect(trial.told('committed').map(({ fromMs, toMs }) => [fromMs, toMs])).toEqual([
      [0, 500],
      [500, 600],
    ])
  })

  it('a clear forgets the sound', () => {
    const trial = new VoiceTrial({}, { turnDetection: null })
    trial.pass(500)
    trial.tell({ type: 'clear' })
    trial.tell({ type: 'commit' })
    expect(trial.told('refused')).toHaveLength(1)
  })
})

describe('requests', () => {
  const speaking = () => {
    const trial = new VoiceTrial()
    trial.say('Count')
    trial.write('One two three.')
    trial.sound(1000)
    trial.play(400)
    return trial
  }

  it('to cancel end the response, and are refused where there is none', () => {
    const trial = speaking()
    trial.tell({ type: 'cancel-response' })
    expect(trial.told('response-ended')[0]?.end).toEqual({ status: 'cancelled', reason: 'client_cancelled' })
    trial.tell({ type: 'cancel-response', id: 'e' })
    expect(trial.told('refused')).toMatchObject([{ id: 'e', reason: 'response_cancel_not_active' }])
  })

  it('to cancel another response are refused', () => {
    const trial = speaking()
    trial.tell({ type: 'cancel-response', response: 'resp_999' })
    expect(trial.told('refused')).toHaveLength(1)
    expect(trial.told('response-ended')).toEqual([])
  })

  it('for a second response are refused, but interrupt one that only plays', () => {
    const trial = speaking()
    trial.tell({ type: 'respond' })
    expect(trial.told('refused')).toMatchObject([{ reason: 'conversation_already_has_active_response' }])
    trial.endWriting()
    trial.tell({ type: 'respond' })
    expect(trial.all('flush')).toHaveLength(1)
    expect(trial.prompt).toEqual(['user: Count', 'assistant: One'])
  })

  it('typed words interrupt as a voice does', () => {
    const trial = speaking()
    trial.tell({ type: 'say', text: 'Stop' })
    expect(trial.told('response-ended')).toHaveLength(1)
    expect(trial.prompt).toEqual(['user: Count', 'assistant: One', 'user: Stop'])
  })

  it('to be quiet end the reply and the one that is owed', () => {
    const trial = speaking()
    trial.tell({ type: 'interrupt' })
    trial.speak(500)
    trial.pass(600)
    trial.tell({ type: 'interrupt' })
    trial.tell({ type: 'transcript', turn: 2, text: 'Hello' })
    expect(trial.all('generate')).toHaveLength(1)
  })

  it('to truncate keep what was heard, during the reply, after it, and not beyond its end', () => {
    const trial = speaking()
    trial.endWriting()
    const item = trial.told('item-added')[0]?.item.id ?? ''
    trial.tell({ type: 'truncate', item, endMs: 1101 })
    expect(trial.told('refused')[0]?.message).toContain('Expected audio_end_ms to be 0 to 1000')
    trial.tell({ type: 'truncate', item, endMs: 600 })
    expect(trial.all('flush')).toHaveLength(1)
    trial.say('Why?')
    expect(trial.prompt[1]).toBe('assistant: One two')
    trial.tell({ type: 'truncate', item, endMs: 0 })
    trial.tell({ type: 'interrupt' })
    trial.say('Why?')
    expect(trial.prompt).toEqual(['user: Count\nWhy?\nWhy?'])
  })

  it('out of band leave the conversation as it was', () => {
    const trial = new VoiceTrial()
    trial.say('Count')
    trial.answer('One.')
    const { history } = trial.state
    const messages = [{ role: 'user' as const, content: 'Is this rude?' }]
    trial.tell({ type: 'respond', isOutOfBand: true, messages, settings: { modality: 'text' } })
    expect(trial.prompt).toEqual(['user: Is this rude?'])
    trial.write('No.')
    trial.endWriting()
    expect(trial.told('response-ended')).toHaveLength(2)
    expect(trial.all('speak')).toHaveLength(1)
    expect(trial.state.history).toEqual(history)
  })

  it('put items anywhere, and delete them', () => {
    const trial = new VoiceTrial()
    const item = (id: string) => ({ id, type: 'message', role: 'user', text: id }) as const
    trial.tell({ type: 'create-item', item: item('a') })
    trial.tell({ type: 'create-item', item: item('b'), previous: null })
    trial.tell({ type: 'create-item', item: item('c'), previous: 'b' })
    expect(trial.told('item-added').map(({ previous }) => previous)).toEqual([null, null, 'b'])
    trial.tell({ type: 'delete-item', item: 'c' })
    trial.tell({ type: 'delete-item', id: 'e', item: 'c' })
    expect(trial.told('refused')).toMatchObject([{ id: 'e', code: 'not-found' }])
    expect(trial.state.history.map(({ id }) => id)).toEqual(['b', 'a'])
  })

  it('to change the settings leave a reply under way as it began', () => {
    const trial = new VoiceTrial({ builtInTools: ['look'] }, { instructions: 'Be brief.' })
    trial.say('Count')
    trial.tell({ type: 'update', settings: { instructions: 'Be long.' } })
    const { turn, round } = trial.last('generate')
    trial.tell({ type: 'tool-call', turn, round, call: { id: 'a', name: 'look', arguments: {} } })
    trial.tell({ type: 'generated', turn, round })
    trial.tell({ type: 'tool-result', turn: 1, callId: 'a', output: '3' })
    expect(trial.prompt[0]).toBe('system: Be brief.')
    trial.answer('One.')
    trial.say('More')
    expect(trial.prompt[0]).toBe('system: Be long.')
  })
})

it('ends everything when it is closed, once', () => {
  const trial = new VoiceTrial()
  trial.say('Hello')
  trial.write('One.')
  trial.speak(100)
  trial.tell({ type: 'close' })
  expect(trial.told('response-ended')[0]?.end).toEqual({ status: 'cancelled', reason: 'closed' })
  expect(trial.told('speech-stopped')).toHaveLength(2)
  expect(trial.timers).toEqual([])
  expect(trial.last('end')).toEqual({ type: 'end' })
  expect(trial.tell({ type: 'close' })).toEqual([])
  expect(trial.tell({ type: 'respond' })).toEqual([])
})

import { describe, expect, it } from 'vitest'
import type { ToolCall } from '../../engine/inference/language.ts'
import { serverDetection } from '../../engine/voice/settings.ts'
import { VoiceTrial } from '../support/voice-trial.ts'

const call = (id: string, name = 'look'): ToolCall => ({ id, name, arguments: { id } })
const look = { name: 'look', parameters: {} }

function callTools(trial: VoiceTrial, ...calls: readonly ToolCall[]): void {
  const { turn, round } = trial.last('generate')
  for (const one of calls) trial.tell({ type: 'tool-call', turn, round, call: one })
  trial.tell({ type: 'generated', turn, round })
}

describe('tools', () => {
  const withTools = (options = {}) => new VoiceTrial({ builtInTools: ['look'], ...options }, { tools: [look] })

  it('of the engine are called in order, and the model goes on when all have answered', () => {
    const trial = withTools()
    trial.say('What is there?')
    trial.write('Let me look.')
    callTools(trial, call('a'), call('b'))
    expect(trial.all('call-tool').map((one) => one.call.id)).toEqual(['a', 'b'])
    trial.tell({ type: 'tool-result', turn: 1, callId: 'b', output: 'a dog' })
    expect(trial.all('generate')).toHaveLength(1)
    trial.tell({ type: 'tool-result', turn: 1, callId: 'a', output: 'a cat' })
    expect(trial.prompt).toEqual(['user: What is there?', 'assistant: Let me look. ', 'tool: a cat', 'tool: a dog'])
    trial.sound(500)
    expect(trial.told('response-ended')).toEqual([])
    trial.write('A cat.')
    trial.sound(500)
    trial.endWriting()
    expect(trial.told('response-started')).toHaveLength(1)
    expect(trial.told('response-ended')).toHaveLength(1)
  })

  it('are taken away after so many rounds', () => {
    const trial = withTools({ maxToolRounds: 2 })
    trial.say('What is there?')
    for (const id of ['a', 'b']) {
      expect(trial.last('generate').settings.tools).toEqual([look])
      callTools(trial, call(id))
      trial.tell({ type: 'tool-result', turn: 1, callId: id, output: 'nothing' })
    }
    expect(trial.all('generate')).toHaveLength(3)
    expect(trial.last('generate').settings.tools).toEqual([])
  })

  it('that fail or hang are told to the model', () => {
    const trial = withTools()
    trial.say('What is there?')
    callTools(trial, call('a'), call('b'))
    trial.tell({ type: 'failed', turn: 1, stage: 'tool', callId: 'a', code: 'internal', message: 'no camera' })
    trial.pass(15_000)
    expect(trial.prompt[2]).toBe('tool: Error: no camera')
    expect(trial.prompt[3]).toContain('tool: Error: Expected the tool to go on within 15000 ms')
  })

  it('of the client end the response; the client answers and asks again', () => {
    const trial = new VoiceTrial({}, { tools: [look] })
    trial.say('What is there?')
    callTools(trial, call('a'))
    expect(trial.told('item-done')[0]?.item).toMatchObject({ type: 'call', call: call('a') })
    expect(trial.told('response-ended')[0]?.end.status).toBe('completed')
    trial.tell({ type: 'create-item', item: { id: 'x', type: 'result', callId: 'a', name: 'look', output: 'a cat' } })
    trial.tell({ type: 'respond' })
    expect(trial.prompt).toEqual(['user: What is there?', 'assistant: ', 'tool: a cat'])
  })

  it('that were interrupted leave no call without its result', () => {
    const trial = withTools()
    trial.say('What is there?')
    callTools(trial, call('a'))
    trial.say('Never mind')
    trial.tell({ type: 'tool-result', turn: 1, callId: 'a', output: 'a cat' })
    expect(trial.prompt).toEqual(['user: What is there?\nNever mind'])
  })
})

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
    callTools(trial, call('a'))
    trial.tell({ type: 'tool-result', turn: 1, callId: 'a', output: '3' })
    expect(trial.prompt[0]).toBe('system: Be brief.')
    trial.answer('One.')
    trial.say('More')
    expect(trial.prompt[0]).toBe('system: Be long.')
  })
})

describe('time', () => {
  it('without a word makes the assistant speak, where that is asked for', () => {
    const trial = new VoiceTrial({}, { turnDetection: { ...serverDetection, idleTimeoutMs: 5000 } })
    trial.say('Hello')
    trial.answer('Hi.')
    trial.pass(4999)
    expect(trial.told('idle-timeout')).toEqual([])
    trial.pass(1)
    expect(trial.told('idle-timeout')).toHaveLength(1)
    expect(trial.all('generate')).toHaveLength(2)
  })

  it.each([
    ['language', 30_000, () => undefined],
    ['synthesiser', 10_000, (trial: VoiceTrial) => trial.write('One.')],
    [
      'player',
      5000,
      (trial: VoiceTrial) => {
        trial.write('One.')
        trial.sound(1000)
      },
    ],
  ] as const)('ends a reply whose %s hangs, and the next turn works', (stage, ms, prepare) => {
    const trial = new VoiceTrial()
    trial.say('Hello')
    prepare(trial)
    trial.pass(ms)
    expect(trial.told('stage-failed')).toMatchObject([{ stage, code: 'timeout' }])
    expect(trial.told('response-ended').map(({ end }) => end)).toEqual([{ status: 'failed' }])
    trial.say('Hello?')
    trial.answer('Hi.')
    expect(trial.told('response-ended')[1]?.end.status).toBe('completed')
  })

  it('of a model that goes on writing is not over', () => {
    const trial = new VoiceTrial({}, { modality: 'text' })
    trial.say('Hello')
    for (let i = 0; i < 4; i++) {
      trial.pass(20_000)
      trial.write('And.')
    }
    expect(trial.told('stage-failed')).toEqual([])
  })

  it('of a recogniser that hangs is over, and its turn with it', () => {
    const trial = new VoiceTrial()
    trial.speak(500)
    trial.pass(500 + 15_000)
    expect(trial.told('transcription-failed')).toHaveLength(1)
    expect(trial.state.history).toEqual([])
    trial.tell({ type: 'transcript', turn: 1, text: 'late' })
    expect(trial.all('generate')).toEqual([])
  })

  it.each([
    ['I think so.', 300],
    ['I would like a', 4000],
    ['I think so', 800],
  ])('that ends a turn by meaning after "%s" is %i ms', (text, ms) => {
    const detection = {
      type: 'semantic_vad',
      eagerness: 'auto',
      createResponse: true,
      interruptResponse: true,
    } as const
    const trial = new VoiceTrial({}, { turnDetection: detection })
    trial.tell({ type: 'speech', audioMs: 0 })
    trial.pass(500)
    trial.tell({ type: 'partial', turn: 1, text })
    trial.tell({ type: 'silence', audioMs: 500 })
    trial.pass(ms - 1)
    expect(trial.all('transcribe')).toEqual([])
    trial.pass(1)
    expect(trial.all('transcribe')).toHaveLength(1)
  })

  it('by meaning grows with the pauses of the speaker', () => {
    const detection = { type: 'semantic_vad', eagerness: 'low', createResponse: true, interruptResponse: true } as const
    const trial = new VoiceTrial({}, { turnDetection: detection })
    trial.tell({ type: 'speech', audioMs: 0 })
    trial.tell({ type: 'partial', turn: 1, text: 'I would like to' })
    trial.speak(500)
    trial.pass(1500)
    trial.speak(500)
    trial.tell({ type: 'partial', turn: 1, text: 'I would like to go home' })
    trial.pass(1799)
    expect(trial.all('transcribe')).toEqual([])
    trial.pass(1)
    expect(trial.all('transcribe')).toHaveLength(1)
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

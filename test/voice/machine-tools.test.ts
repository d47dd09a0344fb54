import { describe, expect, it } from 'vitest'
import type { ToolCall } from '../../engine/inference/language.ts'
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

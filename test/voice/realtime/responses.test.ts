import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { RealtimeTrial } from '../../support/realtime-trial.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const say = (text: string, more: object = {}) => ({
  type: 'conversation.item.create',
  item: { type: 'message', role: 'user', content: [{ type: 'input_text', text }], ...more },
})

describe('responses', () => {
  it('P11: out of band leave the conversation as it is, and bring their metadata back', async () => {
    const trial = await RealtimeTrial.open()
    trial.send(say('Remember me.'))
    trial.send({
      type: 'response.create',
      response: {
        conversation: 'none',
        metadata: { topic: 'mood' },
        output_modalities: ['text'],
        instructions: 'Say the mood.',
        input: [{ type: 'message', role: 'user', content: [{ type: 'input_text', text: 'I am glad.' }] }],
      },
    })
    await trial.pass(2000)
    expect(trial.types().slice(-9)).toEqual([
      ...['response.created', 'rate_limits.updated', 'response.output_item.added', 'response.content_part.added'],
      ...['response.output_text.delta', 'response.output_text.done', 'response.content_part.done'],
      ...['response.output_item.done', 'response.done'],
    ])
    expect(trial.last('response.done').response).toMatchObject({
      conversation_id: null,
      metadata: { topic: 'mood' },
      output_modalities: ['text'],
      output: [{ content: [{ type: 'output_text', text: 'Hello there. ' }] }],
    })
    expect(trial.stages.requests[0]?.input).toEqual({
      messages: [
        { role: 'system', content: 'Say the mood.' },
        { role: 'user', content: 'I am glad.' },
      ],
    })
    trial.send({ type: 'response.create' })
    await trial.pass(2000)
    expect(trial.last('response.done').response).toMatchObject({ metadata: null })
    expect(trial.stages.requests[1]?.input).toMatchObject({ messages: [{ role: 'user', content: 'Remember me.' }] })
    await trial.close()
  })

  it('P10: ask the client for calls, in the order of the model, and go on with what they gave', async () => {
    const trial = await RealtimeTrial.open()
    trial.update({ tools: [{ type: 'function', name: 'weather', parameters: { type: 'object', properties: {} } }] })
    const call = (id: string, city: string) => ({ id, name: 'weather', arguments: { city } })
    trial.stages.answers = [[call('c1', 'Rome'), call('c2', 'Oslo')], ['Rome is warm. ']]
    trial.send(say('Where is it warm?'))
    trial.send({ type: 'response.create' })
    await trial.pass(1000)
    expect(trial.types().slice(trial.types().indexOf('response.created'))).toEqual([
      ...['response.created', 'rate_limits.updated'],
      ...Array.from({ length: 2 }, () => [
        ...['response.output_item.added', 'conversation.item.added', 'response.function_call_arguments.delta'],
        ...['response.function_call_arguments.done', 'response.output_item.done', 'conversation.item.done'],
      ]).flat(),
      'response.done',
    ])
    const done = trial.all('response.function_call_arguments.done')
    expect(done.map(({ call_id, name, arguments: given }) => [call_id, name, given])).toEqual([
      ['c1', 'weather', '{"city":"Rome"}'],
      ['c2', 'weather', '{"city":"Oslo"}'],
    ])
    for (const [call_id, output] of [
      ['c1', '30'],
      ['c2', '3'],
    ])
      trial.send({ type: 'conversation.item.create', item: { type: 'function_call_output', call_id, output } })
    trial.send({ type: 'response.create' })
    await trial.pass(2000)
    expect(trial.stages.requests[1]?.input).toMatchObject({
      messages: [
        { role: 'user' },
        { role: 'assistant', toolCalls: [{ id: 'c1' }, { id: 'c2' }] },
        { role: 'tool', content: '30', toolCallId: 'c1' },
        { role: 'tool', content: '3', toolCallId: 'c2' },
      ],
    })
    expect(trial.last('response.done').response).toMatchObject({ status: 'completed' })
    await trial.close()
  })

  it("call the engine's own tools without telling the client, whose items keep their places", async () => {
    const call = { id: 'c1', name: 'scene', arguments: {} }
    const tools = { tools: [{ name: 'scene', parameters: { type: 'object' } }], call: async () => 'two people' }
    const trial = await RealtimeTrial.open({ tools })
    trial.stages.answers = [[call], ['I see two people. ']]
    trial.send(say('Who is there?', { id: 'question' }))
    trial.send({ type: 'response.create' })
    await trial.pass(3000)
    expect(trial.stages.requests[1]?.input).toMatchObject({
      messages: [{ role: 'user' }, { role: 'assistant' }, { role: 'tool', content: 'two people' }],
    })
    expect(trial.all('response.function_call_arguments.done')).toEqual([])
    expect(trial.last('conversation.item.added')).toMatchObject({
      previous_item_id: 'question',
      item: { role: 'assistant' },
    })
    await trial.close()
  })

  it('call no tools, not even the engine’s own, where the client wants none', async () => {
    const tools = { tools: [{ name: 'scene', parameters: { type: 'object' } }], call: async () => 'two people' }
    const trial = await RealtimeTrial.open({ tools })
    trial.update({ tools: [{ type: 'function', name: 'weather' }] })
    for (const tool_choice of ['none', 'auto']) {
      trial.send(say('Who is there?'))
      trial.send({ type: 'response.create', response: { tool_choice } })
      await trial.pass(3000)
    }
    const offered = trial.stages.requests.map((request) => request.tools?.map(({ name }) => name))
    expect(offered).toEqual([undefined, ['scene', 'weather']])
    await trial.close()
  })
})

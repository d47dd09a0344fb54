import { describe, expect, it } from 'vitest'
import { EngineError } from '../../engine/errors.ts'
import { type BuiltInToolName, builtInToolNames, type VoiceParameters } from '../../engine/voice/built-in-tool.ts'
import { createBuiltInTools } from '../../engine/voice/built-in-tools.ts'
import { FakeTopics, seen } from '../support/voice-topics.ts'

const { signal } = new AbortController()
const topics = new FakeTopics(
  {
    'demo/objects': { objects: seen('person', 'dog'), ageMs: 3000 },
    'demo/words': { text: { text: 'hello' } },
    'demo/events': { event: { name: 'enter', zone: 'floor' } },
    'demo/crowd': { objects: seen(...Array.from({ length: 25 }, () => 'person')), source: 'other' },
  },
  { 'demo/camera': 'image' },
)

function parametersOf(values: Record<string, unknown>): VoiceParameters & { values: Record<string, unknown> } {
  return {
    values,
    list: () =>
      Object.entries(values).map(([name, value]) => ({ name, value, schema: { type: 'number', maximum: 1 } })),
    set: (name, value) => {
      if (typeof value !== 'number') throw new EngineError('invalid', `Expected a number, received ${value}`)
      values[name] = value
      return value
    },
  }
}

function create(parameters = parametersOf({}), names: readonly BuiltInToolName[] = builtInToolNames) {
  const tools = createBuiltInTools({ topics, parameters, names })
  const call = (name: string, given: Record<string, unknown> = {}) =>
    tools.call({ id: 'c', name, arguments: given }, signal)
  return { tools, call }
}

describe('the built-in tools', () => {
  it('are offered with schemas of their arguments, as far as they are wanted and of use', () => {
    const { tools } = create().tools
    expect(tools.map(({ name }) => name)).toEqual(['look', 'latest_value'])
    expect(tools[0]?.parameters).toMatchObject({ type: 'object', properties: { stream: { type: 'string' } } })
    expect(tools[1]?.description).toContain('demo/objects, demo/words, demo/events, demo/crowd.')
    expect(create(undefined, []).tools.tools).toEqual([])
    const withParameter = create(parametersOf({ 'demo/people.minScore': 0.5 })).tools.tools
    expect(withParameter.map(({ name }) => name)).toEqual([...builtInToolNames])
    expect(withParameter[2]?.description).toContain('demo/people.minScore {"type":"number","maximum":1}, now 0.5')
  })

  it('look tells what the cameras see, of a stream where asked', async () => {
    const { call } = create()
    expect(await call('look', { stream: 'objects' })).toBe('demo/objects (camera), 3 s ago: 1 person, 1 dog')
    expect(await call('look', { stream: '' })).toContain('25 people')
    expect(topics.asked.at(-1)?.waitMs).toBe(4000)
  })

  it('latest_value tells any result in few characters', async () => {
    const { call } = create()
    expect(await call('latest_value', { topic: 'demo/words' })).toBe('just now: "hello"')
    expect(await call('latest_value', { topic: 'demo/events' })).toBe('just now: {"name":"enter","zone":"floor"}')
    const dog = '{"label":"dog","confidence":0.9,"bbox":[1,2,3,4]}'
    expect(await call('latest_value', { topic: 'demo/objects' })).toContain(`3 s ago: [{"label":"person"`)
    expect(await call('latest_value', { topic: 'demo/objects' })).toContain(`${dog}]`)
    expect(await call('latest_value', { topic: 'demo/crowd' })).toMatch(/ and 5 more$/)
  })

  it('set_parameter changes what pipelines let voices change, also a number written as a text', async () => {
    const parameters = parametersOf({ 'demo/people.minScore': 0.5 })
    const { call } = create(parameters)
    const parameter = 'demo/people.minScore'
    expect(await call('set_parameter', { parameter, value: 0.7 })).toBe('demo/people.minScore is 0.7 now')
    expect(await call('set_parameter', { parameter, value: '0.25' })).toBe('demo/people.minScore is 0.25 now')
    await expect(call('set_parameter', { parameter, value: 'high' })).rejects.toThrow('received high')
    await expect(call('set_parameter', { parameter: 'demo/people.model', value: 'x' })).rejects.toThrow('parameter')
    expect(parameters.values).toEqual({ 'demo/people.minScore': 0.25 })
  })

  it('refuse wrong arguments, and calls of what is not offered', async () => {
    const { call } = create(undefined, ['look'])
    await expect(call('look', { where: 'hall' })).rejects.toMatchObject({ code: 'invalid' })
    await expect(call('latest_value', { topic: 'demo/words' })).rejects.toMatchObject({ code: 'not-found' })
    await expect(create().call('latest_value')).rejects.toThrow('latest_value: topic')
  })
})

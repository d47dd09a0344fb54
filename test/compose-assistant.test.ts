import { of } from 'rxjs'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { composeAssistant } from '../engine/compose-assistant.ts'
import { configSchema } from '../engine/config.ts'
import { ClosingStack } from '../engine/core/lifecycle.ts'
import { PipelineSet, type SharedTools } from '../engine/pipeline-set.ts'
import { Hub } from '../engine/streams/hub.ts'
import { PacketMaker } from './support/packets.ts'
import { detector, HandSource, pluginsByName } from './support/plugins.ts'
import { ScriptedLanguage } from './support/scripted-language.ts'
import { ScriptedSpeech } from './support/scripted-speech.ts'
import { objectsPacket, StillClock, silentLog } from './support/topic-packets.ts'

const { signal } = new AbortController()
let closing: ClosingStack
let hub: Hub
const clock = new StillClock()
const pipeline = {
  name: 'hall',
  streams: { camera: { source: 'camera' }, people: { from: 'camera', node: 'detect', fails: [3] } },
  publish: ['people'],
  voice: ['people.fails'],
}

beforeEach(() => {
  closing = new ClosingStack()
  hub = new Hub({ clock, log: silentLog, readImage: () => Buffer.from('none') })
})
afterEach(() => closing[Symbol.asyncDispose]())

function compose(voice: object, ...pipelines: object[]) {
  const plugins = pluginsByName(new HandSource(new PacketMaker()).plugin('camera'), detector)
  const shared = { clock } as unknown as SharedTools
  const set = closing.use('pipelines', new PipelineSet({ folder: '', plugins, shared, hub, clock, log: silentLog }))
  for (const entry of pipelines) set.start(entry as Record<string, unknown>)
  const language = new ScriptedLanguage([{ name: 'm' }])
  const config = configSchema.parse({ voice })
  const around = { config, hub, clock, pipelines: () => set, language, speech: new ScriptedSpeech(), closing }
  return { language, set, assistant: composeAssistant(around) }
}

describe('what conversations are held with', () => {
  it('has tools that ask the engine’s topics', async () => {
    const dog = { label: 'dog', confidence: 0.9, bbox: [0, 0, 1, 1] as const }
    clock.nowNs = 5_000_000_000n
    hub.offer('yard/animals', { kind: 'objects', packets: of(objectsPacket(0, [dog, dog])) })
    const { assistant } = compose({})
    const look = { id: 'c', name: 'look', arguments: {} }
    expect(await assistant.tools.call(look, signal)).toBe('yard/animals (camera), 5 s ago: 2 dogs')
  })

  it('changes what pipelines let voices change, and nothing else', async () => {
    const { assistant, set } = compose({}, pipeline)
    const call = (parameter: string, value: unknown) =>
      assistant.tools.call({ id: 'c', name: 'set_parameter', arguments: { parameter, value } }, signal)
    expect(await call('hall/people.fails', [1, 2])).toBe('hall/people.fails is [1,2] now')
    expect(await call('hall/people.fails', '[4]')).toBe('hall/people.fails is [4] now')
    await expect(call('hall/people.fails', 'none')).rejects.toMatchObject({ code: 'invalid' })
    await expect(call('hall/people.classes', ['dog'])).rejects.toMatchObject({ code: 'invalid' })
    expect(set.summary()[0]?.streams[1]?.tunable).toEqual({ fails: [4] })
  })

  it('offers the tools that the configuration names', () => {
    expect(compose({ tools: false }, pipeline).assistant.tools.tools).toEqual([])
    const { tools } = compose({ tools: ['set_parameter'] }).assistant
    expect(tools.tools.map(({ name }) => name)).toEqual([])
  })

  it('reads the system prompt anew for each reply', async () => {
    hub.offer('yard/words', { kind: 'objects', packets: of(objectsPacket(0)) })
    const { assistant, language } = compose({ instructions: 'You see: {{scene}}' })
    const { instructions } = assistant.settings
    const messages = [{ role: 'system', content: instructions } as const, { role: 'user', content: 'x' } as const]
    const request = { input: { messages }, sampling: {} }
    for await (const _ of assistant.language.generate('m', request, { priority: 'realtime', user: 't' }, signal));
    const [asked] = language.requests
    expect(asked?.input).toMatchObject({
      messages: [{ content: expect.stringMatching(/^You see: yard\/words .*nothing$/) }, {}],
    })
  })

  it('refuses a system prompt with a wrong name, or with a topic that there is not, unless its pipeline is broken', () => {
    expect(() => compose({ instructions: '{{weather}}' })).toThrow(
      /^configuration: voice\.instructions: line 1, column 1/,
    )
    const unknown = compose({ instructions: '{{topic:hall/nobody}}' }, pipeline).assistant
    expect(() => unknown.expectTopics()).toThrow(
      'Expected a topic (hall/people, hall/camera/state), received {{topic:hall/nobody}}',
    )
  })

  it('takes a topic of a pipeline that is broken for one that may come back', () => {
    const broken = { name: 'hall', streams: { camera: { source: 'none' } } }
    compose({ instructions: '{{topic:hall/people}}' }, broken).assistant.expectTopics()
  })

  it('begins with what the configuration says', async () => {
    const { assistant } = compose({
      ...{ model: 'm', voice: 'tone-de', language: 'de', recogniser: 'scripted-ears' },
      turnDetection: { type: 'semantic_vad', eagerness: 'high' },
    })
    expect(assistant.settings).toMatchObject({
      ...{ model: 'm', voice: { voice: 'tone-de' }, recognition: { language: 'de' } },
      turnDetection: { type: 'semantic_vad', eagerness: 'high', createResponse: true, interruptResponse: true },
    })
    expect((await assistant.speech.recogniser()).name).toBe('scripted-ears')
    const other = compose({ recogniser: 'nobody' }).assistant
    await expect(other.speech.recogniser()).rejects.toThrow('nobody')
  })
})

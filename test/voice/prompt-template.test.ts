import { describe, expect, it } from 'vitest'
import { PromptTemplate } from '../../engine/voice/prompt-template.ts'
import { SceneAwareLanguage } from '../../engine/voice/scene-aware-language.ts'
import { ScriptedLanguage } from '../support/scripted-language.ts'
import { FakeTopics, seen } from '../support/voice-topics.ts'

const { signal } = new AbortController()
const now = () => new Date(2026, 10, 26, 14, 5)
const topics = new FakeTopics({
  'demo/objects': { objects: seen('person') },
  'demo/words': { text: { text: 'hello' } },
})
const render = (text: string) => new PromptTemplate(text, 'x').render({ topics, now }, signal)

describe('PromptTemplate', () => {
  it('fills in time, date, scene and topics', async () => {
    expect(await render('It is {{time}} on {{ date }}.')).toMatch(/^It is 14:05 on Thursday,? 26 November 2026\.$/)
    expect(await render('You see:\n{{scene}}')).toBe('You see:\ndemo/objects (camera), just now: 1 person')
    expect(await render('{{topic:demo/words}}{{topic:demo/none}}')).toBe(
      'just now: "hello"unknown (demo/none told nothing)',
    )
    expect(await render('plain { braces } and }{')).toBe('plain { braces } and }{')
  })

  it('waits only a moment for a topic, since the speaker does', async () => {
    await render('{{scene}}')
    expect(topics.asked.at(-1)).toEqual({ topic: 'demo/objects', waitMs: 300 })
  })

  it('names the place of what it does not know', () => {
    const wrong: [string, string][] = [
      ['Hello\n  {{tim}}', 'line 2, column 3: Expected {{time}}, {{date}}, {{scene}} or'],
      ['{{topic:objects}}', 'line 1, column 1'],
      ['{{}}', 'received {{}}'],
      ['a {{time', 'line 1, column 3'],
      ['a time}}', 'received }} without its partner'],
    ]
    for (const [text, told] of wrong)
      expect(() => new PromptTemplate(text, 'configuration: voice.instructions')).toThrow(told)
    expect(() => new PromptTemplate('{{x}}', 'configuration: voice.instructions')).toThrow(
      /^configuration: voice\.instructions: line 1/,
    )
  })

  it('is bounded, whatever topics tell', async () => {
    const long = new FakeTopics({ 'a/b': { text: { text: 'x'.repeat(50_000) } } })
    const text = await new PromptTemplate('{{topic:a/b}}'.repeat(100), 'x').render({ topics: long, now }, signal)
    expect(text.length).toBe(12_000)
  })

  it('knows its topics, and whether it changes at all', () => {
    const template = new PromptTemplate('{{topic:a/b}} {{topic:a/c/d}} {{time}}', 'x')
    expect([template.topics, template.isAlwaysTheSame]).toEqual([['a/b', 'a/c/d'], false])
    expect(new PromptTemplate('hello', 'x').isAlwaysTheSame).toBe(true)
  })
})

describe('SceneAwareLanguage', () => {
  const template = new PromptTemplate('You see {{topic:demo/words}}', 'x')
  const use = { priority: 'realtime', user: 'test' } as const

  async function systemOf(
    ...conversations: { role: 'system' | 'user' | 'tool'; content: string }[][]
  ): Promise<string[]> {
    const inner = new ScriptedLanguage([{ name: 'm' }])
    let count = 0
    const counting = {
      list: () => topics.list(),
      newest: async () => ({ ...(await words()), text: { text: `${count++}` } }),
    }
    const language = new SceneAwareLanguage(inner, template, { topics: counting })
    for (const messages of conversations)
      for await (const _ of language.generate('m', { input: { messages }, sampling: {} }, use, signal));
    return inner.requests.map(({ input }) => ('messages' in input ? (input.messages[0]?.content ?? '') : ''))
  }
  const words = () => topics.newest('demo/words', 0, signal)
  const system = { role: 'system', content: template.text } as const
  const user = { role: 'user', content: 'what is there?' } as const

  it('fills its own system prompt anew for each reply, and keeps it while a reply asks for tools', async () => {
    const answer = { role: 'tool', content: 'a dog' } as const
    expect(await systemOf([system, user], [system, user, answer], [system, user])).toEqual([
      'You see just now: "0"',
      'You see just now: "0"',
      'You see just now: "1"',
    ])
  })

  it('leaves the prompts of others as they are', async () => {
    const own = { role: 'system', content: 'I see {{topic:demo/words}}' } as const
    expect(await systemOf([own, user], [user])).toEqual([own.content, user.content])
  })
})

import { EngineError, messageOf } from '../errors.ts'
import { tellValue } from './built-in-tools.ts'
import { describeScene } from './scene.ts'
import type { VoiceTopics } from './voice-topics.ts'

/** Characters of a topic's value in a prompt. */
const longestTopicValue = 500
/** Of the whole: more is more to read before each answer. */
const longestPrompt = 12_000
/** A reply does not wait longer for what it could know: the topic is open then for the next one. */
const topicWaitMs = 300

type Part =
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'time' | 'date' | 'scene' }
  | { readonly type: 'topic'; readonly topic: string }

const variable = /\{\{([^{}]*)\}\}/g
const plainNames = ['time', 'date', 'scene'] as const

/** What values of a prompt are read from. */
export interface PromptSources {
  readonly topics: VoiceTopics
  /** The wall clock. */
  readonly now?: () => Date
}

/**
 * A system prompt with places for what is known when a reply begins: `{{time}}`, `{{date}}`, `{{scene}}` (what the cameras see) and
 * `{{topic:<pipeline>/<stream>}}`. The constructor throws `invalid` with line and column for anything else between double braces.
 */
export class PromptTemplate {
  /** As it was written. */
  readonly text: string
  readonly #parts: readonly Part[]

  /** `place`: where it was written, for messages. */
  constructor(text: string, place: string) {
    this.text = text
    this.#parts = parse(text, place)
  }

  /** Topics that it names. */
  get topics(): readonly string[] {
    return this.#parts.flatMap((part) => (part.type === 'topic' ? [part.topic] : []))
  }

  /** Whether it reads differently from time to time. */
  get isAlwaysTheSame(): boolean {
    return this.#parts.every(({ type }) => type === 'text')
  }

  /** With the values of now; what cannot be known is told as such. Rejects only by the signal. */
  async render({ topics, now = () => new Date() }: PromptSources, signal: AbortSignal): Promise<string> {
    const parts = await Promise.all(this.#parts.map((part) => renderPart(part, { topics, now }, signal)))
    return parts.join('').slice(0, longestPrompt)
  }
}

function parse(text: string, place: string): Part[] {
  const parts: Part[] = []
  let end = 0
  for (const match of text.matchAll(variable)) {
    parts.push(...plainText(text.slice(end, match.index), { text, at: end, place }))
    parts.push(toPart(match[1]?.trim() ?? '', { text, at: match.index, place }))
    end = match.index + match[0].length
  }
  return [...parts, ...plainText(text.slice(end), { text, at: end, place })]
}

interface Where {
  readonly text: string
  readonly at: number
  readonly place: string
}

function plainText(text: string, where: Where): Part[] {
  const stray = /\{\{|\}\}/.exec(text)
  if (stray) throw refusal({ ...where, at: where.at + stray.index }, `${stray[0]} without its partner`)
  return text === '' ? [] : [{ type: 'text', text }]
}

function toPart(name: string, where: Where): Part {
  const plain = plainNames.find((known) => known === name)
  if (plain) return { type: plain }
  const [, topic] = /^topic:([^/\s]+\/\S+)$/.exec(name) ?? []
  if (topic !== undefined) return { type: 'topic', topic }
  throw refusal(where, `{{${name}}}`)
}

function refusal({ text, at, place }: Where, received: string): EngineError {
  const before = text.slice(0, at).split('\n')
  const position = `line ${before.length}, column ${(before.at(-1)?.length ?? 0) + 1}`
  const expected = `Expected {{${plainNames.join('}}, {{')}}} or {{topic:<pipeline>/<stream>}}`
  return new EngineError('invalid', `${place}: ${position}: ${expected}, received ${received}`)
}

async function renderPart(part: Part, { topics, now }: Required<PromptSources>, signal: AbortSignal): Promise<string> {
  switch (part.type) {
    case 'text':
      return part.text
    case 'time':
      return now().toLocaleTimeString('en-GB', { hour: '2-digit', minute: '2-digit' })
    case 'date':
      return now().toLocaleDateString('en-GB', { weekday: 'long', day: 'numeric', month: 'long', year: 'numeric' })
    case 'scene':
      return describeScene(topics, { waitMs: topicWaitMs }, signal)
    case 'topic':
      return readTopic(topics, part.topic, signal)
  }
}

async function readTopic(topics: VoiceTopics, topic: string, signal: AbortSignal): Promise<string> {
  try {
    return tellValue(await topics.newest(topic, topicWaitMs, signal)).slice(0, longestTopicValue)
  } catch (error) {
    if (!(error instanceof EngineError) || error.code === 'cancelled') throw error
    return `unknown (${messageOf(error)})`
  }
}

import { EngineError } from '../errors.ts'
import type { LanguageEvent, LanguageUsage, ToolCall } from './language.ts'

/** Why an answer ended. */
export type EndReason = Extract<LanguageEvent, { type: 'done' }>['reason']

/** A whole answer. */
export interface LanguageAnswer {
  readonly text: string
  /** Empty where it did not think aloud. */
  readonly thinking: string
  readonly toolCalls: readonly ToolCall[]
  readonly reason: EndReason
  readonly usage: LanguageUsage
}

/** Puts an answer together from its events. */
export class AnswerCollector {
  #text = ''
  #thinking = ''
  readonly #toolCalls: ToolCall[] = []

  /** Gives the whole answer with its last event, undefined before. */
  add(event: LanguageEvent): LanguageAnswer | undefined {
    if (event.type === 'text') this.#text += event.text
    else if (event.type === 'thinking') this.#thinking += event.text
    else if (event.type === 'tool-call') this.#toolCalls.push(event.call)
    else {
      const { reason, usage } = event
      return { text: this.#text, thinking: this.#thinking, toolCalls: this.#toolCalls, reason, usage }
    }
    return undefined
  }
}

/** Waits for the whole answer. Throws as `Language.generate` does. */
export async function collectAnswer(events: AsyncIterable<LanguageEvent>): Promise<LanguageAnswer> {
  const collector = new AnswerCollector()
  for await (const event of events) {
    const answer = collector.add(event)
    if (answer !== undefined) return answer
  }
  throw endless()
}

/** A generation that ended without its last event has a bug. */
export function endless(): EngineError {
  return new EngineError('internal', 'Expected an answer to end with what it took, but it only ended')
}

/**
 * The same events, once the first is there: what fails before has still an answer of its own. Whoever gets them reads them to the
 * end or leaves the loop.
 */
export async function begin(events: AsyncIterable<LanguageEvent>): Promise<AsyncGenerator<LanguageEvent>> {
  const iterator = events[Symbol.asyncIterator]()
  const first = await iterator.next()
  return resume(first, iterator)
}

async function* resume(
  first: IteratorResult<LanguageEvent>,
  iterator: AsyncIterator<LanguageEvent>,
): AsyncGenerator<LanguageEvent> {
  try {
    for (let next = first; !next.done; next = await iterator.next()) yield next.value
  } finally {
    await iterator.return?.()
  }
}

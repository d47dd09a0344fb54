import { EngineError } from '../../errors.ts'
import type { LanguageEvent, LanguageUsage } from '../../inference/language.ts'
import { AnswerCollector, type EndReason, endless, type LanguageAnswer } from '../../inference/language-answer.ts'
import { toBody } from './errors.ts'

/** A part of an answer that is not its end. */
export type Piece = Exclude<LanguageEvent, { type: 'done' }>

/** How one route tells a stream. */
export interface StreamForm {
  /** Fields of every chunk beside its choices. */
  readonly head: object
  /** Choices before the first piece; left out: none. */
  readonly opening?: object
  readonly piece: (event: Piece, callIndex: number) => object
  readonly end: (answer: LanguageAnswer) => object
  /** Whether one more chunk carries what it took; then the others say that they do not. */
  readonly withUsage: boolean
}

/** Server-sent events of an answer, ended by `[DONE]`. What fails on the way is the last event, since the status is sent by then. */
export async function* toEvents(events: AsyncIterable<LanguageEvent>, form: StreamForm): AsyncGenerator<string> {
  const { head, withUsage } = form
  const chunk = (choice: object) => toEvent({ ...head, choices: [choice], ...(withUsage && { usage: null }) })
  const collector = new AnswerCollector()
  let calls = 0
  try {
    if (form.opening !== undefined) yield chunk(form.opening)
    for await (const event of events) {
      const answer = collector.add(event)
      if (answer !== undefined) {
        yield chunk(form.end(answer))
        if (withUsage) yield toEvent({ ...head, choices: [], usage: toUsage(answer.usage) })
        return yield 'data: [DONE]\n\n'
      }
      if (event.type !== 'done') yield chunk(form.piece(event, calls))
      if (event.type === 'tool-call') calls++
    }
    throw endless()
  } catch (error) {
    if (!(error instanceof EngineError)) throw error
    yield toEvent(toBody(error))
  }
}

/** Tokens, as OpenAI counts them. */
export function toUsage({ promptTokens, cachedTokens, answerTokens }: LanguageUsage): object {
  return {
    prompt_tokens: promptTokens,
    completion_tokens: answerTokens,
    total_tokens: promptTokens + answerTokens,
    prompt_tokens_details: { cached_tokens: cachedTokens },
  }
}

export const finishReasons: Readonly<Record<EndReason, string>> = {
  stop: 'stop',
  length: 'length',
  'tool-calls': 'tool_calls',
}

function toEvent(value: object): string {
  return `data: ${JSON.stringify(value)}\n\n`
}

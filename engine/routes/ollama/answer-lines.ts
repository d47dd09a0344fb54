import type { Clock } from '../../core/clock.ts'
import { EngineError } from '../../errors.ts'
import type { LanguageEvent, LanguageUsage, ToolCall } from '../../inference/language.ts'
import { AnswerCollector, type EndReason, endless, type LanguageAnswer } from '../../inference/language-answer.ts'

const nsPerMs = 1e6

/** How one route tells an answer: a piece of it, and the whole. */
export interface AnswerForm {
  readonly piece: (event: Exclude<LanguageEvent, { type: 'done' }>, callIndex: number) => object
  /** With all that was said. */
  readonly whole: (answer: LanguageAnswer) => object
  /** Of a stream's last line, where everything was said already. */
  readonly end: (answer: LanguageAnswer) => object
  /** Where nothing was said. */
  readonly silent: object
}

/** What an answer is told with. */
export interface AnswerLinesOptions {
  /** As the client calls it. */
  readonly model: string
  readonly form: AnswerForm
  readonly clock: Clock
  /** When the request came, by the clock. */
  readonly startedAt: bigint
}

/** What every line of one answer has, and since when its times are counted. */
export class AnswerLines {
  readonly #model: string
  readonly #form: AnswerForm
  readonly #clock: Clock
  readonly #startedAt: bigint
  #preparedAt: bigint

  constructor({ model, form, clock, startedAt }: AnswerLinesOptions) {
    this.#model = model
    this.#form = form
    this.#clock = clock
    this.#startedAt = startedAt
    this.#preparedAt = startedAt
  }

  /** The request is understood, and goes to the model now. */
  prepared(): void {
    this.#preparedAt = this.#clock.now()
  }

  /** A line per event. What fails on the way is the last line, since the status is sent by then. */
  async *stream(events: AsyncIterable<LanguageEvent>): AsyncGenerator<string> {
    const collector = new AnswerCollector()
    let calls = 0
    try {
      for await (const event of events) {
        const answer = collector.add(event)
        if (answer !== undefined) return yield toLine(this.#done(this.#form.end(answer), answer))
        if (event.type === 'done') break
        yield toLine({ ...this.#head(), ...this.#form.piece(event, calls), done: false })
        if (event.type === 'tool-call') calls++
      }
      throw endless()
    } catch (error) {
      if (!(error instanceof EngineError)) throw error
      yield toLine({ error: error.message })
    }
  }

  whole(answer: LanguageAnswer): object {
    return this.#done(this.#form.whole(answer), answer)
  }

  /** The answer to a request that says nothing: the model was loaded, or unloaded. */
  silent(reason: 'load' | 'unload'): object {
    return { ...this.#head(), ...this.#form.silent, done: true, done_reason: reason }
  }

  #head() {
    return { model: this.#model, created_at: toRfc3339(this.#clock.toUnixMs(this.#clock.now())) }
  }

  #done(said: object, { reason, usage }: LanguageAnswer): object {
    const times = this.#times(usage)
    return { ...this.#head(), ...said, done: true, done_reason: doneReasons[reason], ...times }
  }

  /** Nanoseconds. Loading is all that came before the work: understanding the request, waiting for a turn, reading the model. */
  #times({ promptTokens, answerTokens, queuedMs, loadMs, promptMs, answerMs }: LanguageUsage) {
    const total = Math.max(1, Number(this.#clock.now() - this.#startedAt))
    const load = Math.max(1, Number(this.#preparedAt - this.#startedAt) + toNs(queuedMs + loadMs))
    const prompt = Math.max(1, toNs(promptMs))
    // Between the first token and the last of a single one lies nothing: then it is what was left of the request.
    const answer = answerMs > 0 ? toNs(answerMs) : total - load - prompt
    return {
      total_duration: total,
      load_duration: load,
      prompt_eval_count: promptTokens,
      prompt_eval_duration: prompt,
      eval_count: answerTokens,
      eval_duration: Math.max(1, answer),
    }
  }
}

const doneReasons: Readonly<Record<EndReason, string>> = { stop: 'stop', length: 'length', 'tool-calls': 'stop' }

/** One object of a stream of NDJSON. */
export function toLine(value: object): string {
  return `${JSON.stringify(value)}\n`
}

/** A call as Ollama tells it. */
export function toToolCall({ id, name, arguments: given }: ToolCall, index: number): object {
  return { id, function: { index, name, arguments: given } }
}

/** RFC 3339 with nanoseconds, of Unix ms with fraction. */
export function toRfc3339(unixMs: number): string {
  const ms = Math.floor(unixMs)
  const ns = Math.floor((unixMs - ms) * nsPerMs)
  return new Date(ms).toISOString().replace('Z', `${String(ns).padStart(6, '0')}Z`)
}

function toNs(ms: number): number {
  return Math.round(ms * nsPerMs)
}

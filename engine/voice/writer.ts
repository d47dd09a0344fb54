import type { Language, LanguageRequest, LanguageTool, LanguageUsage } from '../inference/language.ts'
import type { Effect } from './effects.ts'
import { failureOf } from './failure-of.ts'
import { ReplyReader } from './reply-reader.ts'
import type { VoiceSettings } from './settings.ts'
import type { UntimedEvent } from './voice-request.ts'

type Generate = Extract<Effect, { type: 'generate' }>

/** What a writer asks, and whom it tells. */
export interface WriterOptions {
  readonly language: Language
  /** Offered to every model that can call tools, before the session's own. */
  readonly tools: readonly LanguageTool[]
  /** As messages and queues name who asks. */
  readonly user: string
  readonly tell: (event: UntimedEvent) => void
  /** Told when a generation is over that was not aborted. */
  readonly onUsage: (turn: number, round: number, usage: LanguageUsage) => void
}

interface Writing {
  readonly turn: number
  readonly round: number
  readonly abort: AbortController
}

/** The writing side of a voice session: one generation at a time. */
export class Writer implements AsyncDisposable {
  readonly #options: WriterOptions
  readonly #works = new Set<Promise<void>>()
  #writing: Writing | undefined

  constructor(options: WriterOptions) {
    this.#options = options
  }

  /** Ends the generation before. */
  write(effect: Generate): void {
    this.#writing?.abort.abort()
    const { turn, round } = effect
    const writing = { turn, round, abort: new AbortController() }
    this.#writing = writing
    const work = this.#run(effect, writing.abort.signal).finally(() => this.#works.delete(work))
    this.#works.add(work)
  }

  /** `round` left out: whichever of the turn is under way. */
  stop(turn: number, round?: number): void {
    const isIt = this.#writing?.turn === turn && (round === undefined || this.#writing.round === round)
    if (isIt) this.#writing?.abort.abort()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#writing?.abort.abort()
    await Promise.all(this.#works)
  }

  async #run({ turn, round, messages, settings }: Generate, signal: AbortSignal): Promise<void> {
    const { language, user, tell, onUsage } = this.#options
    try {
      const request = { input: { messages }, sampling: settings.sampling, ...(await this.#toolsFor(settings)) }
      const reader = new ReplyReader(settings.modality)
      const events = language.generate(settings.model, request, { priority: 'realtime', user }, signal)
      for await (const event of events) {
        if (signal.aborted) return
        if (event.type === 'done') onUsage(turn, round, event.usage)
        for (const part of reader.read(event)) tell({ ...part, turn, round })
      }
    } catch (error) {
      if (!signal.aborted) tell({ type: 'failed', turn, round, stage: 'language', ...failureOf(error) })
    }
  }

  /** A client that sends tools to a model without them hears so; ours are left out there. */
  async #toolsFor({ model, tools, callsTools = true }: VoiceSettings): Promise<Pick<LanguageRequest, 'tools'>> {
    const { language, tools: own } = this.#options
    if (!callsTools) return {}
    const isOffered = own.length > 0 && (await language.find(model)).capabilities.tools
    const all = [...(isOffered ? own : []), ...tools]
    return all.length === 0 ? {} : { tools: all }
  }
}

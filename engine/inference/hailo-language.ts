import { EngineError } from '../errors.ts'
import type { HailoLoaded } from '../hosts/hailo-language-protocol.ts'
import type { HailoGenerated } from '../native/hailo.ts'
import { type AnswerPiece, AnswerSplitter } from './answer-splitter.ts'
import { HailoContexts, type PreparedContext } from './hailo-contexts.ts'
import { type HailoLanguageHost, toLoss } from './hailo-language-host.ts'
import type { HailoPictures } from './hailo-pictures.ts'
import { type HailoSampling, toHailoSampling } from './hailo-sampling.ts'
import { assistantText, type Turn, toCountedText, toMessageTexts, toToolTexts, toTurns } from './hailo-turns.ts'
import type {
  Embeddings,
  LanguageCapabilities,
  LanguageEvent,
  LanguageModel,
  LanguageRequest,
  LanguageUsage,
  ToolCall,
} from './language.ts'
import { StopCutter } from './stop-cutter.ts'

/** Qwen2-VL makes one token of 28 × 28 pixels. */
const pixelsPerToken = 28 * 28

/** What a model on the device is made with. */
export interface HailoLanguageParts {
  readonly name: string
  readonly capabilities: LanguageCapabilities
  readonly loaded: HailoLoaded
  readonly host: HailoLanguageHost
  readonly pictures: HailoPictures
}

/** A request as the device is asked. */
interface Question {
  readonly request: LanguageRequest
  readonly turns: readonly Turn[]
  readonly tools: readonly string[]
  readonly sampling: HailoSampling
  /** Tokens that the conversation may have. */
  readonly contextLength: number
}

/** What is known when the answer begins. */
interface Asked extends Question {
  readonly context: PreparedContext
  readonly promptTokens: number
  readonly startedAt: number
}

/** A language or vision-language model on the Hailo device. */
export class HailoLanguageModel implements LanguageModel {
  readonly name: string
  readonly capabilities: LanguageCapabilities
  readonly contextLength: number
  readonly #parts: HailoLanguageParts
  readonly #contexts: HailoContexts

  constructor(parts: HailoLanguageParts) {
    this.name = parts.name
    this.capabilities = parts.capabilities
    this.contextLength = parts.loaded.contextCapacity
    this.#parts = parts
    this.#contexts = new HailoContexts(parts.host, parts.name)
  }

  async *generate(request: LanguageRequest, signal: AbortSignal): AsyncGenerator<LanguageEvent, void, undefined> {
    const startedAt = performance.now()
    const question = await this.#toQuestion(request)
    try {
      const context = await this.#contexts.prepare(question.turns, question.tools)
      const promptTokens = context.used + (await this.#countTokens(context, question))
      expectRoom(this.name, promptTokens, question.contextLength)
      yield* this.#answer({ ...question, context, promptTokens, startedAt }, signal)
    } catch (error) {
      throw toLoss(error)
    }
  }

  embed(): Promise<Embeddings> {
    return Promise.reject(new EngineError('invalid', `Expected a model for embeddings, received ${this.name}`))
  }

  /** Lets go of what the host keeps for it. */
  forget(): void {
    this.#contexts.forget()
  }

  async #toQuestion(request: LanguageRequest): Promise<Question> {
    const { input, tools = [], sampling } = request
    if (!('messages' in input))
      throw new EngineError(
        'invalid',
        `Expected messages: the Hailo device has no way to go on with a text as it stands`,
      )
    if (input.messages.length === 0) throw new EngineError('invalid', 'Expected at least one message, received none')
    if (request.think === false && this.capabilities.thinking)
      throw new EngineError(
        'invalid',
        `Expected think to be left out or true: ${this.name} always thinks before it answers`,
      )
    const { contextLength = this.contextLength } = sampling
    if (contextLength > this.contextLength)
      throw new EngineError(
        'invalid',
        `Expected a context of at most ${this.contextLength} tokens, which ${this.name} has, received ${contextLength}`,
      )
    const turns = await toTurns(input.messages)
    return { request, turns, tools: toToolTexts(tools), sampling: toHailoSampling(sampling), contextLength }
  }

  async #countTokens({ lacking, used }: PreparedContext, { tools }: Question): Promise<number> {
    const { host, loaded } = this.#parts
    const text = toCountedText(lacking, used === 0 ? tools : [])
    const { width, height } = loaded.frame ?? { width: 0, height: 0 }
    const ofPicture = Math.ceil((width * height) / pixelsPerToken)
    return (await host.countTokens(this.name, text)) + ofPicture * countPictures(lacking)
  }

  async *#answer(asked: Asked, signal: AbortSignal): AsyncGenerator<LanguageEvent, void, undefined> {
    const { context, tools, sampling, promptTokens, contextLength } = asked
    const { host, pictures, loaded } = this.#parts
    const shown = context.lacking.flatMap((turn) => turn.pictures.map(({ bytes }) => bytes))
    const frames = await pictures.decode(this.name, shown, signal)
    const { maxTokens = contextLength } = sampling
    const prompt = {
      messages: toMessageTexts(context.lacking, loaded.frame !== null),
      ...(context.used === 0 && tools.length > 0 && { tools }),
      ...sampling,
      maxTokens: Math.min(maxTokens, contextLength - promptTokens),
    }
    try {
      const { items, settled } = host.generate({ model: this.name, prompt, frames }, signal)
      try {
        yield* this.#read(items, asked)
      } finally {
        await settled
      }
    } finally {
      // Where it did not come to the generation, they would wait in the host for ever.
      host.forget({ contexts: [], frames })
    }
  }

  async *#read(
    items: AsyncIterable<{ readonly text: string } | { readonly done: HailoGenerated }>,
    asked: Asked,
  ): AsyncGenerator<LanguageEvent, void, undefined> {
    const answer = new Answer(asked.request, this.capabilities)
    for await (const item of items) {
      if ('text' in item) {
        yield* answer.push(item.text)
        // Leaving the loop aborts the rest; nobody knows then what is in the context.
        if (answer.stopped) break
        continue
      }
      yield* answer.flush()
      this.#keep(asked, answer, item.done)
      yield answer.done(asked, reasonOf(item.done, this.contextLength))
      return
    }
    yield* answer.flush()
    yield answer.done(asked, 'stop')
  }

  #keep({ turns, tools }: Asked, answer: Answer, { ending, contextUsed }: HailoGenerated): void {
    // An answer that ran into a limit has no end in the context: what follows could not be told from it.
    if (ending !== 'complete') return
    const said: Turn = { role: 'assistant', text: assistantText(answer.text, answer.calls), pictures: [] }
    this.#contexts.keep({ turns: [...turns, said].map(withoutBytes), tools, used: contextUsed })
  }
}

/** One answer as it comes: what was said, and when. */
class Answer {
  text = ''
  readonly calls: ToolCall[] = []
  readonly #cutter: StopCutter
  readonly #splitter: AnswerSplitter
  #tokens = 0
  /** Tokens whose text was held back. */
  #untold = 0
  #firstAt: number | undefined
  #lastAt = 0

  constructor({ sampling, tools = [] }: LanguageRequest, { thinking }: LanguageCapabilities) {
    this.#cutter = new StopCutter(sampling.stop ?? [])
    this.#splitter = new AnswerSplitter({ thinking, tools: tools.length > 0 })
  }

  get stopped(): boolean {
    return this.#cutter.stopped
  }

  push(token: string): LanguageEvent[] {
    this.#lastAt = performance.now()
    this.#firstAt ??= this.#lastAt
    this.#tokens++
    this.#untold++
    return this.#tell(this.#splitter.push(this.#cutter.push(token)))
  }

  flush(): LanguageEvent[] {
    return this.#tell([...this.#splitter.push(this.#cutter.flush()), ...this.#splitter.flush()])
  }

  done({ startedAt, promptTokens, context }: Asked, reason: 'stop' | 'length'): LanguageEvent {
    const firstAt = this.#firstAt ?? performance.now()
    const usage: LanguageUsage = {
      promptTokens,
      cachedTokens: context.used,
      answerTokens: this.#tokens,
      queuedMs: 0,
      loadMs: 0,
      promptMs: firstAt - startedAt,
      answerMs: Math.max(0, this.#lastAt - firstAt),
    }
    return { type: 'done', reason: this.calls.length > 0 && reason === 'stop' ? 'tool-calls' : reason, usage }
  }

  #tell(pieces: readonly AnswerPiece[]): LanguageEvent[] {
    return pieces.map((piece) => {
      const tokens = this.#untold
      this.#untold = 0
      if (piece.type !== 'tool-call') {
        if (piece.type === 'text') this.text += piece.text
        return { ...piece, tokens }
      }
      const call = { id: `call_${crypto.randomUUID().slice(0, 8)}`, name: piece.name, arguments: piece.arguments }
      this.calls.push(call)
      return { type: 'tool-call', call }
    })
  }
}

function reasonOf({ ending, contextUsed }: HailoGenerated, capacity: number): 'stop' | 'length' {
  return ending === 'max-tokens' || contextUsed >= capacity ? 'length' : 'stop'
}

function countPictures(turns: readonly Turn[]): number {
  return turns.reduce((sum, { pictures }) => sum + pictures.length, 0)
}

/** Pictures are told apart by their digests; their bytes are the request's. */
function withoutBytes(turn: Turn): Turn {
  return { ...turn, pictures: turn.pictures.map(({ digest }) => ({ digest, bytes: new Uint8Array(0) })) }
}

function expectRoom(name: string, promptTokens: number, contextLength: number): void {
  if (promptTokens < contextLength) return
  throw new EngineError(
    'too-large',
    `Expected a prompt of fewer than ${contextLength} tokens, which is the context of ${name}, received about ${promptTokens}. Shorten the conversation`,
  )
}

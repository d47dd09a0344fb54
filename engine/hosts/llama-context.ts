import type {
  LlamaContext,
  LlamaContextSequence,
  LlamaGrammar,
  SequenceEvaluateOptions,
  Token,
  LlamaModel as Weights,
} from 'node-llama-cpp'
import { LlamaGrammarEvaluationState } from 'node-llama-cpp'
import { EngineError, messageOf } from '../errors.ts'
import { AnswerText } from './llama-answer.ts'
import { type Prompt, TokenText } from './llama-prompt.ts'
import type { LlamaItem, LlamaQuestion, LlamaSampling } from './llama-protocol.ts'

/** Tokens of a prompt that are read at once. Between two such parts a signal is heeded: on a Pi one takes a second or so, and larger ones are hardly quicker. */
const partTokens = 64

/** A question on its way. */
export interface Work {
  readonly question: LlamaQuestion
  readonly prompt: Prompt
  /** Of `performance.now()`. */
  readonly startedAt: number
}

/** How far an answer has come. */
interface Progress {
  readonly cachedTokens: number
  answerTokens: number
  firstAt: number
  lastAt: number
}

/** The context of a model, which keeps what it has read: of a prompt that only grows, the new part alone is read. One work at a time. */
export class LlamaContextKeeper {
  readonly contextLength: number
  readonly #weights: Weights
  readonly #context: LlamaContext
  readonly #sequence: LlamaContextSequence
  #grammar: { readonly text: string; readonly made: LlamaGrammar } | undefined

  private constructor(weights: Weights, context: LlamaContext, contextLength: number) {
    this.#weights = weights
    this.#context = context
    this.#sequence = context.getSequence()
    this.contextLength = contextLength
  }

  static async open(
    weights: Weights,
    { threads, contextLength }: { readonly threads: number; readonly contextLength: number },
  ): Promise<LlamaContextKeeper> {
    const length = Math.min(contextLength, weights.trainContextSize)
    const context = await weights.createContext({ contextSize: length, sequences: 1, threads, batchSize: partTokens })
    return new LlamaContextKeeper(weights, context, Math.min(length, context.contextSize))
  }

  /** Reads the prompt and writes the answer, until it ends or the signal aborts: then it throws `cancelled`. */
  async *answer(work: Work, signal: AbortSignal): AsyncGenerator<LlamaItem, void, undefined> {
    const { tokens, form, tail } = work.prompt
    const { sampling } = work.question
    const cachedTokens = await this.#keepCommon(tokens)
    for (let at = cachedTokens; at < tokens.length - 1; at += partTokens) {
      const part = tokens.slice(at, Math.min(at + partTokens, tokens.length - 1))
      await this.#sequence.evaluateWithoutGeneratingNewTokens(part)
      expectGoingOn(signal)
      yield { type: 'working' }
    }
    const progress: Progress = { cachedTokens, answerTokens: 0, firstAt: 0, lastAt: 0 }
    const text = new AnswerText(form, sampling.stop)
    const pieces = new TokenText(this.#weights, tail)
    const reason = yield* this.#write(work, { text, pieces, progress }, signal)
    yield* text.end(pieces.end())
    yield toDone(work, progress, reason)
  }

  async dispose(): Promise<void> {
    await this.#context.dispose()
  }

  async *#write(
    { question, prompt }: Work,
    { text, pieces, progress }: { text: AnswerText; pieces: TokenText; progress: Progress },
    signal: AbortSignal,
  ): AsyncGenerator<LlamaItem, 'stop' | 'length', undefined> {
    const { sampling } = question
    const most = Math.min(sampling.contextLength ?? this.contextLength, this.contextLength)
    const room = Math.min(sampling.maxTokens ?? most, most - prompt.tokens.length)
    const history = [...prompt.tokens]
    const options = { ...this.#toOptions(sampling, history), ...(await this.#grammarOption(question)) }
    for await (const token of this.#sequence.evaluate(prompt.tokens.slice(-1), options)) {
      progress.lastAt = performance.now()
      progress.firstAt ||= progress.lastAt
      expectGoingOn(signal)
      if (this.#weights.isEogToken(token)) return 'stop'
      progress.answerTokens++
      history.push(token)
      yield* orWorking(text.take(pieces.take(token)))
      if (text.stopped) return 'stop'
      if (progress.answerTokens >= room) return 'length'
    }
    return 'stop'
  }

  /** Forgets what differs from the new prompt; its last token is always read again, since the first word comes of it. */
  async #keepCommon(tokens: readonly Token[]): Promise<number> {
    // Without shifting: tokens after a gap would be read as if they stood where they stood before.
    await this.#sequence.adaptStateToTokens(tokens.slice(0, -1), false)
    return this.#sequence.nextTokenIndex
  }

  async #grammarOption({ grammar }: LlamaQuestion): Promise<Pick<SequenceEvaluateOptions, 'grammarEvaluationState'>> {
    if (grammar === null) return {}
    if (this.#grammar?.text !== grammar) {
      try {
        this.#grammar = { text: grammar, made: await this.#weights.llama.createGrammar({ grammar }) }
      } catch (error) {
        throw new EngineError('invalid', `Expected a format that llama.cpp can hold to: ${messageOf(error)}`)
      }
    }
    const state = new LlamaGrammarEvaluationState({ model: this.#weights, grammar: this.#grammar.made })
    return { grammarEvaluationState: state }
  }

  #toOptions(sampling: LlamaSampling, history: readonly Token[]): SequenceEvaluateOptions {
    const { temperature, topP, topK, minP, seed, repeatPenalty, repeatLastN } = sampling
    const { presencePenalty, frequencyPenalty } = sampling
    const punishes = repeatPenalty !== 1 || presencePenalty !== 0 || frequencyPenalty !== 0
    const back = repeatLastN < 0 ? this.contextLength : repeatLastN
    const punishTokens = () => (back === 0 ? [] : history.slice(-back))
    const repeat = { punishTokens, maxPunishTokens: back, penalty: repeatPenalty, presencePenalty, frequencyPenalty }
    return {
      ...{ temperature, topP, topK, minP, seed, yieldEogToken: true },
      ...(punishes ? { repeatPenalty: repeat } : {}),
    }
  }
}

/** What there is to show, or that there is nothing yet. */
function* orWorking(items: Iterable<LlamaItem>): Generator<LlamaItem, void, undefined> {
  let shown = false
  for (const item of items) {
    shown = true
    yield item
  }
  if (!shown) yield { type: 'working' }
}

function toDone({ prompt, startedAt }: Work, progress: Progress, reason: 'stop' | 'length'): LlamaItem {
  const { cachedTokens, answerTokens, firstAt, lastAt } = progress
  const promptMs = firstAt - startedAt
  const answerMs = lastAt - firstAt
  return { type: 'done', reason, promptTokens: prompt.tokens.length, cachedTokens, answerTokens, promptMs, answerMs }
}

function expectGoingOn(signal: AbortSignal): void {
  if (signal.aborted) throw new EngineError('cancelled', 'The caller gave up')
}

import type { Llama, LlamaEmbeddingContext, LlamaModel as Weights } from 'node-llama-cpp'
import { EngineError } from '../errors.ts'
import { LlamaContextKeeper } from './llama-context.ts'
import { toPromptTokens } from './llama-prompt.ts'
import type { LlamaItem, LlamaProtocol, LlamaQuestion } from './llama-protocol.ts'
import { ChatTemplate } from './llama-template.ts'

/** Tokens of a text that is to become a vector, at most: its context takes memory beside the one of conversations. */
const maxEmbeddingTokens = 2048

type LoadParams = LlamaProtocol['calls']['load']['params']

/** One GGUF file in memory, with the context of its last conversation. Works of one model follow each other. */
export class LlamaModel {
  readonly contextLength: number
  /** Bytes of weights that are mapped from the file, and so are not private memory. */
  readonly mappedBytes: number
  readonly #weights: Weights
  readonly #keeper: LlamaContextKeeper | undefined
  readonly #template: ChatTemplate
  readonly #params: LoadParams
  #embedding: LlamaEmbeddingContext | undefined
  #last: Promise<unknown> = Promise.resolve()

  private constructor(weights: Weights, keeper: LlamaContextKeeper | undefined, params: LoadParams) {
    this.#weights = weights
    this.#keeper = keeper
    this.#params = params
    this.#template = ChatTemplate.of(weights)
    this.contextLength = keeper?.contextLength ?? Math.min(params.contextLength, weights.trainContextSize)
    this.mappedBytes = weights.useMmap ? weights.size : 0
  }

  /** Rejects with what the library says of a file that is none, and when there is no room for the context. */
  static async load(llama: Llama, params: LoadParams, signal: AbortSignal): Promise<LlamaModel> {
    const weights = await llama.loadModel({ modelPath: params.path, gpuLayers: 0, loadSignal: signal })
    try {
      const keeper = params.embeddingOnly ? undefined : await LlamaContextKeeper.open(weights, params)
      return new LlamaModel(weights, keeper, params)
    } catch (error) {
      await weights.dispose()
      throw error
    }
  }

  /** Throws `too-large` for a prompt that the context does not hold, `invalid` for what the chat template refuses. */
  async *generate(question: LlamaQuestion, signal: AbortSignal): AsyncGenerator<LlamaItem, void, undefined> {
    const keeper = this.#keeper
    if (!keeper)
      throw new EngineError('invalid', `Expected a model that writes text, but ${question.model} embeds only`)
    const done = await this.#takeTurn()
    const startedAt = performance.now()
    try {
      if (signal.aborted) throw new EngineError('cancelled', 'The caller gave up')
      const prompt = toPromptTokens(this.#weights, this.#template, question, keeper.contextLength)
      yield* keeper.answer({ question, prompt, startedAt }, signal)
    } finally {
      done()
    }
  }

  /** Vectors of length 1; between two texts the signal is heeded. */
  async embed(
    texts: readonly string[],
    signal: AbortSignal,
  ): Promise<{ vectors: Float32Array[]; promptTokens: number }> {
    const done = await this.#takeTurn()
    try {
      const context = await this.#embeddingContext()
      const vectors: Float32Array[] = []
      let promptTokens = 0
      for (const text of texts) {
        if (signal.aborted) throw new EngineError('cancelled', 'The caller gave up')
        const tokens = this.#tokensOf(text)
        promptTokens += tokens.length
        vectors.push(toUnit((await context.getEmbeddingFor(tokens)).vector))
      }
      return { vectors, promptTokens }
    } finally {
      done()
    }
  }

  /** Resolves when what it was asked before has ended. */
  async settle(): Promise<void> {
    await this.#last
  }

  /** Waits for what it was asked, then gives all memory back. */
  async dispose(): Promise<void> {
    await this.#takeTurn()
    await this.#embedding?.dispose()
    await this.#keeper?.dispose()
    await this.#weights.dispose()
  }

  #tokensOf(text: string): ReturnType<Weights['tokenize']> {
    const tokens = this.#weights.tokenize(text)
    const most = this.#embeddingLength
    if (tokens.length === 0) throw new EngineError('invalid', 'Expected text to embed, received an empty one')
    // The model's own first and last token are added.
    if (tokens.length <= most - 2) return tokens
    throw new EngineError(
      'too-large',
      `Expected at most ${most - 2} tokens to embed, received ${tokens.length}: shorten the text or cut it into parts`,
    )
  }

  get #embeddingLength(): number {
    return Math.min(maxEmbeddingTokens, this.contextLength)
  }

  async #embeddingContext(): Promise<LlamaEmbeddingContext> {
    const contextSize = this.#embeddingLength
    const { threads } = this.#params
    // A pooled vector needs the whole text in one batch.
    this.#embedding ??= await this.#weights.createEmbeddingContext({ contextSize, batchSize: contextSize, threads })
    return this.#embedding
  }

  /** Resolves when it is the caller's turn, with what ends it. */
  async #takeTurn(): Promise<() => void> {
    const before = this.#last
    let done: () => void = () => undefined
    this.#last = new Promise<void>((resolve) => {
      done = resolve
    })
    await before
    return done
  }
}

function toUnit(values: readonly number[]): Float32Array {
  const length = Math.hypot(...values)
  return Float32Array.from(values, (value) => (length > 0 ? value / length : value))
}

import { setTimeout as wait } from 'node:timers/promises'
import { EngineError } from '../../engine/errors.ts'
import type {
  Embeddings,
  Language,
  LanguageCapabilities,
  LanguageEvent,
  LanguageModelStatus,
  LanguageRequest,
  ToolCall,
} from '../../engine/inference/language.ts'
import type { EndReason } from '../../engine/inference/language-answer.ts'
import type { Use } from '../../engine/inference/residency-options.ts'

/** One step of an answer: a token of text or of thinking, a call, a failure, or a wait for the test. */
export type Step =
  | string
  | { readonly thinking: string }
  | { readonly call: ToolCall }
  | { readonly fail: Error }
  | { readonly until: Promise<unknown> }

/** A model that answers by its script. */
export interface ScriptedModel extends Partial<LanguageModelStatus> {
  readonly name: string
  readonly script?: (request: LanguageRequest) => Iterable<Step> | AsyncIterable<Step>
  readonly loadFailure?: EngineError
}

const everything: LanguageCapabilities = {
  ...{ vision: true, tools: true, thinking: true, schema: true },
  ...{ completion: true, embedding: true, chat: true },
}

/** As every backend has it where it is not scripted otherwise. */
const usual: Omit<LanguageModelStatus, 'name' | 'state'> = {
  ...{ aliases: [], backend: 'llama', why: 'found in models.paths', simulated: false, capabilities: everything },
  ...{
    contextLength: 2048,
    licence: 'MIT',
    bytes: 1_120_000_000,
    modifiedAt: 1_764_011_045_123,
    sha256: 'ab'.repeat(32),
  },
  ...{
    format: 'gguf',
    family: 'qwen2',
    parameters: '1.5B',
    quantisation: 'Q4_K_M',
    memoryBytes: null,
    expiresAt: null,
  },
}

const loadMs = 7

/**
 * Language models that say what a test wrote, a token per turn of the event loop, under the same rules as real ones: loading first, one
 * `done` at the end, maximum of tokens, stop texts, an end after the token in flight when the signal aborts.
 */
export class ScriptedLanguage implements Language {
  readonly requests: LanguageRequest[] = []
  readonly uses: Use[] = []
  /** `load a`, `unload a`, `keep a 300`, in their order. */
  readonly log: string[] = []
  readonly loaded = new Set<string>()
  readonly kept = new Map<string, number>()
  /** Generations that go on now, and that were broken off. */
  running = 0
  aborted = 0
  /** Tokens of all answers. */
  tokens = 0
  readonly #models: readonly ScriptedModel[]

  constructor(models: readonly ScriptedModel[]) {
    this.#models = models
  }

  async status(): Promise<readonly LanguageModelStatus[]> {
    return this.#models.map((model) => this.#statusOf(model))
  }

  async find(name: string | undefined): Promise<LanguageModelStatus> {
    return this.#statusOf(this.#model(name))
  }

  async *generate(
    name: string | undefined,
    request: LanguageRequest,
    use: Use,
    signal: AbortSignal,
  ): AsyncGenerator<LanguageEvent> {
    const model = this.#model(name)
    this.requests.push(request)
    this.uses.push(use)
    this.running++
    let ended = false
    try {
      const tookMs = await this.load(model.name, use, signal)
      for await (const event of this.#speak(model, request, { signal, tookMs })) {
        ended = event.type === 'done'
        yield event
      }
    } finally {
      this.running--
      if (!ended) this.aborted++
    }
  }

  async embed(name: string, texts: readonly string[], use: Use, signal: AbortSignal): Promise<Embeddings> {
    const tookMs = await this.load(name, use, signal)
    const vectors = texts.map((text) => Float32Array.of(0.6, 0, 0.8).map((value) => (text === '' ? 0 : value)))
    return { vectors, promptTokens: texts.reduce((sum, text) => sum + countTokens(text), 0), loadMs: tookMs }
  }

  async load(name: string, _use: Use, signal: AbortSignal): Promise<number> {
    const { loadFailure } = this.#model(name)
    await turn(signal)
    if (loadFailure) throw loadFailure
    if (this.loaded.has(name)) return 0
    this.loaded.add(name)
    this.log.push(`load ${name}`)
    return loadMs
  }

  async unload(name: string): Promise<void> {
    if (this.running > 0) throw new EngineError('conflict', `${name} is in use`)
    if (this.loaded.delete(name)) this.log.push(`unload ${name}`)
  }

  keepAlive(name: string, seconds: number): void {
    if (!this.loaded.has(name)) return
    this.kept.set(name, seconds)
    this.log.push(`keep ${name} ${seconds}`)
  }

  async *#speak(
    model: ScriptedModel,
    request: LanguageRequest,
    { signal, tookMs }: { readonly signal: AbortSignal; readonly tookMs: number },
  ): AsyncGenerator<LanguageEvent> {
    const startedAt = performance.now()
    let [firstAt, tokens, said, reason] = [startedAt, 0, '', 'stop' as EndReason]
    for await (const step of model.script?.(request) ?? echo(request)) {
      await turn(signal)
      if (typeof step === 'object' && 'fail' in step) throw step.fail
      if (typeof step === 'object' && 'until' in step) {
        await orAborted(step.until, signal)
        continue
      }
      if (typeof step === 'object' && 'call' in step) {
        reason = 'tool-calls'
        yield { type: 'tool-call', call: step.call }
        continue
      }
      this.tokens++
      if (tokens++ === 0) firstAt = performance.now()
      if (typeof step === 'object') yield { type: 'thinking', text: step.thinking, tokens: 1 }
      else {
        const { text, stopped } = cut(said, step, request.sampling.stop ?? [])
        said += step
        if (text !== '') yield { type: 'text', text, tokens: 1 }
        if (stopped) break
      }
      if (tokens === request.sampling.maxTokens) {
        reason = 'length'
        break
      }
    }
    const usage = {
      promptTokens: countTokens(textOf(request)),
      cachedTokens: 2,
      answerTokens: tokens,
      queuedMs: 0.5,
      loadMs: tookMs,
    }
    const now = performance.now()
    yield { type: 'done', reason, usage: { ...usage, promptMs: firstAt - startedAt, answerMs: now - firstAt } }
  }

  #model(name: string | undefined): ScriptedModel {
    if (this.#models.length === 0)
      throw new EngineError(
        'unavailable',
        'There is no language model. Try: hailstream models pull qwen2.5-1.5b-instruct',
      )
    const found = this.#models.find(
      (model) => name === undefined || model.name === name || model.aliases?.includes(name),
    )
    if (found) return found
    throw new EngineError(
      'not-found',
      `Expected one of ${this.#models.map((model) => model.name).join(', ')}, received ${name}`,
    )
  }

  #statusOf({ script: _, loadFailure: __, ...model }: ScriptedModel): LanguageModelStatus {
    const isLoaded = this.loaded.has(model.name)
    const kept = this.kept.get(model.name) ?? -1
    return {
      ...usual,
      state: isLoaded ? 'loaded' : 'available',
      ...model,
      memoryBytes: isLoaded ? 1_300_000_000 : null,
      expiresAt: isLoaded && kept >= 0 ? 1_764_011_045_000 + kept * 1000 : null,
    }
  }
}

/** What a model without a script says: the last words that it heard, one by one. */
function echo(request: LanguageRequest): string[] {
  return textOf(request).match(/\s*\S+/g) ?? ['nothing']
}

function textOf({ input }: LanguageRequest): string {
  return 'prompt' in input ? input.prompt : (input.messages.at(-1)?.content ?? '')
}

function countTokens(text: string): number {
  return text.split(/\s+/).filter((word) => word !== '').length
}

/** A token up to the first stop text that it completes. */
function cut(
  said: string,
  token: string,
  stop: readonly string[],
): { readonly text: string; readonly stopped: boolean } {
  const ends = stop.map((text) => `${said}${token}`.indexOf(text)).filter((at) => at >= 0)
  if (ends.length === 0) return { text: token, stopped: false }
  return { text: token.slice(0, Math.max(0, Math.min(...ends) - said.length)), stopped: true }
}

/** One turn of the event loop. */
async function turn(signal: AbortSignal): Promise<void> {
  await wait(1)
  signal.throwIfAborted()
}

function orAborted(work: Promise<unknown>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason)
    signal.addEventListener('abort', onAbort, { once: true })
    if (signal.aborted) onAbort()
    work.then(() => resolve(), reject).finally(() => signal.removeEventListener('abort', onAbort))
  })
}

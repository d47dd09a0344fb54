import { randomUUID } from 'node:crypto'
import { EngineError } from '../errors.ts'
import type { Host } from '../hosts/host.ts'
import type { LlamaItem, LlamaProtocol } from '../hosts/llama-protocol.ts'
import type { Embeddings, LanguageCapabilities, LanguageEvent, LanguageModel, LanguageRequest } from './language.ts'
import { type AskedModel, toLlamaQuestion } from './llama-question.ts'

/** From one token, or one part of a prompt, to the next: what takes longer stands still. Others may use the processor too. */
const itemDeadlineMs = 120_000
/** For all texts of one request. */
const embedDeadlineMs = 300_000
const maxTexts = 2048
const never = new AbortController().signal

/** A model in the host of llama.cpp. */
export class LlamaLanguage implements LanguageModel {
  readonly name: string
  readonly capabilities: LanguageCapabilities
  readonly contextLength: number
  readonly #host: Host<LlamaProtocol>

  constructor(host: Host<LlamaProtocol>, { name, capabilities, contextLength }: AskedModel) {
    this.name = name
    this.capabilities = capabilities
    this.contextLength = contextLength
    this.#host = host
  }

  async *generate(request: LanguageRequest, signal: AbortSignal): AsyncGenerator<LanguageEvent, void, undefined> {
    const question = toLlamaQuestion(this, request)
    let calls = 0
    let ended = false
    try {
      for await (const item of this.#host.stream('generate', question, { signal, deadlineMs: itemDeadlineMs })) {
        // What was on its way to a reader who has given up comes too late.
        if (signal.aborted) throw new EngineError('cancelled', 'The caller gave up')
        if (item.type === 'tool-call') calls++
        const event = toEvent(item, calls)
        if (event) yield event
      }
      ended = true
    } finally {
      if (!ended) await this.#settle()
    }
  }

  async embed(texts: readonly string[], signal: AbortSignal): Promise<Embeddings> {
    if (!this.capabilities.embedding)
      throw new EngineError('invalid', `Expected a model that embeds, but ${this.name} cannot. Ask another`)
    if (texts.length > maxTexts)
      throw new EngineError('too-large', `Expected at most ${maxTexts} texts, received ${texts.length}: ask in parts`)
    const options = { signal, deadlineMs: embedDeadlineMs }
    const { answer, settled } = this.#host.begin('embed', { model: this.name, texts }, options)
    answer.catch(() => undefined)
    await settled
    return { ...(await answer), loadMs: 0 }
  }

  /** Resolves when the host works for the answer no more, after its token in flight. */
  async #settle(): Promise<void> {
    // A host that is gone works for nobody.
    await this.#host
      .call('settle', { model: this.name }, { signal: never, deadlineMs: itemDeadlineMs })
      .catch(() => undefined)
  }
}

function toEvent(item: LlamaItem, calls: number): LanguageEvent | undefined {
  if (item.type === 'working') return undefined
  if (item.type === 'tool-call') return { type: 'tool-call', call: { id: `call_${randomUUID()}`, ...item.call } }
  if (item.type !== 'done') return { type: item.type, text: item.text, tokens: item.tokens }
  const { promptTokens, cachedTokens, answerTokens, promptMs, answerMs } = item
  const usage = { promptTokens, cachedTokens, answerTokens, promptMs, answerMs, queuedMs: 0, loadMs: 0 }
  return { type: 'done', reason: calls > 0 ? 'tool-calls' : item.reason, usage }
}

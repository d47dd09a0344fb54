import { EngineError } from '../../engine/errors.ts'
import type { Language, LanguageEvent, LanguageModelStatus, LanguageRequest } from '../../engine/inference/language.ts'
import type { Use } from '../../engine/inference/residency-options.ts'

const usage = { promptTokens: 3, cachedTokens: 0, answerTokens: 2, queuedMs: 1, loadMs: 0, promptMs: 2, answerMs: 4 }

/** A `Language` whose every answer is the same words, and that keeps what it was asked. */
export class FakeLanguage implements Language {
  words: readonly string[] = ['A ', 'dog.']
  readonly asked: { readonly name: string | undefined; readonly request: LanguageRequest; readonly use: Use }[] = []
  readonly loops = { begun: 0, ended: 0 }
  models: LanguageModelStatus[] = [modelStatus('reader', false), modelStatus('seer', true)]
  /** Waited for before the word of this place. */
  gate: (at: number) => Promise<void> = async () => undefined
  /** Thrown at the word of this place. */
  failure: { readonly at: number; readonly error: Error } | undefined

  async status(): Promise<readonly LanguageModelStatus[]> {
    return this.models
  }

  async find(name: string | undefined): Promise<LanguageModelStatus> {
    const found = this.models.find((model) => name === undefined || model.name === name)
    if (found === undefined) throw new EngineError('not-found', `Expected one of the models, received ${name}`)
    return found
  }

  async *generate(
    name: string | undefined,
    request: LanguageRequest,
    use: Use,
    signal: AbortSignal,
  ): AsyncGenerator<LanguageEvent> {
    this.asked.push({ name, request, use })
    this.loops.begun++
    try {
      for (const [at, text] of this.words.entries()) {
        await Promise.race([this.gate(at), cancelled(signal)])
        if (this.failure?.at === at) throw this.failure.error
        yield { type: 'text', text, tokens: 1 }
      }
      yield { type: 'done', reason: 'stop', usage }
    } finally {
      this.loops.ended++
    }
  }

  embed(): Promise<never> {
    return Promise.reject(new Error('Expected no embedding'))
  }

  load(): Promise<never> {
    return Promise.reject(new Error('Expected nothing to be loaded'))
  }

  unload(): Promise<never> {
    return Promise.reject(new Error('Expected nothing to be unloaded'))
  }

  keepAlive(): never {
    throw new Error('Expected no keep-alive')
  }
}

/** A model that is there. */
export function modelStatus(
  name: string,
  vision: boolean,
  state: LanguageModelStatus['state'] = 'available',
): LanguageModelStatus {
  return {
    ...{ name, aliases: [], backend: 'scripted', state, why: 'scripted', simulated: false },
    capabilities: {
      ...{ vision, tools: false, thinking: false, schema: false },
      ...{ completion: true, embedding: false, chat: true },
    },
    ...{ contextLength: 2048, licence: 'MIT', bytes: 1, modifiedAt: 1, sha256: null, format: 'gguf' },
    ...{ family: null, parameters: null, quantisation: null, memoryBytes: null, expiresAt: null },
  }
}

function cancelled(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const leave = () => reject(new EngineError('cancelled', 'The caller has left'))
    if (signal.aborted) leave()
    signal.addEventListener('abort', leave, { once: true })
  })
}

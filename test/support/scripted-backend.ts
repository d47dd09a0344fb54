import { EngineError } from '../../engine/errors.ts'
import type { DeviceLimits } from '../../engine/inference/device-queue.ts'
import type {
  LanguageCapabilities,
  LanguageEvent,
  LanguageModel,
  LanguageRequest,
} from '../../engine/inference/language.ts'
import type { LanguageBackend, LanguageOffer, LoadedLanguage } from '../../engine/inference/language-backend.ts'

const everything: LanguageCapabilities = {
  ...{ chat: true, completion: true, embedding: true },
  ...{ vision: true, tools: true, thinking: true, schema: true },
}

/** What comes of a request; it may wait for whatever a test decides, and heeds the signal. */
export type Script = (request: LanguageRequest, signal: AbortSignal) => AsyncIterable<LanguageEvent>

/** A backend whose models answer as a test has written. What is loaded and unloaded is noted. */
export class ScriptedLanguage implements LanguageBackend {
  readonly name: string
  readonly simulated = false
  readonly memory: LanguageBackend['memory']
  readonly exclusive: boolean
  readonly limits: DeviceLimits = { depth: 1 }
  readonly log: string[] = []
  readonly loaded = new Set<string>()
  /** A load of this model rejects with it, once. */
  readonly failures = new Map<string, EngineError>()
  script: Script = sayHello
  readonly #models: readonly (Partial<LanguageOffer> & { readonly name: string })[]
  #listeners: (() => void)[] = []

  constructor(
    name: string,
    models: readonly (Partial<LanguageOffer> & { readonly name: string })[],
    traits: { readonly memory?: LanguageBackend['memory']; readonly exclusive?: boolean } = {},
  ) {
    this.name = name
    this.#models = models
    this.memory = traits.memory === undefined ? 'host' : traits.memory
    this.exclusive = traits.exclusive ?? false
  }

  offers(): Promise<readonly LanguageOffer[]> {
    return Promise.resolve(this.#models.map((model) => ({ ...plain, ...model })))
  }

  async load(name: string): Promise<LoadedLanguage> {
    const failure = this.failures.get(name)
    this.failures.delete(name)
    if (failure) throw failure
    this.log.push(`load ${name}`)
    this.loaded.add(name)
    return { model: this.#model(name), bytes: 100 }
  }

  async unload(name: string): Promise<number> {
    this.log.push(`unload ${name}`)
    return this.loaded.delete(name) ? 100 : 0
  }

  isLoaded(name: string): boolean {
    return this.loaded.has(name)
  }

  onLost(listener: () => void): () => void {
    this.#listeners.push(listener)
    return () => undefined
  }

  /** As when its host dies. */
  lose(): void {
    this.loaded.clear()
    for (const listener of this.#listeners) listener()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.log.push('closed')
  }

  #model(name: string): LanguageModel {
    const expectLoaded = () => {
      if (!this.loaded.has(name)) throw new EngineError('unavailable', `Expected ${name} to be loaded`)
    }
    return {
      ...{ name, capabilities: everything, contextLength: 2048 },
      generate: (request, signal) => {
        expectLoaded()
        return this.script(request, signal)
      },
      embed: async (texts) => {
        expectLoaded()
        return { vectors: texts.map(() => new Float32Array([1])), promptTokens: texts.length, loadMs: 0 }
      },
    }
  }
}

const plain: LanguageOffer = {
  ...{ name: '', aliases: [], state: 'available', why: 'found in a test', capabilities: everything },
  ...{ contextLength: null, licence: 'MIT', bytes: 100, modifiedAt: 1, sha256: null, format: 'gguf' },
  ...{ family: null, parameters: null, quantisation: null, estimatedBytes: 100 },
}

/** The last event of an answer of so many tokens. */
export function done(answerTokens: number): LanguageEvent {
  const times = { queuedMs: 0, loadMs: 0, promptMs: 1, answerMs: 1 }
  return { type: 'done', reason: 'stop', usage: { promptTokens: 1, cachedTokens: 0, answerTokens, ...times } }
}

async function* sayHello(): AsyncGenerator<LanguageEvent> {
  yield { type: 'text', text: 'Hello', tokens: 1 }
  yield done(1)
}

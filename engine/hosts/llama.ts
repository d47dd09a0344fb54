import { serve } from './channel.ts'
import { enterHost } from './enter.ts'
import type { LlamaModels } from './llama-models.ts'
import type { LlamaProtocol } from './llama-protocol.ts'

// What runs in the host of llama.cpp. Its main thread only answers and chooses words: networks run in threads of the library.
enterHost()

let opened: Promise<LlamaModels> | undefined

/** The library has some hundred files to read, which on a busy machine takes longer than a host may take to answer first. */
function models(): Promise<LlamaModels> {
  opened ??= import('./llama-models.ts').then(({ LlamaModels }) => new LlamaModels())
  return opened
}

serve<LlamaProtocol>({
  calls: {
    load: async (params, signal) => (await models()).load(params, signal),
    unload: async ({ model }) => (await models()).unload(model),
    settle: async ({ model }) => (await models()).settle(model),
    embed: async ({ model, texts }, signal) => (await models()).find(model).embed(texts, signal),
  },
  streams: {
    async *generate(question, signal) {
      yield* (await models()).find(question.model).generate(question, signal)
    },
  },
})

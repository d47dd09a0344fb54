import { serve } from './channel.ts'
import { enterHost } from './enter.ts'
import { LlamaModels } from './llama-models.ts'
import type { LlamaProtocol } from './llama-protocol.ts'

// What runs in the host of llama.cpp. Its main thread only answers and chooses words: networks run in threads of the library.
enterHost()
const models = new LlamaModels()

serve<LlamaProtocol>({
  calls: {
    load: (params, signal) => models.load(params, signal),
    unload: ({ model }) => models.unload(model),
    settle: ({ model }) => models.settle(model),
    embed: ({ model, texts }, signal) => models.find(model).embed(texts, signal),
  },
  streams: { generate: (question, signal) => models.find(question.model).generate(question, signal) },
})

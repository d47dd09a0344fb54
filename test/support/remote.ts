import { afterEach, beforeEach, expect } from 'vitest'
import type { LanguageModel, LanguageRequest } from '../../engine/inference/language.ts'
import { RemoteLanguage } from '../../engine/inference/remote-language.ts'
import { type LanguageServer, sendJson, startLanguageServer } from './language-server.ts'

export const never = new AbortController().signal
export const hello = { input: { messages: [{ role: 'user', content: 'Hello' }] } } as const
export const clock = {
  name: 'clock',
  description: 'Tells the time.',
  parameters: { type: 'object', properties: { zone: { type: 'string' } } },
}
/** A conversation with all that there is. */
export const full: LanguageRequest = {
  input: {
    messages: [
      { role: 'system', content: 'Be short.' },
      { role: 'user', content: 'What is this?', images: [new Uint8Array([0x89, 0x50, 0x4e, 0x47])] },
      {
        ...{ role: 'assistant', content: '', thinking: 'Hm.' },
        toolCalls: [{ id: 'c1', name: 'clock', arguments: { zone: 'UTC' } }],
      },
      { role: 'tool', content: '12:00', toolCallId: 'c1', toolName: 'clock' },
    ],
  },
  tools: [clock],
  format: { type: 'object' },
  think: true,
  sampling: {
    ...{ maxTokens: 9, temperature: 0.5, topP: 0.9, seed: 4, stop: ['END'] },
    ...{ presencePenalty: 1, frequencyPenalty: 2 },
  },
}
/** An error of this code. */
export const code = (expected: string) => expect.objectContaining({ code: expected })

/** What differs from the usual: a key, and how long the server is waited for. */
export interface RemoteOptions {
  readonly keyFile?: string
  readonly firstMs?: number
  readonly betweenMs?: number
}

/** A scripted server and a backend for it, anew for each test. */
export interface RemoteSetup {
  readonly server: LanguageServer
  readonly backend: RemoteLanguage
  connect(api: 'ollama' | 'openai', more?: RemoteOptions): Promise<void>
  /** A model `tiny` of a server of that kind. */
  ollamaModel(more?: RemoteOptions): Promise<LanguageModel>
  openaiModel(more?: RemoteOptions): Promise<LanguageModel>
}

/** To be called once in a file, outside of its tests. */
export function setUpRemote(): RemoteSetup {
  let server: LanguageServer
  let backend: RemoteLanguage | undefined
  beforeEach(async () => {
    server = await startLanguageServer()
  })
  afterEach(async () => {
    await backend?.[Symbol.asyncDispose]()
    backend = undefined
    await server[Symbol.asyncDispose]()
  })
  const connect = async (api: 'ollama' | 'openai', more: RemoteOptions = {}): Promise<RemoteLanguage> => {
    const { keyFile = null, firstMs = 20_000, betweenMs = 20_000 } = more
    await backend?.[Symbol.asyncDispose]()
    const settings = { url: `${server.url}/`, api, name: 'attic', keyFile }
    backend = new RemoteLanguage(settings, { askMs: 10_000, firstMs, betweenMs })
    return backend
  }
  return {
    get server() {
      return server
    },
    get backend() {
      if (!backend) throw new Error('Expected to be connected')
      return backend
    },
    connect: async (api, more) => void (await connect(api, more)),
    async ollamaModel(more) {
      server.on('/api/tags', (_, response) => sendJson(response, { models: [{ name: 'tiny:latest' }] }))
      return (await (await connect('ollama', more)).load('tiny:latest', never)).model
    },
    async openaiModel(more) {
      server.on('/v1/models', (_, response) => sendJson(response, { data: [{ id: 'tiny', created: 0 }] }))
      return (await (await connect('openai', more)).load('tiny', never)).model
    },
  }
}

import type { Protocol } from './protocol.ts'

/** One turn of a conversation, as a chat template takes it. */
export interface LlamaMessage {
  readonly role: 'system' | 'user' | 'assistant' | 'tool'
  readonly content: string
  readonly thinking?: string
  readonly toolCalls?: readonly LlamaToolCall[]
  readonly toolCallId?: string
  readonly toolName?: string
}

/** A call of a tool, before somebody gives it an id. */
export interface LlamaToolCall {
  readonly name: string
  readonly arguments: Readonly<Record<string, unknown>>
}

/** A function that the model may ask to have called. */
export interface LlamaTool {
  readonly name: string
  readonly description?: string | undefined
  readonly parameters: Readonly<Record<string, unknown>>
}

/** How tokens are chosen; every field is given, within its range. */
export interface LlamaSampling {
  /** null: until the model ends or the context is full. */
  readonly maxTokens: number | null
  readonly temperature: number
  readonly topP: number
  readonly topK: number
  readonly minP: number
  readonly repeatPenalty: number
  /** Tokens back; −1 all. */
  readonly repeatLastN: number
  readonly presencePenalty: number
  readonly frequencyPenalty: number
  /** 0 to 2³² − 1. */
  readonly seed: number
  readonly stop: readonly string[]
  /** Tokens of prompt and answer together; null: what the model was loaded with. */
  readonly contextLength: number | null
}

/** What a loaded model is asked. */
export interface LlamaQuestion {
  readonly model: string
  readonly input: { readonly messages: readonly LlamaMessage[] } | { readonly prompt: string }
  readonly tools: readonly LlamaTool[]
  /** GBNF with a rule `root`; null: any text. */
  readonly grammar: string | null
  /** null: as the model does by itself. */
  readonly think: boolean | null
  readonly sampling: LlamaSampling
}

/** What comes of a question: pieces, then one `done`. Times in milliseconds. */
export type LlamaItem =
  | { readonly type: 'text' | 'thinking'; readonly text: string; readonly tokens: number }
  | { readonly type: 'tool-call'; readonly call: LlamaToolCall; readonly tokens: number }
  /** It works, and there is nothing to show yet: a part of the prompt was read, or a token is held back. */
  | { readonly type: 'working' }
  | {
      readonly type: 'done'
      readonly reason: 'stop' | 'length'
      readonly promptTokens: number
      readonly cachedTokens: number
      readonly answerTokens: number
      readonly promptMs: number
      readonly answerMs: number
    }

/** Between the engine and the host that runs llama.cpp. */
export interface LlamaProtocol extends Protocol {
  calls: {
    /**
     * Loads a GGUF file in place of a model of that name, with a context for at most `contextLength` tokens. `bytes`: by how much
     * the host's memory grew, weights that are mapped from the file included. Rejects with `invalid` for a file that is no model.
     */
    load: {
      params: {
        readonly model: string
        readonly path: string
        readonly threads: number
        readonly contextLength: number
        /** Whether it answers with vectors only. */
        readonly embeddingOnly: boolean
      }
      result: { readonly bytes: number; readonly contextLength: number }
    }
    /** Ends a model once what it was asked has ended. `bytes`: what came free. */
    unload: { params: { readonly model: string }; result: { readonly bytes: number } }
    /** One vector of length 1 for each text. `too-large` for a text longer than the context. */
    embed: {
      params: { readonly model: string; readonly texts: readonly string[] }
      result: { readonly vectors: readonly Float32Array[]; readonly promptTokens: number }
    }
    /** Resolves when what the model was asked before has ended, also what was cancelled. */
    settle: { params: { readonly model: string }; result: { readonly settled: true } }
    ping: { params: Record<string, never>; result: { readonly now: bigint } }
  }
  streams: {
    /** Questions of one model follow each other. The answer ends after the token in flight when it is cancelled. */
    generate: { params: LlamaQuestion; item: LlamaItem }
  }
  toHost: Record<never, never>
  toEngine: Record<never, never>
}

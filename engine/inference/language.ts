import type { Use } from './residency-options.ts'

/** A JSON schema, as clients send it. */
export type JsonSchema = Readonly<Record<string, unknown>>

/** A function that the model may ask to have called. */
export interface LanguageTool {
  readonly name: string
  readonly description?: string | undefined
  /** Of its arguments, an object. */
  readonly parameters: JsonSchema
}

/** A call that the model asks for. `id` is ours, unique within an answer; `arguments` is parsed already. */
export interface ToolCall {
  readonly id: string
  readonly name: string
  readonly arguments: Readonly<Record<string, unknown>>
}

/** One turn of a conversation. */
export interface ChatMessage {
  readonly role: 'system' | 'user' | 'assistant' | 'tool'
  readonly content: string
  /** JPEG, PNG or WebP, as they were sent; only for models with `vision`. */
  readonly images?: readonly Uint8Array[]
  /** What the assistant thought before it said `content`. */
  readonly thinking?: string
  readonly toolCalls?: readonly ToolCall[]
  /** Of a tool's answer: the call that it answers, and the tool. */
  readonly toolCallId?: string
  readonly toolName?: string
}

/** How tokens are chosen. What is left out is the model's own default; what a backend cannot do it refuses as `invalid`. */
export interface Sampling {
  /** At least 1. */
  readonly maxTokens?: number
  /** 0 takes the likeliest token each time. */
  readonly temperature?: number
  /** 0 to 1. */
  readonly topP?: number
  readonly topK?: number
  readonly minP?: number
  readonly typicalP?: number
  /** 1 is none. */
  readonly repeatPenalty?: number
  /** Tokens back that the penalty looks; 0 none, −1 the whole context. */
  readonly repeatLastN?: number
  readonly presencePenalty?: number
  readonly frequencyPenalty?: number
  readonly seed?: number
  /** The answer ends before the first of these texts. */
  readonly stop?: readonly string[]
  /** Tokens of the context; at most what the model has. */
  readonly contextLength?: number
}

/** What is asked of a language model. */
export interface LanguageRequest {
  /** A conversation, or text that is gone on with as it stands, without any template. */
  readonly input:
    | { readonly messages: readonly ChatMessage[] }
    | { readonly prompt: string; readonly images?: readonly Uint8Array[] }
  readonly tools?: readonly LanguageTool[]
  /** The answer is JSON, or JSON by this schema, truly constrained; where the backend cannot, the request is `invalid`. */
  readonly format?: 'json' | JsonSchema
  /** Whether the model thinks aloud first; left out: as it does by itself. */
  readonly think?: boolean
  readonly sampling: Sampling
}

/** What an answer took. Times in milliseconds, measured. */
export interface LanguageUsage {
  /** Tokens of the prompt, also those that the kept context had already. */
  readonly promptTokens: number
  /** Of these, the ones that did not have to be read again. */
  readonly cachedTokens: number
  readonly answerTokens: number
  /** From the request to the start of its work: waiting for its turn. */
  readonly queuedMs: number
  /** Loading the model; 0 when it was loaded. */
  readonly loadMs: number
  /** From the start of the work to the first token. */
  readonly promptMs: number
  /** From the first token to the last. */
  readonly answerMs: number
}

/** What comes of a generation, in this order: texts and calls, then one `done`. */
export type LanguageEvent =
  /** `tokens`: how many this piece has. */
  | { readonly type: 'text'; readonly text: string; readonly tokens: number }
  | { readonly type: 'thinking'; readonly text: string; readonly tokens: number }
  | { readonly type: 'tool-call'; readonly call: ToolCall }
  | {
      readonly type: 'done'
      /** `stop`: the model ended, or a stop text came; `length`: maxTokens or the context's end; `tool-calls`: it waits for their answers. */
      readonly reason: 'stop' | 'length' | 'tool-calls'
      readonly usage: LanguageUsage
    }

/** What a model can do; what it cannot is refused as `invalid`. */
export interface LanguageCapabilities {
  readonly vision: boolean
  readonly tools: boolean
  readonly thinking: boolean
  /** JSON and JSON schemas, constrained while the tokens are chosen. */
  readonly schema: boolean
  /** Text is gone on with as it stands. */
  readonly completion: boolean
  readonly embedding: boolean
  readonly chat: boolean
}

/** A language model that can be asked, or could be after a `pull`. */
export interface LanguageModelStatus {
  readonly name: string
  /** Other names by which it is asked for, as `qwen2.5:1.5b`. */
  readonly aliases: readonly string[]
  readonly backend: string
  readonly state: 'available' | 'missing' | 'loading' | 'loaded' | 'failed'
  readonly why: string
  readonly simulated: boolean
  readonly capabilities: LanguageCapabilities
  /** Tokens; null: not known before it was loaded. */
  readonly contextLength: number | null
  readonly licence: string
  /** Of its files; null where nobody says. */
  readonly bytes: number | null
  /** Unix ms; null: not here. */
  readonly modifiedAt: number | null
  /** SHA-256 of its file in hexadecimal; null where it is not known. */
  readonly sha256: string | null
  /** `gguf`, `hef` or `remote`. */
  readonly format: string
  /** As `qwen2`, `1.5B`, `Q4_K_M`; null where nobody says. */
  readonly family: string | null
  readonly parameters: string | null
  readonly quantisation: string | null
  /** Bytes of memory that it takes; null while it is not loaded. */
  readonly memoryBytes: number | null
  /** Unix ms until it is unloaded if nobody uses it; null: not by itself, or not loaded. */
  readonly expiresAt: number | null
}

/** An answer's embedding vectors, one per text, each of length 1. */
export interface Embeddings {
  readonly vectors: readonly Float32Array[]
  readonly promptTokens: number
  readonly loadMs: number
}

/** Language models as routes, nodes and voice sessions see them: which are there, and who runs next, is decided behind it. */
export interface Language {
  /** Nothing is loaded by asking, and no generation delays it. */
  status(): Promise<readonly LanguageModelStatus[]>
  /** One model by its name or an alias; undefined picks the default. Throws `not-found`, or `unavailable` when there is none at all, naming what to pull. */
  find(name: string | undefined): Promise<LanguageModelStatus>
  /**
   * Loads the model if need be and generates. Throws on the first `next`: `not-found`, `unavailable` (no file, no room, host died),
   * `busy`, `invalid` (what the model cannot do), `too-large` (more tokens than the context holds). Leaving the loop, or the signal, ends the work
   * after the token in flight.
   */
  generate(
    name: string | undefined,
    request: LanguageRequest,
    use: Use,
    signal: AbortSignal,
  ): AsyncIterable<LanguageEvent>
  /** Throws as `generate` does. */
  embed(name: string, texts: readonly string[], use: Use, signal: AbortSignal): Promise<Embeddings>
  /** Loads it before anybody asks. Resolves with the milliseconds that it took, 0 when it was loaded. */
  load(name: string, use: Use, signal: AbortSignal): Promise<number>
  /** Throws `conflict` while it is in use. */
  unload(name: string): Promise<void>
  /** Seconds that a loaded model stays after its use: −1 for ever, 0 until nobody uses it. */
  keepAlive(name: string, seconds: number): void
}

/**
 * One loaded model, as its backend gives it. Its owner asks no more at once than its backend allows. An iteration ends, also by
 * `return` and by the signal, when nothing works for it any more: its place is free then.
 */
export interface LanguageModel {
  readonly name: string
  readonly capabilities: LanguageCapabilities
  /** Tokens; null: only its server knows. */
  readonly contextLength: number | null
  /** `queuedMs` and `loadMs` of its usage are 0: they are its owner's. Throws as `Language.generate` does, `cancelled` by the signal. */
  generate(request: LanguageRequest, signal: AbortSignal): AsyncIterable<LanguageEvent>
  embed(texts: readonly string[], signal: AbortSignal): Promise<Embeddings>
}

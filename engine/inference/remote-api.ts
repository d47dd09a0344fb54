import type { z } from 'zod'
import { EngineError } from '../errors.ts'
import type { LanguageEvent, LanguageRequest, ToolCall } from './language.ts'
import type { LanguageOffer } from './language-backend.ts'
import { errorText, type RemoteRequest, type RemoteServer } from './remote-server.ts'

/** What comes of an answer as a server streams it: pieces, then one `end`. */
export type RemoteEvent =
  | Extract<LanguageEvent, { readonly type: 'text' | 'thinking' | 'tool-call' }>
  | {
      readonly type: 'end'
      readonly reason: 'stop' | 'length' | 'tool-calls'
      /** Tokens as the server counts them; left out where it does not say. */
      readonly promptTokens?: number | undefined
      readonly cachedTokens?: number | undefined
      readonly answerTokens?: number | undefined
    }

/** What a server gives for texts. */
export interface RemoteVectors {
  readonly vectors: readonly (readonly number[])[]
  readonly promptTokens: number
}

/** How a kind of server is spoken to. */
export interface RemoteApi {
  list(server: RemoteServer, signal: AbortSignal): Promise<readonly LanguageOffer[]>
  /** What is known of one model beyond the list; left out where the api has no such request. */
  describe?(server: RemoteServer, model: string, signal: AbortSignal): Promise<Partial<LanguageOffer>>
  /** Throws `invalid` for what this kind of server has no field for. `keepAlive` in seconds. */
  toRequest(model: string, request: LanguageRequest, keepAlive: number | undefined): RemoteRequest
  /** Throws `unavailable` for what is no answer, or one that breaks off. */
  read(lines: AsyncIterable<string>, server: string): AsyncGenerator<RemoteEvent, void, undefined>
  embed(server: RemoteServer, model: string, texts: readonly string[], signal: AbortSignal): Promise<RemoteVectors>
  /** Asks the server to let the model go; left out where it has no such request. */
  release?(server: RemoteServer, model: string, signal: AbortSignal): Promise<void>
}

/** A call with an id of the server, or one of ours. */
export function toCall(
  id: string | null | undefined,
  name: string,
  given: Readonly<Record<string, unknown>>,
): ToolCall {
  return { id: id != null && id !== '' ? id : `call_${crypto.randomUUID()}`, name, arguments: given }
}

/** What is known of a server's model by its name alone: it may be able to do all, and refuses itself what it cannot. */
export function remoteOffer(name: string, server: string): LanguageOffer {
  return {
    name,
    aliases: [],
    state: 'available',
    why: `offered by server ${server}`,
    capabilities: {
      ...{ vision: true, tools: true, thinking: true, schema: true, completion: true, embedding: true, chat: true },
    },
    contextLength: null,
    licence: 'as its server says',
    bytes: null,
    modifiedAt: null,
    sha256: null,
    format: 'remote',
    family: null,
    parameters: null,
    quantisation: null,
    estimatedBytes: 0,
  }
}

/** What a server says of its own failure in the middle of an answer. */
export function toFailure(error: unknown, server: string): EngineError {
  const said = (errorText(error) ?? 'no reason given').slice(0, 500)
  return new EngineError('unavailable', `Server ${server} failed: ${said}`)
}

/** What a server says, as it should be. Throws `unavailable`, naming the place. */
export function expectShape<T extends z.ZodType>(schema: T, value: unknown, server: string): z.output<T> {
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  const what = `${issue?.path.join('.') || 'the answer'}: ${issue?.message}`
  throw new EngineError(
    'unavailable',
    `Expected server ${server} to answer as its api does, received something else at ${what}`,
  )
}

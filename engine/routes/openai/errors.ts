import { EngineError, errorTable } from '../../errors.ts'
import { Incapable } from '../../inference/expect-capable.ts'
import type { LanguageCapabilities } from '../../inference/language.ts'
import { WrongField } from '../body.ts'

/** Seconds after which a client may ask again. */
const retryAfterS = 1

/** The model of a request is not here. */
export class UnknownModel extends EngineError {
  constructor(model: string, why: string, options?: { cause?: unknown }) {
    super('not-found', `The model '${model}' does not exist here: ${why}`, options)
  }
}

/** OpenAI's error body. */
export interface OpenAiError {
  readonly error: {
    readonly message: string
    readonly type: 'invalid_request_error' | 'not_found_error' | 'api_error'
    /** The field that is wrong. */
    readonly param: string | null
    readonly code: string | null
  }
}

/** By the true status. */
export function answerError(error: EngineError): Response {
  const { status, retry } = errorTable[error.code]
  const headers = retry ? { 'retry-after': String(retryAfterS) } : {}
  return Response.json(toBody(error), { status, headers })
}

/** What a failure says; `code` is ours where OpenAI has none. */
export function toBody(error: EngineError): OpenAiError {
  const { status } = errorTable[error.code]
  const type = status === 404 ? 'not_found_error' : status < 500 ? 'invalid_request_error' : 'api_error'
  const code = error instanceof UnknownModel ? 'model_not_found' : error.code
  return { error: { message: error.message, type, param: paramOf(error), code } }
}

function paramOf(error: EngineError): string | null {
  if (error instanceof WrongField) return error.field === '' ? null : error.field
  if (error instanceof Incapable) return params[error.lacking]
  return error instanceof UnknownModel ? 'model' : null
}

const params: Readonly<Record<keyof LanguageCapabilities, string>> = {
  vision: 'messages',
  tools: 'tools',
  thinking: 'reasoning_effort',
  schema: 'response_format',
  completion: 'model',
  embedding: 'model',
  chat: 'model',
}

import { EngineError, errorTable } from '../../errors.ts'
import { WrongField } from '../body.ts'
import { WrongUpload } from '../upload.ts'

/** A field that is not honoured: status 400, with its name. */
export class InvalidField extends Error {
  readonly field: string

  constructor(field: string, message: string) {
    super(message)
    this.field = field
  }
}

/** OpenAI's error object. */
export interface ErrorBody {
  readonly error: {
    readonly message: string
    readonly type: string
    readonly param: string | null
    readonly code: string | null
  }
}

/** Seconds after which a client may ask again. */
const retryAfterS = 1

/** OpenAI's answer to an expected failure; undefined for a bug. */
export function answerFailure(error: unknown): Response | undefined {
  const body = describeFailure(error)
  if (body === undefined) return undefined
  const { status, retry } = statusOf(error)
  return Response.json(body, { status, headers: retry ? { 'retry-after': String(retryAfterS) } : {} })
}

/** OpenAI's answer to another method than POST. */
export function refuseMethod(method: string): Response {
  const refusal = body(`Expected POST, received ${method}`, 405, null, 'invalid')
  return Response.json(refusal, { status: 405, headers: { allow: 'POST' } })
}

/** A failure that comes of a field: its own status, with the field's name. */
export class FailedField extends EngineError {
  readonly field: string

  constructor(field: string, { code, message }: EngineError, options?: { cause?: unknown }) {
    super(code, message, options)
    this.field = field
  }
}

/** Names the field in whatever `work` says is not here, or cannot be. */
export async function naming<T>(field: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (!(error instanceof EngineError) || (error.code !== 'not-found' && error.code !== 'invalid')) throw error
    throw new FailedField(field, error, { cause: error })
  }
}

/** OpenAI's error object for an expected failure; undefined for a bug. */
export function describeFailure(error: unknown): ErrorBody | undefined {
  if (error instanceof InvalidField) return body(error.message, 400, error.field, 'invalid')
  if (error instanceof WrongUpload) return body(error.message, 415, null, 'invalid')
  const field = error instanceof FailedField || error instanceof WrongField ? error.field || null : null
  if (error instanceof EngineError) return body(error.message, errorTable[error.code].status, field, error.code)
  return undefined
}

function statusOf(error: unknown): { readonly status: number; readonly retry: boolean } {
  if (error instanceof EngineError) return errorTable[error.code]
  return { status: error instanceof WrongUpload ? 415 : 400, retry: false }
}

function body(message: string, status: number, param: string | null, code: string): ErrorBody {
  return { error: { message, type: typeOf(status), param, code } }
}

function typeOf(status: number): string {
  if (status === 404) return 'not_found_error'
  return status < 500 ? 'invalid_request_error' : 'api_error'
}

/** What can go wrong, in ten words; the same in every process, and in C++. */
export type ErrorCode =
  | 'invalid'
  | 'not-found'
  | 'conflict'
  | 'too-large'
  | 'busy'
  | 'unavailable'
  | 'timeout'
  | 'cancelled'
  | 'closed'
  | 'internal'

/** Per code: the HTTP status that tells it, and whether the same request can succeed later. */
export const errorTable: Readonly<Record<ErrorCode, { readonly status: number; readonly retry: boolean }>> = {
  invalid: { status: 400, retry: false },
  'not-found': { status: 404, retry: false },
  conflict: { status: 409, retry: false },
  'too-large': { status: 413, retry: false },
  busy: { status: 503, retry: true },
  unavailable: { status: 503, retry: true },
  timeout: { status: 504, retry: true },
  cancelled: { status: 499, retry: true },
  closed: { status: 503, retry: true },
  internal: { status: 500, retry: false },
}

/** An expected failure. The message says what was expected, what came, and what to do. Anything else that is thrown is a bug. */
export class EngineError extends Error {
  override readonly name = 'EngineError'
  readonly code: ErrorCode

  constructor(code: ErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options)
    this.code = code
  }
}

/** What the failure says, whatever was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

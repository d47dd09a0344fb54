import { EngineError, type ErrorCode, messageOf } from '../errors.ts'

/** What a stage's failure tells the machine. A bug is one too: it is told as `internal`, and the voice session lives. */
export function failureOf(error: unknown): { readonly code: ErrorCode; readonly message: string } {
  return { code: error instanceof EngineError ? error.code : 'internal', message: messageOf(error) }
}

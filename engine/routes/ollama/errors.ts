import { type EngineError, errorTable } from '../../errors.ts'

/** Seconds after which a client may ask again. */
const retryAfterS = 1

/** Ollama's error body, by the true status. */
export function answerError(error: EngineError): Response {
  const { status, retry } = errorTable[error.code]
  const headers = retry ? { 'retry-after': String(retryAfterS) } : {}
  return Response.json({ error: error.message }, { status, headers })
}

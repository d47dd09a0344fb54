import type { ErrorBody, Failure } from './server/fetch-bridge.ts'

/** The paths of Ollama's API; other paths below `/api/` are the house's. */
const ollamaPath =
  /^\/api\/(chat|generate|tags|ps|show|version|pull|push|create|copy|delete|embed|embeddings|blobs\/.*)$/
const openaiPath = /^\/v1\//

/** Who is not let in, or sends too much, is told so in the words of the standard that he asked by. */
export const errorBodyFor: ErrorBody = (path, failure) => {
  if (openaiPath.test(path)) return { error: toOpenAi(failure) }
  return ollamaPath.test(path) ? { error: failure.detail } : { error: failure.error, detail: failure.detail }
}

function toOpenAi({ status, error, detail }: Failure): object {
  return { message: detail, type: status < 500 ? 'invalid_request_error' : 'api_error', param: null, code: error }
}

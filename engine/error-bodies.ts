import type { ErrorBody, Failure } from './server/fetch-bridge.ts'

/** The paths of Ollama's API; other paths below `/api/` are the house's. */
const ollamaPath =
  /^\/api\/(chat|generate|tags|ps|show|version|pull|push|create|copy|delete|embed|embeddings|blobs\/.*)$/
/** Of Piper and of single services, whose body is Ollama's. */
const speechPath = /^\/(v1\/(voices|synthesize)|compat\/piper(\/.*)?)$/
const openaiPath = /^\/v1\//

/** Who is not let in, or sends too much, is told so in the words of the standard that he asked by. */
export const errorBodyFor: ErrorBody = (path, failure) => {
  if (ollamaPath.test(path) || speechPath.test(path)) return { error: failure.detail }
  return openaiPath.test(path) ? { error: toOpenAi(failure) } : { error: failure.error, detail: failure.detail }
}

function toOpenAi({ status, error, detail }: Failure): object {
  const type = status === 404 ? 'not_found_error' : status < 500 ? 'invalid_request_error' : 'api_error'
  return { message: detail, type, param: null, code: error }
}

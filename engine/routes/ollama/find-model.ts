import { EngineError } from '../../errors.ts'
import type { Language, LanguageModelStatus } from '../../inference/language.ts'

/** The model of a request, which is on this machine. Throws `not-found` as Ollama says it, `unavailable` where there is none at all. */
export async function findModel(language: Language, asked: string): Promise<LanguageModelStatus> {
  let found: LanguageModelStatus
  try {
    found = await language.find(asked)
  } catch (error) {
    if (!(error instanceof EngineError) || error.code !== 'not-found') throw error
    throw new EngineError('not-found', `model '${asked}' not found: ${error.message}`, { cause: error })
  }
  if (found.state !== 'missing') return found
  throw new EngineError('not-found', `model '${asked}' not found, try pulling it first (${found.why})`)
}

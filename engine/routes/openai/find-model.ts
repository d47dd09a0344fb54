import { EngineError } from '../../errors.ts'
import type { Language, LanguageModelStatus } from '../../inference/language.ts'
import { UnknownModel } from './errors.ts'

/** The model of a request, which is on this machine. Throws `UnknownModel`, `unavailable` where there is none at all. */
export async function findModel(language: Language, asked: string): Promise<LanguageModelStatus> {
  let found: LanguageModelStatus
  try {
    found = await language.find(asked)
  } catch (error) {
    if (!(error instanceof EngineError) || error.code !== 'not-found') throw error
    throw new UnknownModel(asked, error.message, { cause: error })
  }
  if (found.state === 'missing')
    throw new UnknownModel(asked, `${found.why}. Try: hailstream models pull ${found.name}`)
  return found
}

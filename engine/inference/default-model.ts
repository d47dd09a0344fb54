import { EngineError } from '../errors.ts'
import type { Language } from './language.ts'

/** The model of a task for who names none; null, with what to do, where there is none. */
export interface DefaultModel {
  readonly name: string | null
  readonly backend: string | null
  /** Why this one. */
  readonly why: string
}

/** The language model for who names none. Nothing is loaded by asking. */
export async function defaultLanguage(language: Pick<Language, 'find'>): Promise<DefaultModel> {
  try {
    const { name, backend, state, why } = await language.find(undefined)
    return { name, backend, why: `${state === 'loaded' ? 'used last' : 'the first that is here'}: ${why}` }
  } catch (error) {
    if (!(error instanceof EngineError)) throw error
    return { name: null, backend: null, why: error.message }
  }
}

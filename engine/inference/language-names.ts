import { EngineError } from '../errors.ts'

/** Names that a message lists at most. */
const maxNames = 12
/** What Ollama's clients write for a model without a tag. */
const latest = ':latest'

/** Something that is asked for by its name, or by another. */
export interface Named {
  readonly name: string
  readonly aliases: readonly string[]
}

/**
 * The one that is meant: by its name, by an alias, or by what stands before the colon of an alias where only one begins like this. Case does not
 * matter, and `:latest` adds nothing. Throws `not-found`, naming those that are alike.
 */
export function findNamed<T extends Named>(asked: string, all: readonly T[]): T {
  const wanted = asked.toLowerCase()
  const short = wanted.endsWith(latest) ? wanted.slice(0, -latest.length) : wanted
  const exact = all.find((one) =>
    namesOf(one).some((name) => name === wanted || name === short || name === short + latest),
  )
  if (exact) return exact
  const beginning = all.filter((one) => namesOf(one).some((name) => name.startsWith(`${short}:`)))
  if (beginning.length === 1 && beginning[0]) return beginning[0]
  throw unknown(asked, beginning.length > 0 ? beginning : all)
}

function namesOf({ name, aliases }: Named): string[] {
  return [name, ...aliases].map((one) => one.toLowerCase())
}

function unknown(asked: string, all: readonly Named[]): EngineError {
  const names = all.map(({ name, aliases: [alias] }) => (alias === undefined ? name : `${name} (${alias})`))
  const shown = names.slice(0, maxNames).join(', ')
  const list = names.length > maxNames ? `${shown}, …` : shown || 'there is none'
  return new EngineError('not-found', `Expected a language model (${list}), received ${JSON.stringify(asked)}`)
}

import { z } from 'zod'

/** What is wrong in a document, and where: `streams.people.classes`. */
export interface Problem {
  readonly place: string
  readonly message: string
}

/** Parses by a schema, in the project's form of problems: the dotted place, what was expected, what came. */
export function parseWith<T>(
  schema: z.ZodType<T>,
  value: unknown,
): { readonly value: T } | { readonly problem: Problem } {
  const parsed = schema.safeParse(value, { reportInput: true })
  return parsed.success ? { value: parsed.data } : { problem: firstProblem(parsed.error, schema) }
}

function firstProblem(error: z.ZodError, schema: z.ZodType): Problem {
  const issue = error.issues[0] as z.core.$ZodIssue
  const place = issue.path.map(String).join('.')
  if (issue.code === 'unrecognized_keys') {
    const known = knownKeys(schema, issue.path)
    const expected =
      known === undefined ? 'Expected a known key' : `Expected one of the keys ${known.join(', ') || '(none)'}`
    return placed(place, { place: issue.keys[0] as string, message: `${expected}, received ${issue.keys.join(', ')}` })
  }
  // A wrong key of a record: its own rule says it better, and the place is in the path.
  if (issue.code === 'invalid_key') return { place, message: issue.issues[0]?.message ?? issue.message }
  return { place, message: sentence(issue) }
}

/** The same problem, seen from further out. */
export function placed(outer: string, problem: Problem): Problem {
  return { place: [outer, problem.place].filter((part) => part !== '').join('.'), message: problem.message }
}

/** zod says "Invalid input: expected number, received string", and not always what it received. */
function sentence({ message, input }: z.core.$ZodIssue): string {
  const bare = message.replace(/^(Invalid input|Invalid option|Too (big|small)|Invalid [a-z]+): /, '')
  const received = /received/.test(bare) || input === undefined ? '' : `, received ${JSON.stringify(input)}`
  return `${bare.charAt(0).toUpperCase()}${bare.slice(1)}${received}`
}

function knownKeys(schema: z.ZodType, path: readonly PropertyKey[]): string[] | undefined {
  return path.length === 0 && schema instanceof z.ZodObject ? Object.keys(schema.shape) : undefined
}

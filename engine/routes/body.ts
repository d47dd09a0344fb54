import type { z } from 'zod'
import { EngineError, messageOf } from '../errors.ts'

/** A field of a request is not as expected: which one, as `messages.0.role`; empty for the body itself. */
export class WrongField extends EngineError {
  readonly field: string

  constructor(field: string, message: string, options?: { cause?: unknown }) {
    super('invalid', message, options)
    this.field = field
  }
}

/** Data of the client's own, where null means something. */
const opaqueKeys: ReadonlySet<string> = new Set(['format', 'parameters', 'schema', 'arguments'])

/**
 * The body of a request by its schema. A field that is null counts as left out, as JSON writers of many languages have it. Throws
 * `WrongField`, for the first thing that is wrong.
 */
export async function readBody<S extends z.ZodType>(request: Request, schema: S): Promise<z.output<S>> {
  const text = await request.text()
  if (text.trim() === '') throw new WrongField('', 'missing request body')
  const parsed = schema.safeParse(withoutNulls(parseJson(text)))
  if (parsed.success) return parsed.data
  throw describe(parsed.error.issues[0])
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new WrongField('', `Expected a body of JSON: ${messageOf(error)}`, { cause: error })
  }
}

function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls)
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).filter(([, inner]) => inner !== null)
  return Object.fromEntries(entries.map(([key, inner]) => [key, opaqueKeys.has(key) ? inner : withoutNulls(inner)]))
}

function describe(issue: z.core.$ZodIssue | undefined, before: readonly PropertyKey[] = []): WrongField {
  const place = [...before, ...(issue?.path ?? [])]
  // Of what may be this or that, the one that got further was meant.
  const meant =
    issue?.code === 'invalid_union' ? issue.errors.find(([inner]) => inner && inner.path.length > 0) : undefined
  if (meant !== undefined) return describe(meant[0], place)
  const path = place.join('.')
  if (issue?.code === 'unrecognized_keys') {
    const field = [path, issue.keys[0]].filter((part) => part !== '').join('.')
    return new WrongField(field, `Expected no field ${field}: this engine has no such thing, and ignores nothing`)
  }
  const message = issue?.message ?? 'Expected another body'
  const name = String(place.at(-1) ?? '')
  return new WrongField(path, path === '' || message.startsWith(name) ? message : `${path}: ${message}`)
}

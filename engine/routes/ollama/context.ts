import { z } from 'zod'
import { EngineError } from '../../errors.ts'

/** Begins every context of ours: `hs1` as a number. */
const mark = 0x687331
const bytesPerNumber = 3

const pastSchema = z.union([
  z.strictObject({ text: z.string() }),
  z.strictObject({
    messages: z.array(z.strictObject({ role: z.enum(['system', 'user', 'assistant']), content: z.string() })),
  }),
])

/** What a context remembers: a conversation, or text that is gone on with. */
export type Past = z.output<typeof pastSchema>

/**
 * What was said, as the whole numbers that clients of `/api/generate` keep and send back; to them they mean nothing. Ollama sends its
 * tokens; ours are the UTF-8 of JSON, three bytes a number, after a mark and the count of bytes.
 */
export function encodeContext(past: Past): number[] {
  const bytes = Buffer.from(JSON.stringify(past))
  const numbers = [mark, bytes.length]
  for (let at = 0; at < bytes.length; at += bytesPerNumber) {
    const part = Buffer.alloc(bytesPerNumber)
    bytes.copy(part, 0, at)
    numbers.push(part.readUIntBE(0, bytesPerNumber))
  }
  return numbers
}

/** Undefined for an empty one. Throws `invalid` for one that is not ours. */
export function decodeContext(numbers: readonly number[]): Past | undefined {
  if (numbers.length === 0) return undefined
  const [first, length = 0, ...rest] = numbers
  if (first !== mark || rest.some((number) => number >= 2 ** 24)) throw foreign()
  const bytes = Buffer.alloc(rest.length * bytesPerNumber)
  for (const [i, number] of rest.entries()) bytes.writeUIntBE(number, i * bytesPerNumber, bytesPerNumber)
  const parsed = pastSchema.safeParse(parseJson(bytes.toString('utf8', 0, length)))
  if (!parsed.success) throw foreign()
  return parsed.data
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // Then it is none of ours, and the schema says so.
    return undefined
  }
}

function foreign(): EngineError {
  return new EngineError('invalid', 'context: Expected the one of an earlier answer of this engine, received another')
}

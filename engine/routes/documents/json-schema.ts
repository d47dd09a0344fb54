import { z } from 'zod'

/** A JSON Schema of the 2020-12 dialect, which both OpenAPI 3.1 and AsyncAPI 3.0 read. */
export type JsonSchema = Readonly<Record<string, unknown>>

/** As a client has to write it (`input`) or gets it (`output`). Everything is inline: no reference has to be resolved. */
export function toSchema(schema: z.ZodType, io: 'input' | 'output'): JsonSchema {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io, cycles: 'throw', reused: 'inline', override: tidy })
  return rest
}

/** The bounds of what JavaScript counts exactly say nothing about the API. */
function tidy({ jsonSchema }: { readonly jsonSchema: z.core.JSONSchema.BaseSchema }): void {
  if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum
  if (jsonSchema.minimum === Number.MIN_SAFE_INTEGER) delete jsonSchema.minimum
}

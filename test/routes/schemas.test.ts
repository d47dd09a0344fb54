import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import * as ollama from '../../engine/routes/ollama/schemas.ts'
import * as openai from '../../engine/routes/openai/schemas.ts'

// What the documents of the API are to be made from.
const schemas = [...Object.entries(ollama), ...Object.entries(openai)]

describe.each(schemas)('%s', (_, schema) => {
  it('can be told as a JSON schema, and refuses what it does not know', () => {
    expect(z.toJSONSchema(schema, { io: 'input' })).toMatchObject({ type: 'object', additionalProperties: false })
    const { error } = schema.safeParse({ nonsense: 1 })
    expect(error?.issues.flatMap((issue) => (issue.code === 'unrecognized_keys' ? issue.keys : []))).toEqual([
      'nonsense',
    ])
  })
})

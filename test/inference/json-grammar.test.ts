import { getLlama, type Llama, LlamaLogLevel } from 'node-llama-cpp'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { toJsonGrammar } from '../../engine/inference/json-grammar.ts'
import type { JsonSchema } from '../../engine/inference/language.ts'

let llama: Llama
beforeAll(async () => {
  llama = await getLlama({
    gpu: false,
    build: 'never',
    skipDownload: true,
    maxThreads: 1,
    logLevel: LlamaLogLevel.error,
  })
}, 60_000)
afterAll(() => llama.dispose())

/** Whether llama.cpp lets through each of these values, as JSON, whole and with blanks, by this schema. */
async function judge(format: 'json' | JsonSchema, values: readonly unknown[]): Promise<boolean[]> {
  const grammar = await llama.createGrammar({ grammar: toJsonGrammar(format) })
  const { _testText } = grammar as unknown as { _testText: (text: string) => boolean }
  return values.map((value) => _testText.call(grammar, typeof value === 'string' ? value : JSON.stringify(value)))
}

async function expectOf(format: 'json' | JsonSchema, good: readonly unknown[], bad: readonly unknown[]): Promise<void> {
  expect(await judge(format, good)).toEqual(good.map(() => true))
  expect(await judge(format, bad)).toEqual(bad.map(() => false))
}

const refusalOf = (format: JsonSchema) => () => toJsonGrammar(format)

describe('a grammar for JSON', () => {
  it('lets any object through, and nothing else', async () => {
    const good = [{}, { a: [1, -2.5e3, 'b"\\\n', null, true, { c: [] }] }, '{ "a": 1, "ü": "\\u00fc" }']
    await expectOf('json', good, ['[]', '1', '{"a":}', '{a:1}', '{"a":1,}', '{"a":1} x', '{"a":01}', ''])
  })

  it('holds to names, their order, and which of them must be there', async () => {
    const properties = { a: { type: 'integer' }, b: { type: 'boolean' }, c: { type: 'null' } }
    const some = { type: 'object', properties, required: ['b'] }
    const good = [{ b: true }, { a: 1, b: true }, { b: true, c: null }, { a: 1, b: false, c: null }]
    await expectOf(some, good, [{}, { a: 1 }, { a: 1, c: null }, { b: 1 }, { b: true, d: 1 }, { c: null, b: true }])
    await expectOf({ type: 'object', properties }, [{}, { c: null }, { a: 1, c: null }], [{ d: 1 }, '{,"c":null}'])
    await expectOf({ properties: { 'a"\\b': {} } }, [{ 'a"\\b': [{}] }], [{ a: 1 }])
    await expectOf({ type: 'object', additionalProperties: { type: 'integer' } }, [{}, { x: 1, y: 2 }], [{ x: 'a' }])
    await expectOf({ type: 'object', additionalProperties: false }, [{}], [{ x: 1 }])
  })

  it('holds to types, values and choices', async () => {
    await expectOf({ type: ['integer', 'null'] }, ['3', '-0', 'null'], ['3.5', '"3"', '007'])
    await expectOf({ type: 'number' }, ['3', '-3.25', '1e9', '2E-3'], ['.5', '1.', 'NaN'])
    await expectOf({ enum: ['a', 1, null, { b: [2] }] }, ['"a"', '1', 'null', '{"b":[2]}'], ['"b"', '2'])
    await expectOf({ const: 'say "hi"\n' }, [JSON.stringify('say "hi"\n')], ['"say"'])
    await expectOf(
      { anyOf: [{ type: 'string' }, { type: 'object', properties: { x: {} } }] },
      ['"s"', '{"x":0}'],
      ['1'],
    )
    await expectOf({ oneOf: [{ const: 1 }, { const: 2 }] }, ['1', '2'], ['3'])
    await expectOf({}, ['1', '[{}]'], ['x'])
  })

  it('holds to lengths of texts and lists, and to formats', async () => {
    await expectOf({ type: 'string', minLength: 2, maxLength: 3 }, ['"ab"', '"abc"', '"\\n\\u00e9"'], ['"a"', '"abcd"'])
    const list = { type: 'array', items: { type: 'integer' }, minItems: 1, maxItems: 2 }
    await expectOf(list, ['[1]', '[1, 2]'], ['[]', '[1,2,3]', '["a"]'])
    await expectOf({ type: 'array', items: { type: 'integer' } }, ['[]', '[1,2,3]'], ['[1,]'])
    await expectOf({ type: 'array', maxItems: 0 }, ['[]'], ['[1]'])
    const pair = {
      type: 'array',
      prefixItems: [{ type: 'integer' }, { type: 'string' }],
      items: false,
      minItems: 2,
      maxItems: 2,
    }
    await expectOf(pair, ['[1,"a"]'], ['[1]', '["a",1]', '[1,"a",2]'])
    await expectOf({ type: 'string', format: 'date' }, ['"2026-02-28"'], ['"2026-13-01"', '"26-1-1"'])
    await expectOf(
      { type: 'string', format: 'date-time' },
      ['"2026-02-28T23:59:59.5Z"', '"2026-02-28T00:00:00+01:00"'],
      ['"2026-02-28"'],
    )
    await expectOf({ type: 'string', format: 'uuid' }, ['"123e4567-e89b-12d3-a456-426614174000"'], ['"123"'])
  })

  it('follows references, also of a schema to itself', async () => {
    const tree = {
      $ref: '#/$defs/node',
      $defs: {
        node: {
          type: 'object',
          properties: { id: { type: 'integer' }, next: { anyOf: [{ $ref: '#/$defs/node' }, { type: 'null' }] } },
          required: ['id', 'next'],
        },
      },
    }
    await expectOf(tree, ['{"id":1,"next":{"id":2,"next":null}}'], ['{"id":1}', '{"id":1,"next":{}}'])
    const root = { type: 'object', properties: { child: { $ref: '#' } } }
    await expectOf(root, ['{"child":{"child":{}}}'], ['{"child":1}'])
  })

  it('passes over remarks, and refuses what it cannot hold to, naming the place', () => {
    expect(refusalOf({ title: 'A', description: 'b', type: 'string', default: 'c' })).not.toThrow()
    expect(refusalOf({ type: 'object', properties: { a: { type: 'string', pattern: '^a' } } })).toThrow(
      '$.properties.a.pattern',
    )
    expect(refusalOf({ type: 'integer', minimum: 1 })).toThrow('$.minimum')
    expect(refusalOf({ allOf: [] })).toThrow('$.allOf')
    expect(refusalOf({ type: 'text' })).toThrow('$.type')
    expect(refusalOf({ type: 'string', format: 'email' })).toThrow('$.format')
    expect(refusalOf({ type: 'object', properties: {}, required: ['a'] })).toThrow('$.required')
    expect(refusalOf({ $ref: '#/$defs/none' })).toThrow('$.$ref')
    expect(refusalOf({ $ref: 'other.json' })).toThrow('$.$ref')
    expect(refusalOf({ $defs: { a: { $ref: '#/$defs/a' } }, $ref: '#/$defs/a' })).toThrow(/reference to itself/)
    expect(refusalOf({ type: 'array', maxItems: 1e9 })).toThrow('$.maxItems')
    expect(refusalOf({ type: 'array', minItems: 3, maxItems: 2 })).toThrow('$.maxItems')
    expect(refusalOf({ enum: [] })).toThrow('$.enum')
    expect(refusalOf({ anyOf: 3 })).toThrow('$.anyOf')
    expect(refusalOf({ items: 'a' })).toThrow('$.items')
    expect(refusalOf({ description: 'a'.repeat(1e5) })).toThrow('characters')
    let deep: JsonSchema = {}
    for (let i = 0; i < 100; i++) deep = { type: 'array', items: deep }
    expect(refusalOf(deep)).toThrow('within each other')
  })
})

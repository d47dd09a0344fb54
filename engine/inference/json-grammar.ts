import { EngineError } from '../errors.ts'
import type { JsonSchema } from './language.ts'

/** Longer schemas, and such that become more rules, take too long at each token. */
const maxSchemaCharacters = 64 << 10
const maxRules = 2000
/** llama.cpp writes repetitions out. */
const maxRepetitions = 1000
const maxDepth = 64

/** Words that say something to people, not of the value. */
const remarks = new Set([
  ...['title', 'description', 'default', 'examples', '$schema', '$id', '$comment', 'deprecated', 'readOnly'],
  ...['writeOnly', '$defs', 'definitions', 'strict'],
])
const wordsByKind: Readonly<Record<string, readonly string[]>> = {
  $ref: ['$ref'],
  choice: ['anyOf', 'oneOf', 'type'],
  literal: ['const', 'enum', 'type'],
  object: ['type', 'properties', 'required', 'additionalProperties'],
  array: ['type', 'items', 'prefixItems', 'minItems', 'maxItems'],
  string: ['type', 'minLength', 'maxLength', 'format'],
  other: ['type'],
}

/** Blanks between values are few: a model could otherwise go on with them for ever. */
const basics: Readonly<Record<string, string>> = {
  ws: '| " " | "\\n" [ \\t]{0,20}',
  char: '[^"\\\\\\x7F\\x00-\\x1F] | "\\\\" (["\\\\/bfnrt] | "u" [0-9a-fA-F]{4})',
  string: '"\\"" char* "\\""',
  integer: '"-"? ("0" | [1-9] [0-9]{0,15})',
  number: 'integer ("." [0-9]{1,16})? ([eE] [-+]? [0-9]{1,3})?',
  boolean: '"true" | "false"',
  null: '"null"',
  object: '"{" ws (string ":" ws value ("," ws string ":" ws value)*)? ws "}"',
  array: '"[" ws (value ("," ws value)*)? ws "]"',
  value: 'object | array | string | number | boolean | null',
}
const formats: Readonly<Record<string, string>> = {
  date: '"\\"" [0-9]{4} "-" ("0" [1-9] | "1" [0-2]) "-" ("0" [1-9] | [12] [0-9] | "3" [01]) "\\""',
  time: `"\\"" time-text "\\""`,
  'date-time': '"\\"" [0-9]{4} "-" ("0" [1-9] | "1" [0-2]) "-" ("0" [1-9] | [12] [0-9] | "3" [01]) "T" time-text "\\""',
  uuid: '"\\"" [0-9a-fA-F]{8} ("-" [0-9a-fA-F]{4}){3} "-" [0-9a-fA-F]{12} "\\""',
}
const timeText =
  '([01] [0-9] | "2" [0-3]) (":" [0-5] [0-9]){2} ("." [0-9]{1,9})? ("Z" | [-+] [0-2] [0-9] ":" [0-5] [0-9])'

/**
 * A grammar in GBNF, as llama.cpp reads it, that lets through JSON by this schema and nothing else; `json` is any object. Properties come in the
 * schema's order, and where it names some, no others. Throws `invalid`, naming the place, for a schema that says more than a
 * grammar can.
 */
export function toJsonGrammar(format: 'json' | JsonSchema): string {
  const text = format === 'json' ? '' : JSON.stringify(format)
  if (text.length > maxSchemaCharacters)
    throw new EngineError(
      'invalid',
      `Expected a schema of at most ${maxSchemaCharacters} characters, received ${text.length}`,
    )
  const writer = new GrammarWriter(format === 'json' ? {} : format)
  const root = format === 'json' ? 'object' : writer.write(format, '$', 0)
  return writer.finish(root)
}

/** Makes rules of one schema. */
class GrammarWriter {
  readonly #root: JsonSchema
  readonly #rules: string[] = []
  readonly #references = new Map<string, string>()

  constructor(root: JsonSchema) {
    this.#root = root
  }

  /** The rule or the words for a schema. */
  write(schema: unknown, place: string, depth: number): string {
    if (schema === true) return 'value'
    if (!isObject(schema)) throw wrong(place, 'a schema', schema)
    if (depth > maxDepth) throw wrong(place, `at most ${maxDepth} schemas within each other`, 'more')
    const kind = kindOf(schema)
    expectWords(schema, kind, place)
    if (kind === '$ref') return this.#reference(schema.$ref, place, depth)
    if (kind === 'choice') return this.#choice(schema, place, depth)
    if (kind === 'literal') return literals(schema, place)
    if (kind === 'object') return this.#rule(this.#object(schema, place, depth))
    if (kind === 'array') return this.#rule(this.#array(schema, place, depth))
    if (kind === 'string') return this.#rule(stringRule(schema, place))
    return basicTypes(schema, place)
  }

  finish(root: string): string {
    const lines = Object.entries({ ...basics, 'time-text': timeText }).map(([name, rule]) => `${name} ::= ${rule}`)
    return [`root ::= ${root}`, ...this.#rules, ...lines, ''].join('\n')
  }

  #rule(words: string): string {
    if (this.#rules.length >= maxRules)
      throw new EngineError('invalid', `Expected a schema of at most ${maxRules} parts, received more`)
    const name = `part${this.#rules.length}`
    this.#rules.push(`${name} ::= ${words}`)
    return name
  }

  /** A schema may name itself: its rule has a name before it is written. */
  #reference(reference: unknown, place: string, depth: number): string {
    const known = this.#references.get(String(reference))
    if (known !== undefined) return known
    const target = typeof reference === 'string' ? pointTo(this.#root, reference) : undefined
    if (target === undefined) throw wrong(`${place}.$ref`, 'a reference within the schema, as #/$defs/name', reference)
    const name = this.#rule('')
    this.#references.set(String(reference), name)
    const words = this.write(target, String(reference), depth + 1)
    if (words === name) throw wrong(`${place}.$ref`, 'a schema that is more than a reference to itself', reference)
    this.#rules[Number(name.slice('part'.length))] = `${name} ::= ${words}`
    return name
  }

  #choice(schema: JsonSchema, place: string, depth: number): string {
    const word = 'anyOf' in schema ? 'anyOf' : 'oneOf'
    const choices = schema[word]
    if (!Array.isArray(choices) || choices.length === 0) throw wrong(`${place}.${word}`, 'a list of schemas', choices)
    const words = choices.map((choice, i) => this.write(choice, `${place}.${word}.${i}`, depth + 1))
    return this.#rule(words.join(' | '))
  }

  #object(schema: JsonSchema, place: string, depth: number): string {
    const { properties = {}, required = [], additionalProperties } = schema
    if (!isObject(properties)) throw wrong(`${place}.properties`, 'schemas by name', properties)
    if (!isTexts(required)) throw wrong(`${place}.required`, 'a list of names', required)
    const unknown = required.find((name) => !Object.hasOwn(properties, name))
    if (unknown !== undefined) throw wrong(`${place}.required`, 'names of properties', unknown)
    // Beside named properties others are allowed, and never needed: a grammar could not tell their names apart.
    const open = Object.keys(properties).length === 0 && (additionalProperties ?? true)
    const members = Object.entries(properties).map(([name, value]) => ({
      words: `${quote(JSON.stringify(name))} ":" ws ${this.write(value, `${place}.properties.${name}`, depth + 1)}`,
      isRequired: required.includes(name),
    }))
    const other =
      open === false ? undefined : `string ":" ws ${this.write(open, `${place}.additionalProperties`, depth + 1)}`
    return `"{" ws ${this.#members(members, other)} ws "}"`
  }

  /**
   * Members in their order, each required one there and each other one there or not: the rest of the object is one rule for when something
   * stands before it, and one for when nothing does.
   */
  #members(members: readonly { words: string; isRequired: boolean }[], other: string | undefined): string {
    let first = other === undefined ? '""' : this.#rule(`(${other} ("," ws ${other})*)?`)
    let after = other === undefined ? '""' : this.#rule(`("," ws ${other})*`)
    for (const { words, isRequired } of members.toReversed()) {
      const member = this.#rule(words)
      first = this.#rule(`${member} ${after}${isRequired ? '' : ` | ${first}`}`)
      after = this.#rule(`"," ws ${member} ${after}${isRequired ? '' : ` | ${after}`}`)
    }
    return first
  }

  #array(schema: JsonSchema, place: string, depth: number): string {
    const { prefixItems = [], items = true } = schema
    if (!Array.isArray(prefixItems)) throw wrong(`${place}.prefixItems`, 'a list of schemas', prefixItems)
    const heads = prefixItems.map((item, i) => this.write(item, `${place}.prefixItems.${i}`, depth + 1))
    const [min, max] = bounds(schema, 'minItems', 'maxItems', place)
    if (heads.length > 0 && (min < heads.length || (max !== undefined && max < heads.length)))
      throw wrong(`${place}.minItems`, `at least the ${heads.length} of prefixItems, and maxItems no less`, min)
    const [least, most] = [min - heads.length, max === undefined ? undefined : max - heads.length]
    const comma = '"," ws '
    if (items === false || most === 0) return `"[" ws ${heads.join(` ${comma}`)} ws "]"`
    const item = this.write(items, `${place}.items`, depth + 1)
    if (heads.length > 0) return `"[" ws ${heads.join(` ${comma}`)} (${comma}${item})${times(least, most)} ws "]"`
    const more = `${item} (${comma}${item})${times(Math.max(0, least - 1), most === undefined ? undefined : most - 1)}`
    return `"[" ws ${least > 0 ? more : `(${more})?`} ws "]"`
  }
}

function kindOf(schema: JsonSchema): string {
  if ('$ref' in schema) return '$ref'
  if ('anyOf' in schema || 'oneOf' in schema) return 'choice'
  if ('const' in schema || 'enum' in schema) return 'literal'
  if (schema.type === 'object' || (schema.type === undefined && 'properties' in schema)) return 'object'
  if (schema.type === 'array' || (schema.type === undefined && 'items' in schema)) return 'array'
  return schema.type === 'string' ? 'string' : 'other'
}

function expectWords(schema: JsonSchema, kind: string, place: string): void {
  const known = wordsByKind[kind] ?? []
  const other = Object.keys(schema).find((word) => !remarks.has(word) && !known.includes(word))
  if (other === undefined) return
  throw new EngineError(
    'invalid',
    `Expected a schema that a grammar can hold to: ${place}.${other} cannot be held to here. Leave it out`,
  )
}

function literals(schema: JsonSchema, place: string): string {
  const values = 'const' in schema ? [schema.const] : schema.enum
  if (!Array.isArray(values) || values.length === 0) throw wrong(`${place}.enum`, 'a list of values', values)
  return `(${values.map((value) => quote(JSON.stringify(value))).join(' | ')})`
}

function stringRule(schema: JsonSchema, place: string): string {
  const { format } = schema
  const [min, max] = bounds(schema, 'minLength', 'maxLength', place)
  if (format === undefined) return `"\\"" char${times(min, max)} "\\""`
  const words = typeof format === 'string' && Object.hasOwn(formats, format) ? formats[format] : undefined
  if (words === undefined) throw wrong(`${place}.format`, Object.keys(formats).join(', '), format)
  if (min > 0 || max !== undefined) throw wrong(`${place}.format`, 'no minLength or maxLength beside it', format)
  return words
}

function basicTypes(schema: JsonSchema, place: string): string {
  if (schema.type === undefined) return 'value'
  const types: readonly unknown[] = Array.isArray(schema.type) ? schema.type : [schema.type]
  const known = ['string', 'integer', 'number', 'boolean', 'null', 'object', 'array']
  const other = types.find((type) => !known.includes(type as string))
  if (types.length === 0 || other !== undefined) throw wrong(`${place}.type`, known.join(', '), other ?? types)
  return `(${types.join(' | ')})`
}

function bounds(schema: JsonSchema, low: string, high: string, place: string): [number, number | undefined] {
  const read = (word: string) => {
    const value = schema[word]
    if (value === undefined) return undefined
    if (Number.isInteger(value) && (value as number) >= 0 && (value as number) <= maxRepetitions) return value as number
    throw wrong(`${place}.${word}`, `an integer of 0 to ${maxRepetitions}`, value)
  }
  const [min = 0, max] = [read(low), read(high)]
  if (max !== undefined && max < min) throw wrong(`${place}.${high}`, `at least ${low}, ${min}`, max)
  return [min, max]
}

function times(min: number, max: number | undefined): string {
  return `{${min},${max ?? ''}}`
}

function quote(text: string): string {
  return `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`
}

function pointTo(root: JsonSchema, reference: string): unknown {
  if (!reference.startsWith('#')) return undefined
  const steps = reference.slice(1).split('/').slice(1)
  return steps.reduce<unknown>((value, step) => {
    const key = step.replaceAll('~1', '/').replaceAll('~0', '~')
    return isObject(value) && Object.hasOwn(value, key) ? value[key] : undefined
  }, root)
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((text) => typeof text === 'string')
}

function wrong(place: string, expected: string, received: unknown): EngineError {
  return new EngineError(
    'invalid',
    `Expected ${place} of the schema to be ${expected}, received ${JSON.stringify(received)}`,
  )
}

import type { Schema } from './document.ts'
import { make } from './make.ts'

/** A schema as a tree: its own kind, then a branch per field. `named` has what references mean. */
export function viewSchema(schema: Schema, named: Readonly<Record<string, Schema>>): HTMLElement {
  const meant = resolve(schema, named)
  const inner = innerOf(meant)
  return inner.length === 0 ? make('p', 'quiet', describeKind(meant)) : make('div', '', ...inner.map(viewFields))
}

function resolve(schema: Schema, named: Readonly<Record<string, Schema>>): Schema {
  return schema.$ref === undefined ? schema : (named[schema.$ref.split('/').at(-1) ?? ''] ?? schema)
}

/** The objects that it is, may be, or is a list of. */
function innerOf(schema: Schema): Schema[] {
  if (schema.properties !== undefined) return [schema]
  const within = [...(schema.anyOf ?? []), ...(schema.oneOf ?? []), ...(schema.items ? [schema.items] : [])]
  const values = schema.additionalProperties
  return [...within, ...(typeof values === 'object' ? [values] : [])].flatMap(innerOf)
}

function viewFields({ properties = {}, required = [] }: Schema): HTMLElement {
  const fields = Object.entries(properties).map(([name, schema]) => {
    const title = make('code', required.includes(name) ? 'must' : '', name)
    if (required.includes(name)) title.title = 'Has to be there'
    const told = schema.description === undefined ? [] : [make('span', '', ` ${schema.description}`)]
    const line = [title, make('span', 'quiet', ` ${describeKind(schema)}`), ...told]
    const inner = innerOf(schema)
    if (inner.length === 0) return make('li', '', ...line)
    return make('li', '', make('details', '', make('summary', '', ...line), ...inner.map(viewFields)))
  })
  return make('ul', 'tree', ...fields)
}

/** `a | b`, `number 0 to 1, default 0.5`, `list of text`. */
export function describeKind(schema: Schema): string {
  const fallback = schema.default === undefined ? '' : `, default ${JSON.stringify(schema.default)}`
  return `${kindOf(schema)}${boundsOf(schema)}${fallback}`
}

const words: Readonly<Record<string, string>> = { string: 'text', integer: 'whole number', boolean: 'true | false' }

function kindOf(schema: Schema): string {
  if (schema.const !== undefined) return JSON.stringify(schema.const)
  if (schema.enum !== undefined) return schema.enum.map((value) => JSON.stringify(value)).join(' | ')
  const choices = schema.anyOf ?? schema.oneOf
  if (choices !== undefined) return [...new Set(choices.map(describeKind))].join(' or ')
  if (schema.format === 'binary') return 'file'
  if (schema.prefixItems !== undefined) return `[${schema.prefixItems.map(kindOf).join(', ')}]`
  if (schema.type === 'array') return `list of ${kindOf(schema.items ?? {})}`
  const types = [schema.type ?? 'anything'].flat()
  return types.map((type) => words[type] ?? type).join(' or ')
}

function boundsOf({ minimum, maximum, exclusiveMinimum, maxLength }: Schema): string {
  if (maxLength !== undefined) return `, at most ${maxLength} characters`
  if (exclusiveMinimum !== undefined)
    return maximum === undefined ? ` above ${exclusiveMinimum}` : ` above ${exclusiveMinimum}, up to ${maximum}`
  if (minimum !== undefined && maximum !== undefined) return ` ${minimum} to ${maximum}`
  if (minimum !== undefined) return ` from ${minimum}`
  return maximum === undefined ? '' : ` up to ${maximum}`
}

import type { Contents, Operation, Schema } from './document.ts'

/** A command that asks this operation, for a shell of POSIX. `origin` as `http://host:8080`. */
export function toCurl(origin: string, method: string, path: string, operation: Operation): string {
  const words = ['curl']
  if (method !== 'get' && method !== 'post') words.push('-X', method.toUpperCase())
  words.push(...toBody(operation.requestBody?.content ?? {}))
  // A terminal is no place for sound.
  if ('audio/wav' in (operation.responses['200']?.content ?? {})) words.push('-o', 'sound.wav')
  if (method === 'post' && words.length === 1) words.push('-X', 'POST')
  // curl would take braces for a list of addresses.
  const address = `${origin}${path.replace(/\{(\w+)\}/g, '<$1>')}`
  return [...words, quote(address)].join(' ')
}

/** Files where the operation takes some, else JSON. */
function toBody(content: Contents): string[] {
  const form = content['multipart/form-data']
  if (form?.schema !== undefined && content['application/json']?.example === undefined) {
    const fields = { ...sample(form.schema), ...(form.example as object | undefined) }
    return Object.entries(fields).flatMap(([name, value]) => ['-F', quote(`${name}=${toText(value)}`)])
  }
  const json = content['application/json']
  if (json === undefined) return []
  const value = json.example ?? sample(json.schema ?? {})
  return ['-H', quote('Content-Type: application/json'), '-d', quote(JSON.stringify(value))]
}

/** The fields that have to be there, with a value that fits each. */
function sample(schema: Schema): Record<string, unknown> {
  const { properties = {}, required = [] } = schema.anyOf?.[0] ?? schema
  return Object.fromEntries(required.map((name) => [name, sampleOf(name, properties[name] ?? {})]))
}

function sampleOf(name: string, schema: Schema): unknown {
  if (schema.default !== undefined) return schema.default
  if (schema.const !== undefined) return schema.const
  if (schema.enum !== undefined) return schema.enum[0]
  if (schema.format === 'binary') return name.startsWith('image') ? '@picture.jpg' : '@speech.wav'
  if (schema.type === 'array') return sampleOf(name, schema.items ?? {})
  if (schema.type === 'number' || schema.type === 'integer') return schema.minimum ?? 1
  return name === 'task' ? 'detect' : `<${name}>`
}

function toText(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value)
}

/** As one word, whatever is in it. */
function quote(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`
}

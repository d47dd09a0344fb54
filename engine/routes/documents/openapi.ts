import type { Contents, Operation, RouteGroup } from '../operation.ts'
import { toSchema } from './json-schema.ts'

type Json = Readonly<Record<string, unknown>>

const about = `Everything that this engine answers over HTTP, made from the schemas that check the requests.
Loopback needs no token; any other address shows one: Authorization: Bearer, ?token= or the cookie hailstream_token. A field that is not known is refused with 400, by name.
What comes over WebSockets is told by /asyncapi.json.`

const securitySchemes = {
  bearer: { type: 'http', scheme: 'bearer' },
  query: { type: 'apiKey', in: 'query', name: 'token' },
  cookie: { type: 'apiKey', in: 'cookie', name: 'hailstream_token' },
}
/** The empty one is loopback's. */
const security = [{}, { bearer: [] }, { query: [] }, { cookie: [] }]

/** Words for statuses of failures, the same whichever route answers them. */
const failureSummaries: Readonly<Record<number, string>> = {
  400: 'A field is not as expected, or not known',
  404: 'There is no such thing',
  405: 'The path takes another method',
  409: 'It is in use',
  413: 'The body is too large',
  415: 'The body is of a type that is not read here',
  501: 'Not done by this engine',
  503: 'Busy, or what is needed is missing: the answer says what',
  504: 'It took too long',
}
const otherFailure = 'Any other failure: no token (401), not allowed (403), a bug (500)'

/** The OpenAPI 3.1 document of these routes. */
export function toOpenApi(groups: readonly RouteGroup[], version: string): Json {
  const paths: Record<string, Record<string, Json>> = {}
  for (const group of groups)
    for (const operation of group.operations) {
      const path = toPath(operation.path)
      // Of two for one path the first answers, as in the app that joins them.
      paths[path] = { [operation.method]: toOperation(operation, group), ...paths[path] }
    }
  const failures = groups.map(({ failure: { name, schema } }) => [name, toSchema(schema, 'output')] as const)
  return {
    openapi: '3.1.0',
    info: { title: 'hailstream', version, description: about },
    servers: [{ url: './' }],
    security,
    tags: [...new Set(groups.map(({ name }) => name))].map((name) => ({ name })),
    paths,
    components: { schemas: Object.fromEntries(failures), securitySchemes },
  }
}

/** `get_a_b` of `GET /a/:b`; a slash at the end counts as well. */
function toId(method: string, path: string): string {
  const words =
    path
      .replace(/\{[^}]*\}/g, '')
      .replace(/\/$/, '/slash')
      .match(/\w+/g) ?? []
  return [method, ...words].join('_')
}

/** `/a/:b{.+}` as `/a/{b}`. */
function toPath(path: string): string {
  return path.replace(/:(\w+)(\{[^}]*\})?/g, '{$1}')
}

function toOperation(operation: Operation, group: RouteGroup): Json {
  const { method, path, summary, detail, body } = operation
  return {
    operationId: toId(method, path),
    tags: [group.name],
    summary,
    ...(detail !== undefined && { description: detail }),
    parameters: [...toPlaces(operation), ...toQuery(operation)],
    ...(body && { requestBody: { required: true, content: toContent(body, 'input') } }),
    responses: toResponses(operation, group),
  }
}

function toPlaces({ path, places = {} }: Operation): Json[] {
  return [...path.matchAll(/:(\w+)/g)].map(([, name = '']) => {
    return { name, in: 'path', required: true, description: places[name], schema: { type: 'string' } }
  })
}

function toQuery({ query }: Operation): Json[] {
  if (query === undefined) return []
  const { properties = {}, required = [] } = toSchema(query, 'input') as {
    readonly properties?: Readonly<Record<string, Json>>
    readonly required?: readonly string[]
  }
  return Object.entries(properties).map(([name, { description, ...schema }]) => {
    const told = description === undefined ? {} : { description }
    const list = schema.type === 'array' ? { style: 'form', explode: false } : {}
    return { name, in: 'query', required: required.includes(name), ...told, ...list, schema }
  })
}

function toContent(contents: Contents, io: 'input' | 'output'): Json {
  const entries = Object.entries(contents).map(([type, { schema, example }]) => {
    const told = { ...(schema && { schema: toSchema(schema, io) }), ...(example !== undefined && { example }) }
    return [type, told] as const
  })
  return Object.fromEntries(entries)
}

function toResponses({ answers, failures }: Operation, { failure }: RouteGroup): Json {
  const good = Object.entries(answers).map(([status, { summary, content }]) => {
    return [status, { description: summary, ...(content && { content: toContent(content, 'output') }) }] as const
  })
  const schema = { $ref: `#/components/schemas/${failure.name}` }
  const toFailure = (description: string) => ({ description, content: { 'application/json': { schema } } })
  const bad = failures.map((status) => [status, toFailure(failureSummaries[status] ?? otherFailure)] as const)
  return Object.fromEntries([...good, ...bad, ['default', toFailure(otherFailure)]])
}

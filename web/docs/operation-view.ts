import { toCurl } from './curl.ts'
import type { AsyncApi, Channel, Contents, Operation, Parameter, Schema } from './document.ts'
import { make } from './make.ts'
import { describeKind, viewSchema } from './schema-view.ts'

type Named = Readonly<Record<string, Schema>>

/** An operation, closed; what is inside is made when it is opened first. */
export function viewOperation(method: string, path: string, operation: Operation, named: Named): HTMLDetailsElement {
  const badge = make('span', 'method', method.toUpperCase())
  badge.dataset.method = method
  const summary = make('summary', '', badge, make('span', 'path', path), make('span', 'quiet', operation.summary))
  const inside = () => [
    ...(operation.description === undefined ? [] : [make('p', '', operation.description)]),
    make('h3', '', 'Try it'),
    make('pre', 'curl', toCurl(location.origin, method, path, operation)),
    ...viewParameters(operation.parameters),
    ...viewContents('Takes', operation.requestBody?.content ?? {}, named),
    ...viewAnswers(operation, named),
  ]
  return foldable(operation.operationId, summary, inside)
}

/** A path of WebSockets, with the messages that are said there. */
export function viewChannel(id: string, channel: Channel, { components }: AsyncApi): HTMLDetailsElement {
  const { address, title, description, messages } = channel
  const summary = make(
    'summary',
    '',
    make('span', 'method', 'WS'),
    make('span', 'path', address),
    make('span', 'quiet', title),
  )
  const inside = () => [
    ...(description === undefined ? [] : [make('p', '', description)]),
    ...Object.values(messages).flatMap(({ $ref }) => viewMessage(components.messages[$ref.split('/').at(-1) ?? ''])),
  ]
  return foldable(`channel-${id}`, summary, inside)
}

function viewMessage(message: AsyncApi['components']['messages'][string] | undefined): HTMLElement[] {
  if (message === undefined) return []
  const { name, description, headers, payload } = message
  const told = description === undefined ? [] : [make('p', 'quiet', description)]
  return [make('h3', '', `Message: ${name}`), ...told, viewSchema(headers ?? payload, {})]
}

function foldable(id: string, summary: HTMLElement, inside: () => HTMLElement[]): HTMLDetailsElement {
  const details = make('details', 'operation', summary)
  details.id = id
  details.addEventListener('toggle', () => details.append(make('div', 'inside', ...inside())), { once: true })
  return details
}

function viewParameters(parameters: readonly Parameter[]): HTMLElement[] {
  if (parameters.length === 0) return []
  const lines = parameters.map(({ name, in: place, required, description = '', schema }) => {
    const kind = make('span', 'quiet', ` in the ${place}: ${describeKind(schema)} `)
    return make('li', '', make('code', required ? 'must' : '', name), kind, description)
  })
  return [make('h3', '', 'Parameters'), make('ul', 'tree', ...lines)]
}

function viewContents(title: string, contents: Contents, named: Named): HTMLElement[] {
  return Object.entries(contents).flatMap(([type, { schema, example }]) => [
    make('h3', '', `${title} ${type}`),
    ...(schema === undefined ? [] : [viewSchema(schema, named)]),
    ...(example === undefined ? [] : [make('pre', '', JSON.stringify(example, null, 2))]),
  ])
}

function viewAnswers({ responses }: Operation, named: Named): HTMLElement[] {
  return Object.entries(responses).map(([status, { description, content = {} }]) => {
    const line = [make('code', '', status), ` ${description}`]
    const bodies = viewContents('Answers', content, named)
    if (bodies.length === 0) return make('p', '', ...line)
    return make('details', 'answer', make('summary', '', ...line), ...bodies)
  })
}

import type { z } from 'zod'
import type { Kind } from '../../core/packet.ts'
import { messageSchemas } from '../../streams/message-schema.ts'
import { type JsonSchema, toSchema } from './json-schema.ts'

type Json = Readonly<Record<string, unknown>>

/** What the document is made from. */
export interface AsyncApiParts {
  readonly version: string
  /** As the client reached us. */
  readonly host: string
  readonly secure: boolean
  readonly topics: readonly { readonly topic: string; readonly kind: Kind; readonly pipeline: string }[]
  readonly socket: SocketSchemas
}

/** What is said on a WebSocket beside the messages of topics. */
export interface SocketSchemas {
  /** Text that a client sends. */
  readonly request: z.ZodType
  /** Text that the engine answers. */
  readonly answer: z.ZodType
  /** Query of a socket of one topic. */
  readonly flow: z.ZodType
  /** Header of a frame that a client sends. */
  readonly frame: z.ZodType
  /** A message of a job's topic. */
  readonly progress: z.ZodType
}

const about = `What this engine sends and takes over WebSockets. ws://…/ws/<topic> is that one topic; ws://…/ws takes requests for any.
With credits at most so many messages are unacknowledged: the client sends {"type":"ack","n"} for all up to n; then the newest waits and older
ones are dropped. Without credits messages are dropped beyond 1 MiB that the client has not taken. A gap in n is what was missed.`

const binaryForm = 'u32 little endian: length of the header · header, JSON in UTF-8, as told by headers · the bytes'
const binaryKinds: ReadonlySet<Kind> = new Set(['image', 'map', 'audio'])
/** Jobs come and go: one channel stands for all. */
const jobsPipeline = 'jobs'

/** The AsyncAPI 3.0 document: a channel per topic, one for the topics of jobs, and the socket that takes requests. */
export function toAsyncApi({ version, host, secure, topics, socket }: AsyncApiParts): Json {
  const named = topics.filter(({ pipeline }) => pipeline !== jobsPipeline)
  const channels = Object.fromEntries(named.map(({ topic, kind }) => [idOf(topic), topicChannel(topic, kind, socket)]))
  const received = named.map(({ topic }) => [`receive_${idOf(topic)}`, operation('send', idOf(topic))] as const)
  return {
    asyncapi: '3.0.0',
    info: { title: 'hailstream', version, description: about },
    defaultContentType: 'application/json',
    servers: { engine: { host, protocol: secure ? 'wss' : 'ws', security: securityRefs } },
    channels: { ...channels, job: jobChannel(socket), requests: requestChannel() },
    operations: {
      ...Object.fromEntries(received),
      receive_job: operation('send', 'job'),
      ask: { ...operation('receive', 'requests', 'request'), reply: reply() },
      send_frame: operation('receive', 'requests', 'frame'),
    },
    components: { messages: toMessages(socket), securitySchemes },
  }
}

const securitySchemes = {
  bearer: { type: 'http', scheme: 'bearer' },
  query: { type: 'httpApiKey', in: 'query', name: 'token', description: 'Loopback needs none of these' },
}
const securityRefs = Object.keys(securitySchemes).map((name) => ({ $ref: `#/components/securitySchemes/${name}` }))

function topicChannel(topic: string, kind: Kind, { flow }: SocketSchemas): Json {
  return {
    address: `/ws/${topic}`,
    title: topic,
    messages: { message: { $ref: `#/components/messages/${kind}` } },
    bindings: bindings(toSchema(flow, 'output')),
  }
}

function jobChannel({ flow }: SocketSchemas): Json {
  return {
    address: '/ws/jobs/{id}',
    title: 'How far a job is',
    parameters: { id: { description: 'As POST /api/infer answered it' } },
    messages: { message: { $ref: '#/components/messages/progress' } },
    bindings: bindings(toSchema(flow, 'output')),
  }
}

function requestChannel(): Json {
  return {
    address: '/ws',
    title: 'Requests for any topic',
    description: 'Messages of the topics that were subscribed to come here as well: they alone have no "type".',
    messages: {
      request: { $ref: '#/components/messages/request' },
      answer: { $ref: '#/components/messages/answer' },
      frame: { $ref: '#/components/messages/frame' },
    },
    bindings: bindings({ type: 'object' }),
  }
}

function bindings(query: JsonSchema): Json {
  return { ws: { method: 'GET', query, bindingVersion: '0.1.0' } }
}

/** `send` is what the engine sends. */
function operation(action: 'send' | 'receive', channel: string, message = 'message'): Json {
  const $ref = `#/channels/${channel}`
  return { action, channel: { $ref }, messages: [{ $ref: `${$ref}/messages/${message}` }] }
}

function reply(): Json {
  const $ref = '#/channels/requests'
  return { channel: { $ref }, messages: [{ $ref: `${$ref}/messages/answer` }] }
}

function toMessages({ request, answer, frame, progress }: SocketSchemas): Json {
  const kinds = Object.entries(messageSchemas).map(([kind, schema]) => {
    return [kind, binaryKinds.has(kind as Kind) ? binary(kind, schema) : text(kind, schema, 'output')] as const
  })
  return {
    ...Object.fromEntries(kinds),
    progress: text('progress', progress, 'output'),
    request: text('request', request, 'input'),
    answer: text('answer', answer, 'output'),
    frame: binary('frame', frame),
  }
}

function text(name: string, schema: z.ZodType, io: 'input' | 'output'): Json {
  return { name, contentType: 'application/json', payload: toSchema(schema, io) }
}

function binary(name: string, head: z.ZodType): Json {
  const contentType = 'application/octet-stream'
  return {
    name,
    contentType,
    description: binaryForm,
    headers: toSchema(head, 'output'),
    payload: { type: 'string', contentMediaType: contentType },
  }
}

/** Keys of channels are letters, digits, `-` and `_`: what else a topic has is told by its code, so that no two meet. */
function idOf(topic: string): string {
  return topic.replace(/[^A-Za-z0-9-]/g, (sign) => (sign === '/' ? '_' : `.${sign.charCodeAt(0).toString(16)}`))
}

import type { Hono } from 'hono'
import { z } from 'zod'
import { EngineError } from '../errors.ts'
import type { EncodedMessage } from '../streams/encode.ts'
import { followTopic } from '../streams/follow-topic.ts'
import type { Hub } from '../streams/hub.ts'
import { messageSchemas } from '../streams/message-schema.ts'
import { createRoutes, houseFailure, refuseOtherMethods } from './answer.ts'
import { describeRoutes, type Operation } from './operation.ts'

/** How long a topic that nobody watches may take to give its first message. */
const firstMessageMs = 5000
/** A reader that is behind misses messages beyond these. One burst of results fits in. */
const waitingEvents = 8
/** A live picture is worth showing only while it is the newest. */
const waitingPictures = 1

/** `/api/topics` and each topic: the latest message, server-sent events, MJPEG. */
export function topicRoutes(hub: Hub): Hono {
  const app = createRoutes()
  app.get('/api/topics', () => Response.json(hub.topics()))
  refuseOtherMethods(app, '/api/topics', 'GET, HEAD')
  const path = '/api/topics/:pipeline/:stream{.+}'
  app.get(path, ({ req }) => {
    const topic = `${req.param('pipeline')}/${req.param('stream')}`
    const accept = req.header('accept') ?? ''
    const head = req.raw.method === 'HEAD'
    if (accept.includes('text/event-stream') && !head) return sendEvents(hub, topic)
    const asksPictures = accept.includes('multipart/x-mixed-replace') || req.query('mjpeg') !== undefined
    if (asksPictures && !head) return sendPictures(hub, topic)
    return sendLatest(hub, topic, req.header('if-none-match') ?? '', req.raw.signal)
  })
  refuseOtherMethods(app, path, 'GET, HEAD')
  return describeRoutes(app, { name: 'Topics and pipelines', failure: houseFailure, operations: [list, one(path)] })
}

const topicsSchema = z.array(
  z.strictObject({
    topic: z.string(),
    kind: z.string(),
    pipeline: z.string(),
    stream: z.string(),
    subscribers: z.number().int().min(0),
    schema: z.unknown().describe('JSON Schema of its messages'),
  }),
)
const list: Operation = {
  method: 'get',
  path: '/api/topics',
  summary: 'The topics that there are now',
  answers: { 200: { summary: 'All of them', content: { 'application/json': { schema: topicsSchema } } } },
  failures: [],
}
const results = z.union([messageSchemas.objects, messageSchemas.text, messageSchemas.event])

function one(path: string): Operation {
  const content = {
    'application/json': { schema: results },
    'text/event-stream': {},
    'image/jpeg': {},
    'multipart/x-mixed-replace': {},
    'application/octet-stream': {},
    'audio/pcm': {},
  }
  return {
    method: 'get',
    path,
    summary: 'A topic over HTTP',
    detail:
      'The newest message: JSON, or the bytes of a picture, a map or sound. A source that nobody watches is opened and waited for up to 5 s. With Accept: text/event-stream every message as an event; with Accept: multipart/x-mixed-replace, or ?mjpeg, pictures as MJPEG.',
    places: { pipeline: 'Name of the pipeline', stream: 'Name of the stream; that of a side output has a slash' },
    query: z.strictObject({
      mjpeg: z.literal('').optional().describe('Pictures one after another, for an img element'),
    }),
    answers: {
      200: { summary: 'The newest message, or all from now on', content },
      304: { summary: 'If-None-Match names the newest message' },
    },
    failures: [400, 404, 503],
  }
}

async function sendLatest(hub: Hub, topic: string, known: string, signal: AbortSignal): Promise<Response> {
  const message = hub.latest(topic) ?? (await firstMessage(hub, topic, signal))
  const etag = `"${message.epoch}-${message.n}"`
  const headers = { etag, 'cache-control': 'no-cache', 'content-type': message.type }
  if (known.split(',').some((tag) => tag.trim().replace(/^W\//, '') === etag))
    return new Response(null, { status: 304, headers })
  return new Response(toBody(message.body), { headers })
}

/** Opens the topic until its first message is there. */
function firstMessage(hub: Hub, topic: string, signal: AbortSignal): Promise<EncodedMessage> {
  return new Promise((resolve, reject) => {
    const settle = (finish: () => void) => {
      clearTimeout(deadline)
      signal.removeEventListener('abort', onAbort)
      leave?.()
      finish()
    }
    const fail = (error: EngineError) => settle(() => reject(error))
    const onAbort = () => fail(new EngineError('cancelled', 'The client hung up'))
    const detail = `${topic} gave no message within ${firstMessageMs / 1000} s. See its state in /api/health`
    const deadline = setTimeout(() => fail(new EngineError('unavailable', detail)), firstMessageMs)
    const ended = () => fail(new EngineError('closed', `The topic ${topic} has ended`))
    let leave: (() => void) | undefined
    signal.addEventListener('abort', onAbort, { once: true })
    let first: EncodedMessage | undefined
    const deliver = (message: EncodedMessage) => {
      first ??= message
      if (leave !== undefined) settle(() => resolve(message))
    }
    try {
      leave = hub.subscribe(topic, { size: 1, deliver, ended })
      // It may have come while subscribing, when there was nothing yet to leave by.
      if (first !== undefined) deliver(first)
    } catch (error) {
      settle(() => reject(error))
    }
  })
}

function sendEvents(hub: Hub, topic: string): Response {
  if (['image', 'map', 'audio'].includes(hub.kindOf(topic))) {
    throw new EngineError(
      'invalid',
      `Expected a topic of JSON messages, but ${topic} is binary. Read it by WebSocket, or pictures as multipart/x-mixed-replace`,
    )
  }
  const encode = ({ epoch, n, body }: EncodedMessage) =>
    Buffer.concat([Buffer.from(`id: ${epoch}-${n}\ndata: `), body, Buffer.from('\n\n')])
  const opening = Buffer.from('retry: 1000\n\n')
  const keepalive = () => Buffer.from(': nothing new\n\n')
  const body = followTopic(hub, topic, { waiting: waitingEvents, opening, encode, keepalive })
  return new Response(body, { headers: { 'content-type': 'text/event-stream', 'cache-control': 'no-store' } })
}

const boundary = 'hailstream-frame'

function sendPictures(hub: Hub, topic: string): Response {
  if (hub.kindOf(topic) !== 'image')
    throw new EngineError('invalid', `Expected a topic of images for MJPEG, but ${topic} is of ${hub.kindOf(topic)}`)
  // The boundary follows at once, because browsers show a picture when they see its end.
  const encode = ({ type, body }: EncodedMessage) =>
    Buffer.concat([
      Buffer.from(`Content-Type: ${type}\r\nContent-Length: ${body.length}\r\n\r\n`),
      body,
      Buffer.from(`\r\n--${boundary}\r\n`),
    ])
  const opening = Buffer.from(`--${boundary}\r\n`)
  const keepalive = (last: EncodedMessage | undefined) => (last === undefined ? undefined : encode(last))
  const body = followTopic(hub, topic, { waiting: waitingPictures, opening, encode, keepalive })
  const type = `multipart/x-mixed-replace; boundary=${boundary}`
  return new Response(body, { headers: { 'content-type': type, 'cache-control': 'no-store' } })
}

/** Types of bodies do not know that nobody shares our buffers with another thread. */
function toBody(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return bytes as Uint8Array<ArrayBuffer>
}

import { z } from 'zod'
import { EngineError } from '../errors.ts'
import type { FrameHead, RequestId, SocketRequest } from '../streams/wire.ts'

const id = z.union([z.string().max(256), z.number()]).optional()
const topic = z.string().min(1).max(256)
const credits = z.number().int().min(1).max(1024)
const rate = z.number().positive().max(1000)
const n = z.number().int().nonnegative()

const requestSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('subscribe'), topic, credits: credits.optional(), rate: rate.optional(), id }),
  z.object({ type: z.literal('unsubscribe'), topic, id }),
  z.object({ type: z.literal('ack'), topic: topic.optional(), n }),
  z.object({ type: z.literal('publish'), source: z.string().min(1).max(128), id }),
])

const flowSchema = z.object({
  credits: z.coerce.number().pipe(credits).optional(),
  rate: z.coerce.number().pipe(rate).optional(),
})

const frameHead = {
  v: z.literal(1),
  source: z.string(),
  seq: z.number().int().nonnegative(),
  capturedAt: z.number().positive().max(1e15),
}
const frameSchema = z.discriminatedUnion('type', [
  z.object({
    ...frameHead,
    type: z.literal('image/jpeg'),
    width: z.number().int().positive().optional(),
    height: z.number().int().positive().optional(),
  }),
  z.object({
    ...frameHead,
    type: z.literal('audio/pcm').describe('Signed 16 bit, little endian, channels interleaved'),
    sampleRate: z.number().int().min(8000).max(192_000),
    channels: z.number().int().min(1).max(8),
  }),
])

/** What clients say on a WebSocket, for the documents: requests, the query of a one-topic socket, the header of a frame. */
export const socketSchemas = { request: requestSchema, flow: flowSchema, frame: frameSchema }

/** A client's request, or what is wrong with it, with the `id` it carried where that could be read. */
export type Parsed = { readonly request: SocketRequest } | { readonly error: EngineError; readonly id?: RequestId }

const ackStart = Buffer.from('{"type":"ack","n":')
const [digitZero, digitNine, braceClose] = Buffer.from('09}')
/** Digits of the largest `n` that is read this way: well below what a number holds exactly. */
const maxAckDigits = 15

/**
 * The `n` of `{"type":"ack","n":…}` written just so; undefined for any other message. Most of what clients say, one per message
 * that they got: read without making a text and an object of it.
 */
export function readPlainAck(message: Uint8Array): number | undefined {
  const end = message.length - 1
  const digits = end - ackStart.length
  if (digits < 1 || digits > maxAckDigits || message[end] !== braceClose) return undefined
  for (let at = 0; at < ackStart.length; at++) if (message[at] !== ackStart[at]) return undefined
  let value = 0
  for (let at = ackStart.length; at < end; at++) {
    const digit = message[at] as number
    if (digit < (digitZero as number) || digit > (digitNine as number)) return undefined
    value = 10 * value + digit - (digitZero as number)
  }
  return value
}

/** Reads one text message of a WebSocket. */
export function parseRequest(text: string): Parsed {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return { error: new EngineError('invalid', 'Expected a JSON object with a "type", received text that is not JSON') }
  }
  if (isPlainAck(value)) return { request: value }
  const parsed = requestSchema.safeParse(value)
  if (parsed.success) return { request: parsed.data as SocketRequest }
  const known = id.safeParse((value as { id?: unknown } | null)?.id)
  const carried = known.success && known.data !== undefined ? { id: known.data } : {}
  return { error: invalid('request', parsed.error), ...carried }
}

/** One per message that a client got: recognised without the schema. */
function isPlainAck(value: unknown): value is Extract<SocketRequest, { type: 'ack' }> {
  const { type, n, topic } = (value ?? {}) as { type?: unknown; n?: unknown; topic?: unknown }
  return type === 'ack' && Number.isInteger(n) && (topic === undefined || typeof topic === 'string')
}

/** `credits` and `rate` of a one-topic URL. Throws `invalid`. */
export function parseFlow(query: URLSearchParams): { credits?: number; rate?: number } {
  const given = { credits: query.get('credits') ?? undefined, rate: query.get('rate') ?? undefined }
  const parsed = flowSchema.safeParse(given)
  if (!parsed.success) throw invalid('URL', parsed.error)
  return defined(parsed.data)
}

/** The header of a frame that a page sends. Throws `invalid`. */
export function parseFrameHead(head: unknown): FrameHead {
  const parsed = frameSchema.safeParse(head)
  if (!parsed.success) throw invalid('header', parsed.error)
  return defined(parsed.data) as FrameHead
}

/** Without the fields that are undefined. */
function defined<T extends object>(fields: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as never
}

function invalid(place: string, error: z.ZodError): EngineError {
  const told = error.issues.map(({ path, message }) => `${[place, ...path].join('.')}: ${message}`)
  return new EngineError('invalid', told.join('; '))
}

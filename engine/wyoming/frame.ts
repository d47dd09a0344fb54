import { z } from 'zod'
import { EngineError, messageOf } from '../errors.ts'
import { ReceivedBytes } from './received-bytes.ts'

/** One event of the protocol, whichever way it goes. */
export interface WyomingEvent {
  readonly type: string
  readonly data: Readonly<Record<string, unknown>>
  /** Sound; empty for most events. */
  readonly payload: Buffer
}

/** Bytes. The longest that clients send are texts of a few pages, and sound of a few seconds at a time. */
export const frameLimits = { head: 64 << 10, data: 1 << 20, payload: 1 << 20 }
/** Of the protocol, as the Python package has it. */
const protocolVersion = '1.8.0'

const length = (limit: number) => z.number().int().min(0).max(limit).nullish()
const headSchema = z.looseObject({
  type: z.string().min(1).max(100),
  data: z.record(z.string(), z.unknown()).nullish(),
  data_length: length(frameLimits.data),
  payload_length: length(frameLimits.payload),
})
const dataSchema = z.record(z.string(), z.unknown())
type Head = z.output<typeof headSchema>

/** The bytes of an event: a line of JSON, JSON data, the payload. */
export function encodeEvent(type: string, data: Readonly<Record<string, unknown>> = {}, payload?: Uint8Array): Buffer {
  const body = Object.keys(data).length === 0 ? Buffer.alloc(0) : Buffer.from(JSON.stringify(data))
  const head = {
    type,
    version: protocolVersion,
    ...(body.length > 0 && { data_length: body.length }),
    ...(payload && payload.length > 0 && { payload_length: payload.length }),
  }
  return Buffer.concat([Buffer.from(`${JSON.stringify(head)}\n`), body, payload ?? Buffer.alloc(0)])
}

/** Makes events of the bytes of one client. What it throws once ends its use: nobody knows where the next frame would begin. */
export class FrameReader {
  readonly #bytes = new ReceivedBytes()
  #head: Head | undefined

  /** Whether a frame has begun and not ended. */
  get isWithinFrame(): boolean {
    return this.#head !== undefined || this.#bytes.length > 0
  }

  add(bytes: Buffer): void {
    this.#bytes.add(bytes)
  }

  /** The next event; undefined while it is not whole. Throws `invalid`, or `too-large`. */
  next(): WyomingEvent | undefined {
    this.#head ??= this.#readHead()
    if (this.#head === undefined) return undefined
    const { type, data, data_length: dataLength, payload_length: payloadLength } = this.#head
    if (this.#bytes.length < (dataLength ?? 0) + (payloadLength ?? 0)) return undefined
    const body = this.#bytes.take(dataLength ?? 0)
    const payload = this.#bytes.take(payloadLength ?? 0)
    this.#head = undefined
    return { type, data: { ...data, ...(body.length > 0 && parse(body, dataSchema, 'data')) }, payload }
  }

  #readHead(): Head | undefined {
    const line = this.#bytes.takeLine()
    if ((line?.length ?? this.#bytes.length) > frameLimits.head)
      throw new EngineError('too-large', `Expected a line of JSON within ${frameLimits.head} bytes. Send data apart`)
    return line && parse(line, headSchema, 'head')
  }
}

function parse<T>(bytes: Buffer, schema: z.ZodType<T>, what: string): T {
  const parsed = schema.safeParse(parseJson(bytes, what))
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  const code = issue?.code === 'too_big' ? 'too-large' : 'invalid'
  throw new EngineError(code, `Expected the ${what} of a frame: ${[...(issue?.path ?? []), issue?.message].join(': ')}`)
}

function parseJson(bytes: Buffer, what: string): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'))
  } catch (error) {
    throw new EngineError('invalid', `Expected the ${what} of a frame as JSON: ${messageOf(error)}`, { cause: error })
  }
}

/**
 * The messages of CONTRACT: shapes, and the binary form. Imported by the engine and by the web page, so it uses nothing
 * of Node and nothing of the engine.
 */

/** Above the payload of every message. */
export interface MessageHead {
  readonly topic: string
  /** Per topic, from 0, the same for every client; a gap is what a client missed. */
  readonly n: number
  /** Random text per start of the engine. */
  readonly epoch: string
  readonly seq: number
  /** Unix milliseconds with fraction. */
  readonly capturedAt: number
  readonly publishedAt: number
}

/** A message of a topic of objects, texts or events, as JSON text. */
export interface ResultMessage extends MessageHead {
  readonly frame?: { readonly stream: string; readonly width: number; readonly height: number }
  readonly model?: string
  readonly backend?: string
  readonly simulated?: boolean
  readonly objects?: readonly ResultObject[]
  readonly text?: { readonly text: string; readonly final: boolean; readonly language?: string }
  readonly event?: { readonly name: string; readonly [field: string]: unknown }
}

/** One thing that was found. */
export interface ResultObject {
  readonly id?: number
  readonly label: string
  readonly confidence: number
  /** x, y, width, height in pixels of the source frame. */
  readonly bbox: readonly [number, number, number, number]
  readonly keypoints?: readonly {
    readonly name: string
    readonly x: number
    readonly y: number
    readonly confidence: number
  }[]
  readonly mask?: { readonly size: readonly [number, number]; readonly counts: string }
  readonly identity?: string
  readonly similarity?: number
  readonly embedding?: { readonly model: string; readonly values: readonly number[] }
  readonly text?: string
  /** Corners, clockwise from the top left one, where they say more than the box. */
  readonly polygon?: readonly (readonly [number, number])[]
  readonly words?: readonly {
    readonly text: string
    readonly confidence: number
    readonly bbox: readonly [number, number, number, number]
  }[]
  /** Where it stands on a plane, in the unit of that plane. */
  readonly floor?: readonly [number, number]
}

/** Header of a binary message: image, map or audio. */
export interface BinaryHead extends Partial<MessageHead> {
  readonly v: 1
  /** A media type: `image/jpeg`, `audio/pcm` (signed 16-bit little endian), … */
  readonly type: string
  readonly source?: string
  /** The source stream whose frame (`seq`) this shows; its own size may differ from the frame's. */
  readonly frame?: { readonly stream: string }
  readonly width?: number
  readonly height?: number
  readonly channels?: number
  readonly sampleRate?: number
  readonly dtype?: 'u8' | 'u16' | 'f32'
  readonly scale?: number
  readonly offset?: number
}

/** `u32 little-endian header length · header JSON · bytes`. */
export function packBinary(head: BinaryHead, bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const header = new TextEncoder().encode(JSON.stringify(head))
  const message = new Uint8Array(4 + header.length + bytes.length)
  new DataView(message.buffer).setUint32(0, header.length, true)
  message.set(header, 4)
  message.set(bytes, 4 + header.length)
  return message
}

/** The largest header that is read: more is no header. */
const maxHeaderBytes = 65_536

/** Head and bytes (a view, not a copy) of a binary message. Throws an `Error` that says what was expected. */
export function unpackBinary(message: ArrayBuffer | Uint8Array): { head: BinaryHead; bytes: Uint8Array } {
  const all = message instanceof Uint8Array ? message : new Uint8Array(message)
  if (all.length < 4) throw new Error(`Expected a 4-byte header length, received ${all.length} bytes`)
  const length = new DataView(all.buffer, all.byteOffset).getUint32(0, true)
  if (length > maxHeaderBytes || 4 + length > all.length) {
    throw new Error(
      `Expected a JSON header of at most ${Math.min(maxHeaderBytes, all.length - 4)} bytes, received the length ${length}`,
    )
  }
  return { head: parseHead(all.subarray(4, 4 + length)), bytes: all.subarray(4 + length) }
}

function parseHead(bytes: Uint8Array): BinaryHead {
  const head: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  if (
    typeof head !== 'object' ||
    head === null ||
    (head as BinaryHead).v !== 1 ||
    typeof (head as BinaryHead).type !== 'string'
  ) {
    throw new Error('Expected a header with "v": 1 and a "type"')
  }
  return head as BinaryHead
}

/** Repeated by the answer to the request that carried it. */
export type RequestId = string | number

/** What a client may say as text on a WebSocket. */
export type SocketRequest =
  | {
      readonly type: 'subscribe'
      readonly topic: string
      /** At most so many messages unacknowledged, 1 to 1024; then the newest waits. */
      readonly credits?: number
      /** At most so many messages a second, the newest; above 0, at most 1000. */
      readonly rate?: number
      readonly id?: RequestId
    }
  | { readonly type: 'unsubscribe'; readonly topic: string; readonly id?: RequestId }
  /** Acknowledges all up to `n`. On a one-topic socket `topic` may be left out. Never answered. */
  | { readonly type: 'ack'; readonly topic?: string; readonly n: number }
  /** Opens a browser source: frames follow as binary messages with a `FrameHead`. */
  | { readonly type: 'publish'; readonly source: string; readonly id?: RequestId }

/** What the server says as text, beside result messages, which alone carry no `type`. */
export type SocketAnswer =
  | { readonly type: 'subscribed' | 'unsubscribed'; readonly topic: string; readonly id?: RequestId }
  | { readonly type: 'publishing'; readonly source: string; readonly id?: RequestId }
  /** The frame `seq` was taken over: one more may be sent. */
  | { readonly type: 'ack'; readonly source: string; readonly seq: number }
  /** Demand went and came. One of the two follows `publishing`. */
  | { readonly type: 'pause' | 'resume'; readonly source: string }
  | ErrorAnswer

/** Something was wrong; the socket stays open. `error` is short and stable, `detail` a sentence. */
export interface ErrorAnswer {
  readonly type: 'error'
  readonly error: string
  readonly detail: string
  readonly id?: RequestId
}

/** Header of a frame that a page sends to its browser source. */
export interface FrameHead extends BinaryHead {
  readonly source: string
  /** The page's own count, for acknowledgement. */
  readonly seq: number
  /** Unix milliseconds by the page's clock. */
  readonly capturedAt: number
}

/** The most frames that a page may have sent without an acknowledgement. */
export const maxUnacknowledgedFrames = 2

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

export interface ResultMessage extends MessageHead {
  readonly frame?: { readonly stream: string; readonly width: number; readonly height: number }
  readonly model?: string
  readonly backend?: string
  readonly simulated?: boolean
  readonly objects?: readonly ResultObject[]
  readonly text?: { readonly text: string; readonly final: boolean; readonly language?: string }
  readonly event?: { readonly name: string; readonly [field: string]: unknown }
}

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
  readonly text?: string
}

/** Header of a binary message: image, map or audio. */
export interface BinaryHead extends Partial<MessageHead> {
  readonly v: 1
  /** A media type: `image/jpeg`, `audio/pcm` (signed 16-bit little endian), … */
  readonly type: string
  readonly source?: string
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

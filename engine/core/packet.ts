import { EngineError } from '../errors.ts'

/** What a packet carries. */
export type Kind = 'image' | 'audio' | 'objects' | 'map' | 'text' | 'event'

/** How bytes lie in a slot. Raw formats have GStreamer's default layout: every row padded to 4 bytes, planes in order. */
export type PixelFormat = 'rgb' | 'nv12' | 'i420'
/** How the bytes of an image lie in its slot: pixels, or a JPEG file. */
export type ImageFormat = PixelFormat | 'jpeg'

/** Size, format and length of an image, wherever it lies. Width and height in pixels. */
export interface ImageSpec {
  readonly width: number
  readonly height: number
  readonly format: ImageFormat
  /** Bytes in use from the start of the slot. */
  readonly bytes: number
}

/**
 * A filled slot of the image pool. It counts its holders, who are packets and the loans of hosts that read it; the last
 * `release` gives the slot back. Made by `ImagePool` alone.
 */
export interface PooledImage extends ImageSpec {
  readonly slot: number
  hold(): void
  release(): void
}

/** One picture. */
export interface ImagePayload {
  readonly kind: 'image'
  readonly image: PooledImage
  /** Its source has given the same picture just before, or of late. */
  readonly unchanged?: true
}

/** Depth, disparity or class maps: one value per pixel in a slot. */
export interface MapPayload {
  readonly kind: 'map'
  readonly image: PooledImage
  readonly dtype: 'u8' | 'u16' | 'f32'
  readonly scale?: number
  readonly offset?: number
}

/** Interleaved signed 16-bit samples, which nobody changes. */
export interface AudioPayload {
  readonly kind: 'audio'
  readonly samples: Int16Array
  readonly sampleRate: number
  readonly channels: number
  /** Called once, by the packet's last holder: its source waits for that before it gives more. */
  readonly release?: () => void
}

/** A named point of an object, in pixels of the source frame. */
export interface Keypoint {
  readonly name: string
  readonly x: number
  readonly y: number
  /** 0 to 1. */
  readonly confidence: number
}

/** A word of a line of text, in pixels of the source frame. */
export interface Word {
  readonly text: string
  /** 0 to 1. */
  readonly confidence: number
  readonly bbox: readonly [x: number, y: number, width: number, height: number]
}

/** One thing found in a frame, in pixels of the source frame (origin top left, y down). */
export interface DetectedObject {
  /** A track's id; absent where no tracker ran. */
  readonly id?: number
  readonly label: string
  /** 0 to 1. */
  readonly confidence: number
  readonly bbox: readonly [x: number, y: number, width: number, height: number]
  readonly keypoints?: readonly Keypoint[]
  readonly mask?: { readonly size: readonly [height: number, width: number]; readonly counts: string }
  /** Whose face it is. */
  readonly identity?: string
  /** How much the face is like the one that is known, 0 to 1; beside `identity`. */
  readonly similarity?: number
  /** Of a face, of length 1, where it was asked for; to be compared with those of the same model alone. */
  readonly embedding?: { readonly model: string; readonly values: readonly number[] }
  readonly text?: string
  /** Its corners, where these say more than the box: x and y in pixels of the source frame, clockwise from the top left one. */
  readonly polygon?: readonly (readonly [x: number, y: number])[]
  /** Of a text, where they were asked for. */
  readonly words?: readonly Word[]
  /** Where it stands on a plane, in the unit of that plane; only behind a homography. */
  readonly floor?: readonly [x: number, y: number]
}

/** What one model found in one frame. */
export interface ObjectsPayload {
  readonly kind: 'objects'
  readonly objects: readonly DetectedObject[]
  /** Size of the source frame that `bbox` and keypoints refer to. */
  readonly frame: { readonly width: number; readonly height: number }
  readonly model: string
  readonly backend: string
  /** True only when the stand-in device computed it. */
  readonly simulated: boolean
}

/** What was said or read; not `final`, it may still change. */
export interface TextPayload {
  readonly kind: 'text'
  readonly text: string
  readonly final: boolean
  /** As ISO 639-1. */
  readonly language?: string
  /** What recognised or wrote it. */
  readonly model?: string
  readonly backend?: string
  readonly simulated?: boolean
}

/** Something that happened, with fields of its own. */
export interface EventPayload {
  readonly kind: 'event'
  readonly name: string
  readonly [field: string]: unknown
}

/** What a packet carries, told apart by `kind`. */
export type Payload = ImagePayload | MapPayload | AudioPayload | ObjectsPayload | TextPayload | EventPayload
/** The payload of a kind. */
export type PayloadOf<K extends Kind> = Extract<Payload, { kind: K }>

/** One moment of one stream. Immutable; shared by every branch that reads it. */
export interface Packet<P extends Payload = Payload> extends Disposable {
  /** The stream that emitted it, without the pipeline's name. */
  readonly stream: string
  /** The source stream that the frame came from; equals `stream` for a source's own packets. */
  readonly source: string
  /** Given by the engine, per source, from 0, going on across its restarts; a result keeps its frame's. */
  readonly seq: number
  /** Nanoseconds of CLOCK_MONOTONIC (`process.hrtime.bigint()`); a result keeps its frame's. */
  readonly capturedAt: bigint
  readonly payload: P
  /** One more holder. Only `core/edge.ts` calls this, and `[Symbol.dispose]`, which takes one away. */
  retain(): this
}
/** A packet that carries a kind. */
export type PacketOf<K extends Kind> = Packet<PayloadOf<K>>

/** What a packet is made of. */
export interface PacketFields<P extends Payload> {
  readonly stream: string
  readonly source: string
  readonly seq: number
  readonly capturedAt: bigint
  readonly payload: P
}

/** A packet with one holder: the caller. It takes over one hold of the payload's image, and releases it with its last holder. */
export function createPacket<P extends Payload>(fields: PacketFields<P>): Packet<P> {
  return new HeldPacket(fields)
}

/** A result for the same moment: same source, seq and time, another stream and payload. One holder: the caller. */
export function derivePacket<P extends Payload>(from: Packet, stream: string, payload: P): Packet<P> {
  return new HeldPacket({ stream, source: from.source, seq: from.seq, capturedAt: from.capturedAt, payload })
}

class HeldPacket<P extends Payload> implements Packet<P> {
  readonly stream: string
  readonly source: string
  readonly seq: number
  readonly capturedAt: bigint
  readonly payload: P
  #holders = 1

  constructor(fields: PacketFields<P>) {
    this.stream = fields.stream
    this.source = fields.source
    this.seq = fields.seq
    this.capturedAt = fields.capturedAt
    this.payload = fields.payload
  }

  retain(): this {
    if (this.#holders === 0)
      throw new EngineError('closed', `Packet ${this.stream}#${this.seq} was retained after its last dispose`)
    this.#holders++
    return this
  }

  [Symbol.dispose](): void {
    if (this.#holders === 0)
      throw new EngineError('closed', `Packet ${this.stream}#${this.seq} was disposed once too often`)
    if (--this.#holders > 0) return
    if ('image' in this.payload) (this.payload as ImagePayload).image.release()
    else if (this.payload.kind === 'audio') this.payload.release?.()
  }
}

import type { DetectedObject, Keypoint, Packet, Payload, PooledImage, Word } from '../core/packet.ts'
import { type BinaryHead, type MessageHead, packBinary, type ResultMessage, type ResultObject } from './wire.ts'

/** One packet of one topic, encoded once for all its clients. Nobody writes to its bytes. */
export interface EncodedMessage {
  readonly topic: string
  readonly n: number
  readonly epoch: string
  readonly binary: boolean
  /** What goes over a WebSocket: JSON text in UTF-8, or a binary message. */
  readonly bytes: Uint8Array
  /** What HTTP gives: the same JSON, or the payload's bytes without their header (a view). */
  readonly body: Uint8Array
  /** The body's media type. */
  readonly type: string
}

/** Copies an image's bytes out of the pool. */
export type ReadImage = (image: PooledImage) => Uint8Array

/** The message of CONTRACT for one packet. Throws an `Error` for a raw image: topics carry compressed ones. */
export function encodePacket(packet: Packet, head: MessageHead, readImage: ReadImage): EncodedMessage {
  const { payload } = packet
  const frame = { stream: packet.source }
  switch (payload.kind) {
    case 'objects':
    case 'text':
    case 'event':
      return encodeText({ ...head, ...resultFields(packet.source, payload) })
    case 'image':
      if (payload.image.format !== 'jpeg')
        throw new Error(`Expected a JPEG image on ${head.topic}, received ${payload.image.format}`)
      return encodeBinary(head, { frame, type: 'image/jpeg', ...sizeOf(payload.image) }, readImage(payload.image))
    case 'map': {
      const { dtype, scale, offset } = payload
      const fields = {
        frame,
        type: 'application/octet-stream',
        ...sizeOf(payload.image),
        dtype,
        ...definedOf({ scale, offset }),
      }
      return encodeBinary(head, fields, readImage(payload.image))
    }
    case 'audio': {
      const { samples, sampleRate, channels } = payload
      const bytes = new Uint8Array(samples.buffer, samples.byteOffset, samples.byteLength)
      return encodeBinary(head, { type: 'audio/pcm', sampleRate, channels }, bytes)
    }
  }
}

function encodeText(message: ResultMessage): EncodedMessage {
  const bytes = Buffer.from(JSON.stringify(message))
  const { topic, n, epoch } = message
  return { topic, n, epoch, binary: false, bytes, body: bytes, type: 'application/json' }
}

function encodeBinary(head: MessageHead, fields: Omit<BinaryHead, 'v'>, payload: Uint8Array): EncodedMessage {
  const bytes = packBinary({ v: 1, ...head, ...fields }, payload)
  const { topic, n, epoch } = head
  return {
    topic,
    n,
    epoch,
    binary: true,
    bytes,
    body: bytes.subarray(bytes.length - payload.length),
    type: fields.type,
  }
}

type ResultPayload = Extract<Payload, { kind: 'objects' | 'text' | 'event' }>

function resultFields(source: string, payload: ResultPayload): Omit<ResultMessage, keyof MessageHead> {
  if (payload.kind === 'event') {
    const { kind: _, ...event } = payload
    return { event }
  }
  if (payload.kind === 'text') {
    const { text, final, language, model, backend, simulated } = payload
    return {
      ...definedOf({ model, backend, simulated: simulated || undefined }),
      text: { text, final, ...definedOf({ language }) },
    }
  }
  return {
    frame: { stream: source, ...sizeOf(payload.frame) },
    model: payload.model,
    backend: payload.backend,
    ...(payload.simulated ? { simulated: true } : {}),
    objects: payload.objects.map(toResultObject),
  }
}

/** An object as the outside sees it: coordinates to 0.01 px, confidences to 0.001, places on the floor to a millionth of their unit. */
export function toResultObject(object: DetectedObject): ResultObject {
  const { id, keypoints, mask, identity, similarity, embedding, text, polygon, words, floor } = object
  return {
    ...definedOf({ id }),
    label: object.label,
    confidence: round(object.confidence, 1000),
    bbox: roundBox(object.bbox),
    ...(keypoints === undefined ? {} : { keypoints: keypoints.map(toResultKeypoint) }),
    ...definedOf({ mask, identity, embedding, text }),
    ...(similarity === undefined ? {} : { similarity: round(Math.min(1, Math.max(0, similarity)), 1000) }),
    ...(polygon && { polygon: polygon.map(([x, y]) => [round(x, 100), round(y, 100)] as const) }),
    ...(words && { words: words.map(toResultWord) }),
    ...(floor && { floor: [round(floor[0], 1e6), round(floor[1], 1e6)] as const }),
  }
}

function roundBox([x, y, width, height]: DetectedObject['bbox']): DetectedObject['bbox'] {
  return [round(x, 100), round(y, 100), round(width, 100), round(height, 100)]
}

function toResultWord({ text, confidence, bbox }: Word): Word {
  return { text, confidence: round(confidence, 1000), bbox: roundBox(bbox) }
}

function toResultKeypoint({ name, x, y, confidence }: Keypoint): Keypoint {
  return { name, x: round(x, 100), y: round(y, 100), confidence: round(confidence, 1000) }
}

/** To 1/steps. */
export function round(value: number, steps: number): number {
  return Math.round(value * steps) / steps
}

function sizeOf({ width, height }: { readonly width: number; readonly height: number }) {
  return { width, height }
}

type Defined<T> = { [K in keyof T]?: Exclude<T[K], undefined> }

/** The fields that are there. */
function definedOf<T extends object>(fields: T): Defined<T> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Defined<T>
}

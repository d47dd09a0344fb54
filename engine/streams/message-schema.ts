import { z } from 'zod'
import type { Kind } from '../core/packet.ts'

const fraction = z.number().min(0).max(1)
const count = z.number().int().min(0)

const head = {
  topic: z.string().describe('<pipeline>/<stream>'),
  n: count.describe('Per topic; a gap is what this client missed'),
  epoch: z.string().describe('Random text per start of the engine'),
  seq: count.describe('Number of the source’s frame'),
  capturedAt: z.number().describe('Unix milliseconds'),
  publishedAt: z.number().describe('Unix milliseconds'),
}

const keypoint = z.strictObject({ name: z.string(), x: z.number(), y: z.number(), confidence: fraction })

const bbox = z
  .tuple([z.number(), z.number(), z.number(), z.number()])
  .describe('x, y, width, height in pixels of the frame')

/** One thing that was found. */
export const objectSchema = z.strictObject({
  id: z.number().int().optional().describe('Of a track'),
  label: z.string(),
  confidence: fraction,
  bbox,
  keypoints: z.array(keypoint).optional(),
  mask: z
    .strictObject({ size: z.tuple([count, count]), counts: z.string() })
    .optional()
    .describe('COCO RLE'),
  identity: z.string().optional(),
  similarity: fraction.optional().describe('To the face that is known as `identity`'),
  embedding: z
    .strictObject({ model: z.string(), values: z.array(z.number()) })
    .optional()
    .describe('Of length 1; only by request'),
  text: z.string().optional(),
  polygon: z
    .array(z.tuple([z.number(), z.number()]))
    .optional()
    .describe('Corners, clockwise from the top left one'),
  words: z
    .array(z.strictObject({ text: z.string(), confidence: fraction, bbox }))
    .optional()
    .describe('Of a text'),
  floor: z
    .tuple([z.number(), z.number()])
    .optional()
    .describe('x, y on a plane, in its own unit; only behind a homography'),
})

const binary = {
  v: z.literal(1),
  ...head,
  type: z.string().describe('Media type of the bytes after the header'),
  frame: z.strictObject({ stream: z.string() }).optional(),
}
const size = { width: count, height: count }

/** What a message of each kind of topic holds; of binary topics, what their header holds. */
export const messageSchemas = {
  objects: z.strictObject({
    ...head,
    frame: z.strictObject({ stream: z.string(), ...size }),
    model: z.string(),
    backend: z.string(),
    simulated: z.literal(true).optional(),
    objects: z.array(objectSchema),
  }),
  text: z.strictObject({
    ...head,
    model: z.string().optional().describe('What recognised or wrote it'),
    backend: z.string().optional(),
    simulated: z.literal(true).optional(),
    text: z.strictObject({ text: z.string(), final: z.boolean(), language: z.string().optional() }),
  }),
  event: z.strictObject({ ...head, event: z.looseObject({ name: z.string() }) }),
  image: z.strictObject({ ...binary, ...size }),
  map: z.strictObject({
    ...binary,
    ...size,
    dtype: z.enum(['u8', 'u16', 'f32']),
    scale: z.number().optional(),
    offset: z.number().optional(),
  }),
  audio: z.strictObject({ ...binary, sampleRate: count, channels: count }),
} satisfies Record<Kind, z.ZodType>

const requestId = z.union([z.string(), z.number()]).optional().describe('As the request carried it')
const source = z.string()
const seq = count

/** What the engine says as text on a WebSocket, beside the messages of topics. */
export const socketAnswerSchema = z.discriminatedUnion('type', [
  z.strictObject({ type: z.enum(['subscribed', 'unsubscribed']), topic: z.string(), id: requestId }),
  z.strictObject({ type: z.literal('publishing'), source, id: requestId }),
  z.strictObject({ type: z.literal('ack'), source, seq }),
  z.strictObject({ type: z.enum(['pause', 'resume']), source }),
  z.strictObject({ type: z.literal('error'), error: z.string(), detail: z.string(), id: requestId }),
])

/** The JSON Schema that `GET /api/topics` shows for a topic of that kind. */
export function messageSchema(kind: Kind): unknown {
  return z.toJSONSchema(messageSchemas[kind])
}

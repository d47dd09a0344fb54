import { z } from 'zod'
import { runEach } from '../core/edge.ts'
import { type DetectedObject, derivePacket, type PacketOf } from '../core/packet.ts'
import { defineNode, type Tools } from '../tools.ts'

const area = z.number().min(0)
const options = z.strictObject({
  /** Labels to keep; all when left out. */
  classes: z.array(z.string()).optional(),
  minConfidence: z.number().min(0).max(1).default(0),
  /** Of the box, in square pixels of the source frame. */
  minArea: area.default(0),
  maxArea: area.optional(),
  /** x, y, width, height in pixels of the source frame: keeps objects whose box has its middle inside. */
  region: z.tuple([z.number(), z.number(), area, area]).optional(),
  /** Nothing is sent for a frame of which no object is left; otherwise an empty list is. */
  dropEmpty: z.boolean().default(false),
})

/** Fewer objects per packet: those of some classes, confident enough, of some size, in some region. */
export default defineNode({
  name: 'filter',
  summary: 'Keeps the objects of some classes, confidence, size and region.',
  options,
  tunable: ['classes', 'minConfidence', 'minArea', 'maxArea', 'region', 'dropEmpty'],
  accepts: 'objects',
  emits: 'objects',
  create: (wanted, tools: Tools) =>
    runEach(tools.edge, (packet: PacketOf<'objects'>) => {
      const objects = packet.payload.objects.filter((object) => fits(object, wanted))
      if (wanted.dropEmpty && objects.length === 0) return undefined
      return derivePacket(packet, tools.stream, { ...packet.payload, objects })
    }),
})

function fits({ label, confidence, bbox }: DetectedObject, wanted: z.output<typeof options>): boolean {
  const [x, y, width, height] = bbox
  const size = width * height
  return (
    (wanted.classes?.includes(label) ?? true) &&
    confidence >= wanted.minConfidence &&
    size >= wanted.minArea &&
    size <= (wanted.maxArea ?? Number.POSITIVE_INFINITY) &&
    (wanted.region === undefined || isInside(wanted.region, x + width / 2, y + height / 2))
  )
}

function isInside(
  [left, top, width, height]: readonly [number, number, number, number],
  x: number,
  y: number,
): boolean {
  return x >= left && x < left + width && y >= top && y < top + height
}

import { z } from 'zod'
import { runEach } from '../core/edge.ts'
import { type DetectedObject, derivePacket, type ObjectsPayload, type PacketOf } from '../core/packet.ts'
import { messageOf } from '../errors.ts'
import { anchorOf } from '../geometry/box.ts'
import { Homography, type PointPair } from '../geometry/homography.ts'
import { defineNode, type Tools } from '../tools.ts'

const point = z.tuple([z.number(), z.number()])
const pairs = z
  .array(z.strictObject({ image: point, floor: point }))
  .min(4)
  .max(1000)
  .superRefine((given, context) => {
    const problem = problemOf(given)
    if (problem !== undefined) context.addIssue({ code: 'custom', message: problem })
  })

const options = z.strictObject({
  /** The same places in the image and on the floor; four are met exactly, more as well as can be. `floor` in any unit: metres, say. */
  points: pairs,
  /** Of `image`: fractions of the frame's width and height, or pixels of it. */
  unit: z.enum(['fraction', 'pixels']).default('fraction'),
  /** What of the box touches the floor: the middle of its lower edge, or, seen from above, its middle. */
  anchor: z.enum(['bottom', 'centre']).default('bottom'),
})
type Options = z.output<typeof options>

/**
 * Gives each object its place `floor: [x, y]` on a plane, in the unit of the pairs (`Homography`). One at or above the horizon
 * gets none.
 */
export default defineNode({
  name: 'homography',
  summary: 'Says where on the floor each object stands.',
  options,
  accepts: 'objects',
  emits: 'objects',
  create: ({ points, unit, anchor }, tools: Tools) => {
    const plane = new Homography(points)
    return runEach(tools.edge, (packet: PacketOf<'objects'>) => {
      const { objects, frame } = packet.payload
      const scale = unit === 'pixels' ? { width: 1, height: 1 } : frame
      const placed = objects.map((object) => place(object, { plane, anchor, scale }))
      return derivePacket(packet, tools.stream, { ...packet.payload, objects: placed })
    })
  },
})

interface Placing {
  readonly plane: Homography
  readonly anchor: Options['anchor']
  /** What one unit of the pairs' image is in pixels. */
  readonly scale: ObjectsPayload['frame']
}

function place(object: DetectedObject, { plane, anchor, scale }: Placing): DetectedObject {
  const [x, y] = anchorOf(object.bbox, anchor)
  const floor = plane.map([x / scale.width, y / scale.height])
  const { floor: _, ...rest } = object
  return floor === undefined ? rest : { ...rest, floor }
}

function problemOf(points: readonly PointPair[]): string | undefined {
  try {
    new Homography(points)
    return undefined
  } catch (error) {
    return messageOf(error)
  }
}

import { z } from 'zod'
import { runEach } from '../core/edge.ts'
import { derivePacket } from '../core/packet.ts'
import { defineNode } from '../tools.ts'

/** Draws what was found on the very frame that it was found in. */
export default defineNode({
  name: 'annotate',
  summary: 'Draws boxes, labels and skeletons on the pictures.',
  options: z.strictObject({}),
  accepts: { image: 'image', objects: 'objects' },
  emits: 'image',
  create: (_options, tools) =>
    runEach(tools.edge, async ({ inputs: { image, objects } }, signal) => {
      const drawn = await tools.vision.annotate(image.payload.image, objects.payload.objects, signal)
      return derivePacket(image, tools.stream, { kind: 'image', image: drawn })
    }),
})

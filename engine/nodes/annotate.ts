import { z } from 'zod'
import { runEach } from '../core/edge.ts'
import { derivePacket } from '../core/packet.ts'
import type { JoinedPacket } from '../core/plugin.ts'
import { defineNode } from '../tools.ts'

const inputs = { image: 'image', objects: 'objects' } as const

/** Draws what was found on the very frame that it was found in. */
export default defineNode({
  name: 'annotate',
  summary: 'Draws boxes, labels and skeletons on the pictures.',
  options: z.strictObject({}),
  accepts: inputs,
  emits: 'image',
  create: (_options, tools) => {
    const draw = async ({ inputs: { image, objects } }: JoinedPacket<typeof inputs>, signal: AbortSignal) => {
      const drawn = await tools.vision.annotate(image.payload.image, objects.payload.objects, signal)
      return derivePacket(image, tools.stream, { kind: 'image', image: drawn })
    }
    return runEach(tools.edge, draw, { prepare: () => tools.vision.prepare() })
  },
})

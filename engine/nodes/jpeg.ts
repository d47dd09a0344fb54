import { z } from 'zod'
import { runEach } from '../core/edge.ts'
import { derivePacket, type PacketOf } from '../core/packet.ts'
import { defineNode } from '../tools.ts'

/** Raw pictures as JPEG; what is JPEG already and small enough passes as it is. */
export default defineNode({
  name: 'jpeg',
  summary: 'Encodes pictures as JPEG, smaller if wanted.',
  options: z.strictObject({
    quality: z.number().int().min(1).max(100).default(80),
    /** In pixels; a picture is never enlarged. Left out: its own. */
    width: z.number().int().min(16).max(16_384).optional(),
  }),
  tunable: ['quality', 'width'],
  accepts: 'image',
  emits: 'image',
  create: ({ quality, width = null }, tools) => {
    const encode = async (packet: PacketOf<'image'>, signal: AbortSignal) => {
      const image = await tools.vision.encodeJpeg(packet.payload.image, { quality, width }, signal)
      return derivePacket(packet, tools.stream, { kind: 'image', image })
    }
    return runEach(tools.edge, encode, { prepare: () => tools.vision.prepare() })
  },
})

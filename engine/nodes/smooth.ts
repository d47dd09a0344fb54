import { z } from 'zod'
import { runEach } from '../core/edge.ts'
import { derivePacket, type PacketOf } from '../core/packet.ts'
import { defineNode, type Tools } from '../tools.ts'
import { ObjectSmoother } from '../tracking/object-smoother.ts'

const cutoff = z.number().positive().max(1000)
const options = z.strictObject({
  /** Hz: at rest. Lower it until nothing trembles. */
  minCutoff: cutoff.default(1),
  /** Hz per pixel per second: raise it until nothing lags. */
  beta: z.number().min(0).max(1000).default(0.01),
  /** Hz: of the speed; the paper's 1. */
  dCutoff: cutoff.default(1),
  /** Seconds unseen after which an object begins anew. */
  resetSeconds: z.number().positive().max(600).default(1),
  /** Keypoints less sure than this pass as they are. */
  minKeypoint: z.number().min(0).max(1).default(0.1),
})

/**
 * Boxes and keypoints without jitter, by a 1€ filter (`OneEuroFilter`) for each coordinate of each object: by id, or where there is
 * none by label and place in the list, which is right for one person. Goes by capture times.
 */
export default defineNode({
  name: 'smooth',
  summary: 'Takes the jitter out of boxes and keypoints.',
  options,
  tunable: ['minCutoff', 'beta', 'dCutoff', 'resetSeconds', 'minKeypoint'],
  accepts: 'objects',
  emits: 'objects',
  create: (wanted, tools: Tools) => {
    const smoother = new ObjectSmoother(wanted)
    let begin: bigint | undefined
    return runEach(tools.edge, (packet: PacketOf<'objects'>) => {
      begin ??= packet.capturedAt
      const objects = smoother.next(packet.payload.objects, Number(packet.capturedAt - begin) / 1e9)
      return derivePacket(packet, tools.stream, { ...packet.payload, objects })
    })
  },
})

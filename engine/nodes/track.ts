import { z } from 'zod'
import { runEach } from '../core/edge.ts'
import { type DetectedObject, derivePacket, type PacketOf } from '../core/packet.ts'
import { defineNode, type Tools } from '../tools.ts'
import { ByteTracker } from '../tracking/byte-tracker.ts'

const fraction = z.number().min(0).max(1)
const options = z
  .strictObject({
    /** From this confidence on a detection is looked for among the tracks first; the paper's 0.5 to 0.6. */
    highScore: fraction.default(0.5),
    /** Below `highScore`, from here on, it only continues a track. Worth it where the detector lets such through: `minScore: 0.1`. */
    lowScore: fraction.default(0.1),
    /** From this confidence on it begins a track; at least `highScore`. */
    newScore: fraction.default(0.6),
    /** Least IoU with where a track should be: of the confident (the paper's 0.2 suits 30 fps; ours 5 to 10), and of the doubtful. */
    minIou: fraction.default(0.1),
    minLowIou: fraction.default(0.5),
    /** Seconds that a track lives unseen: longer bridges more, and takes one for another more often. */
    lostSeconds: z.number().min(0).max(600).default(2),
    /** Frames in a row until a detection is a track, against false alarms. */
    minHits: z.number().int().min(1).max(1000).default(2),
    /** Whether a track keeps its label; with false a van may turn into a bus. */
    perClass: z.boolean().default(true),
    maxTracks: z.number().int().min(1).max(1000).default(256),
  })
  .refine(({ lowScore, highScore, newScore }) => lowScore <= highScore && highScore <= newScore, {
    message: 'Expected lowScore ≤ highScore ≤ newScore',
    path: ['highScore'],
  })

/**
 * Gives each object the id of its track, by ByteTrack (`ByteTracker`), and leaves out what is none or not yet one. The box stays
 * the detector's own. Frames may be missing: it goes by capture times. Ids count from 1 at each opening of the stream.
 */
export default defineNode({
  name: 'track',
  summary: 'Gives each object an id that it keeps from frame to frame.',
  options,
  accepts: 'objects',
  emits: 'objects',
  create: (wanted, tools: Tools) => {
    const tracker = new ByteTracker(wanted)
    let begin: bigint | undefined
    return runEach(tools.edge, (packet: PacketOf<'objects'>) => {
      begin ??= packet.capturedAt
      const { objects } = packet.payload
      const ids = tracker.update(objects, Number(packet.capturedAt - begin) / 1e9)
      return derivePacket(packet, tools.stream, { ...packet.payload, objects: withIds(objects, ids) })
    })
  },
})

function withIds(objects: readonly DetectedObject[], ids: readonly (number | undefined)[]): DetectedObject[] {
  return objects.flatMap((object, i) => {
    const id = ids[i]
    return id === undefined ? [] : [{ ...object, id }]
  })
}

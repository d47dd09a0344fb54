import { z } from 'zod'
import { runEach } from '../core/edge.ts'
import type { Packet } from '../core/packet.ts'
import { defineNode, type Tools } from '../tools.ts'

const options = z
  .strictObject({
    /** Packets per second, by their capture times. */
    rate: z.number().positive().max(1000).optional(),
    /** The first of so many packets. */
    every: z.number().int().min(1).max(1_000_000).optional(),
  })
  .refine(({ rate, every }) => (rate === undefined) !== (every === undefined), 'Expected either rate or every')

/** Fewer packets of the same stream. The packet that goes on is the one that came. */
export default defineNode({
  name: 'sample',
  summary: 'Lets fewer packets through: so many a second, or every nth.',
  options,
  tunable: ['rate', 'every'],
  accepts: ['image', 'audio', 'objects', 'map', 'text', 'event'],
  emits: 'same',
  create: ({ rate, every = 1 }, tools: Tools) => {
    const keeps = rate === undefined ? everyNth(every) : atRate(rate)
    return runEach(tools.edge, (packet: Packet) => (keeps(packet) ? packet : undefined))
  },
})

function everyNth(n: number): () => boolean {
  let count = 0
  return () => count++ % n === 0
}

/** The first packet nearest to each tick of a grid that begins at the first packet: jitter below half a tick loses nothing. */
function atRate(rate: number): (packet: Packet) => boolean {
  let first: bigint | undefined
  let lastTick = -1
  return ({ capturedAt }) => {
    first ??= capturedAt
    const tick = Math.round((Number(capturedAt - first) / 1e9) * rate)
    const isNew = tick !== lastTick
    lastTick = tick
    return isNew
  }
}

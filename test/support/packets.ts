import { expect } from 'vitest'
import { ImagePool } from '../../engine/core/image-pool.ts'
import { createPacket, type DetectedObject, type PacketOf } from '../../engine/core/packet.ts'

/** Packets whose images lie in a real ledger, so that a test can end with `expectNoneHeld`. */
export class PacketMaker {
  readonly pool: ImagePool

  constructor(slots = 32) {
    this.pool = new ImagePool({ slots, reserve: 0 })
  }

  /** An image packet; `atMs` is its capture time, by default 10 ms per seq. */
  image(seq: number, atMs = seq * 10, source = 'camera'): PacketOf<'image'> {
    const lent = this.pool.lend('test')
    if (lent === undefined) throw new Error('no slot is free: the test holds too many')
    const image = this.pool.filled(lent.loan, { width: 640, height: 480, format: 'rgb', bytes: 921_600 })
    if (image === undefined) throw new Error('the loan is stale')
    const capturedAt = toNs(atMs)
    return createPacket({ stream: source, source, seq, capturedAt, payload: { kind: 'image', image } })
  }

  /** Fails unless every slot is free, and none was lost. */
  expectNoneHeld(): void {
    const { slots } = this.pool.stats()
    expect(this.pool.stats()).toMatchObject({ free: slots, lent: 0, held: 0, leaked: 0 })
  }
}

/** A packet of objects: plain values. */
export function objectsPacket(
  seq: number,
  objects: readonly DetectedObject[] = [],
  { atMs = seq * 10, stream = 'people', source = 'camera' } = {},
): PacketOf<'objects'> {
  const frame = { width: 640, height: 480 }
  const payload = { kind: 'objects', objects, frame, model: 'test', backend: 'onnx', simulated: false } as const
  return createPacket({ stream, source, seq, capturedAt: toNs(atMs), payload })
}

/** Through microseconds, since today's date in nanoseconds is more than a double can hold. */
function toNs(ms: number): bigint {
  return BigInt(Math.round(ms * 1000)) * 1000n
}

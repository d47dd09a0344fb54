import { pino } from 'pino'
import type { Clock } from '../../engine/core/clock.ts'
import { createPacket, type DetectedObject, type PacketOf, type PooledImage } from '../../engine/core/packet.ts'

export const silentLog = pino({ level: 'silent' })

/** A clock that stands still until it is set: Unix ms = monotonic ms + 1 764 011 045 000. */
export class StillClock implements Clock {
  readonly steps = 0
  nowNs = 0n

  now(): bigint {
    return this.nowNs
  }

  toUnixMs(monotonic: bigint): number {
    return 1_764_011_045_000 + Number(monotonic) / 1e6
  }
}

export function objectsPacket(seq: number, objects: readonly DetectedObject[] = []): PacketOf<'objects'> {
  const frame = { width: 768, height: 576 }
  const payload = { kind: 'objects', objects, frame, model: 'yolov8n', backend: 'onnx', simulated: false } as const
  return createPacket({ stream: 'people', source: 'camera', seq, capturedAt: BigInt(seq) * 1_000_000n, payload })
}

/** An image that counts its holders; it starts with one, the packet's. */
export class CountedImage implements PooledImage {
  readonly slot = 3
  readonly width: number
  readonly height: number
  readonly format: PooledImage['format']
  readonly bytes: number
  holders = 1

  constructor({ width = 4, height = 2, bytes = 5, format = 'jpeg' }: Partial<Omit<PooledImage, 'slot'>> = {}) {
    this.width = width
    this.height = height
    this.bytes = bytes
    this.format = format
  }

  hold(): void {
    this.holders++
  }

  release(): void {
    this.holders--
  }
}

export function imagePacket(seq: number, image: PooledImage): PacketOf<'image'> {
  const payload = { kind: 'image', image } as const
  return createPacket({ stream: 'picture', source: 'camera', seq, capturedAt: BigInt(seq) * 1_000_000n, payload })
}

import { firstValueFrom, of } from 'rxjs'
import sharp from 'sharp'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Edge } from '../../engine/core/edge.ts'
import { createPacket, type PacketOf } from '../../engine/core/packet.ts'
import jpeg from '../../engine/nodes/jpeg.ts'
import type { Tools } from '../../engine/tools.ts'
import { createVision, type VisionSetup } from '../support/vision.ts'

let setup: VisionSetup
beforeAll(async () => {
  setup = await createVision()
})
afterAll(async () => {
  expect(setup.pool.ledger.stats()).toMatchObject({ free: 8, leaked: 0, staleLoans: 0 })
  await setup[Symbol.asyncDispose]()
})

function frame(seq: number): PacketOf<'image'> {
  const image = setup.rgb(320, 200, new Uint8Array(320 * 200 * 3).fill(128))
  return createPacket({ stream: 'camera', source: 'camera', seq, capturedAt: 5n, payload: { kind: 'image', image } })
}

function run(packet: PacketOf<'image'>, options: object): Promise<PacketOf<'image'>> {
  const tools = { stream: 'small', edge: new Edge('small'), vision: setup.vision } as unknown as Tools
  return firstValueFrom(of(packet).pipe(jpeg.create(jpeg.options.parse(options), tools)))
}

describe('the jpeg node', () => {
  it('encodes a frame, which keeps its number and time', async () => {
    const packet = await run(frame(7), {})
    expect(packet).toMatchObject({ stream: 'small', source: 'camera', seq: 7, capturedAt: 5n })
    const { image } = packet.payload
    expect(image).toMatchObject({ format: 'jpeg', width: 320, height: 200 })
    const bytes = setup.pool.memory.read(image.slot, 0, image.bytes)
    expect((await sharp(bytes).stats()).channels[0]!.mean).toBeCloseTo(128, -1)
    packet[Symbol.dispose]()
  })

  it('makes frames smaller, never larger, and passes what is JPEG already', async () => {
    const small = await run(frame(1), { width: 80 })
    expect(small.payload.image).toMatchObject({ width: 80, height: 50 })
    const again = await run(small, { width: 640, quality: 10 })
    expect(again.payload.image).toMatchObject({ width: 80, height: 50, format: 'jpeg' })
    again[Symbol.dispose]()
  })

  it('refuses a quality over 100 and an unknown option', () => {
    expect(() => jpeg.options.parse({ quality: 101 })).toThrow()
    expect(() => jpeg.options.parse({ size: 640 })).toThrow()
  })
})

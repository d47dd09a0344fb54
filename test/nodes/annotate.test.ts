import { firstValueFrom, type Observable, of } from 'rxjs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Edge, join } from '../../engine/core/edge.ts'
import { createPacket, type PacketOf } from '../../engine/core/packet.ts'
import type { InputOf } from '../../engine/core/plugin.ts'
import annotate from '../../engine/nodes/annotate.ts'
import type { Tools } from '../../engine/tools.ts'
import { objectsPacket } from '../support/packets.ts'
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
  const image = setup.rgb(320, 200, new Uint8Array(320 * 200 * 3))
  return createPacket({ stream: 'camera', source: 'camera', seq, capturedAt: 5n, payload: { kind: 'image', image } })
}

describe('the annotate node', () => {
  it('draws the objects on their own frame', async () => {
    const edge = new Edge('drawn')
    const tools = { stream: 'drawn', edge, vision: setup.vision } as unknown as Tools
    const objects = objectsPacket(3, [{ label: 'cat', confidence: 0.7, bbox: [100, 60, 100, 100] }])
    const inputs = { image: { packets: of(frame(3)) }, objects: { packets: of(objects) } }
    const joined = join(edge, inputs, { wait: 2, toleranceMs: 0 })
    const packets = joined as Observable<InputOf<typeof annotate.accepts>>
    const packet = await firstValueFrom(packets.pipe(annotate.create({}, tools)))
    expect(packet).toMatchObject({ stream: 'drawn', source: 'camera', seq: 3, capturedAt: 5n })
    const { image } = packet.payload
    expect(image).toMatchObject({ format: 'rgb', width: 320, height: 200 })
    const rowOfBox = setup.pool.memory.read(image.slot, 110 * 960, 960)
    const lit = [...rowOfBox.keys()].filter((i) => rowOfBox[i]! > 100).map((i) => Math.floor(i / 3))
    expect(lit.length).toBeGreaterThan(0)
    for (const x of lit) expect(Math.min(Math.abs(x - 100), Math.abs(x - 200))).toBeLessThan(3)
    packet[Symbol.dispose]()
  })
})

import { describe, expect, it } from 'vitest'
import type { DetectedObject } from '../../engine/core/packet.ts'
import homography from '../../engine/nodes/homography.ts'
import { encodePacket } from '../../engine/streams/encode.ts'
import { messageSchemas } from '../../engine/streams/message-schema.ts'
import { runNode } from '../support/nodes.ts'
import { objectsPacket } from '../support/packets.ts'

/** A floor of 4 × 3 m that fills the lower half of the frame of 640 × 480, as it is seen from straight above. */
const flat = [
  { image: [0, 0.5], floor: [0, 0] },
  { image: [1, 0.5], floor: [4, 0] },
  { image: [1, 1], floor: [4, 3] },
  { image: [0, 1], floor: [0, 3] },
]
/** The same floor in perspective, its far edge half as wide. */
const deep = [
  { image: [160, 240], floor: [0, 3] },
  { image: [480, 240], floor: [4, 3] },
  { image: [640, 480], floor: [4, 0] },
  { image: [0, 480], floor: [0, 0] },
]
/** Stands at x, y. */
const person = (x: number, y: number): DetectedObject => ({
  id: 1,
  label: 'person',
  confidence: 0.9,
  bbox: [x - 20, y - 100, 40, 100],
})
const run = (options: object, objects: DetectedObject[]) =>
  runNode(homography, options, [objectsPacket(3, objects)]).out[0]!
const floorOf = (options: object, x: number, y: number) => run(options, [person(x, y)]).payload.objects[0]!.floor

describe('homography', () => {
  it('says where on the floor the middle of the lower edge is, in the unit of the pairs', () => {
    const [x, y] = floorOf({ points: flat }, 160, 360)!
    expect([x, y]).toEqual([expect.closeTo(1, 8), expect.closeTo(1.5, 8)])
  })

  it('takes pixels, and knows perspective: the crossing of the diagonals is the middle of the floor', () => {
    expect(floorOf({ points: deep, unit: 'pixels' }, 320, 320)).toEqual([expect.closeTo(2, 8), expect.closeTo(1.5, 8)])
  })

  it('takes the middle of the box for a camera above', () => {
    expect(floorOf({ points: flat, anchor: 'centre' }, 160, 410)).toEqual([
      expect.closeTo(1, 8),
      expect.closeTo(1.5, 8),
    ])
  })

  it('leaves all else as it is, and gives nothing at and above the horizon', () => {
    const { payload, ...packet } = run({ points: deep, unit: 'pixels' }, [person(320, 320), person(320, 0)])
    expect(packet).toMatchObject({ stream: 'out', source: 'camera', seq: 3 })
    expect(payload.objects[0]).toMatchObject(person(320, 320))
    expect(payload.objects[1]).toEqual(person(320, 0))
  })

  it('shows in the message as CONTRACT describes objects, to a millionth', () => {
    const packet = run({ points: flat }, [person(100, 317)])
    const head = { topic: 'p/out', n: 0, epoch: 'e', seq: 3, capturedAt: 1, publishedAt: 2 }
    const { bytes } = encodePacket(packet, head, () => new Uint8Array())
    const message = messageSchemas.objects.parse(JSON.parse(Buffer.from(bytes).toString()))
    expect(message.objects[0]!.floor).toEqual([0.625, 0.9625])
  })

  it.each([
    [flat.slice(0, 3), /4/],
    [flat.map(({ floor }, i) => ({ image: [i, i], floor })), /one line/],
    [[flat[0], flat[2], flat[1], flat[3]].map((pair, i) => ({ image: pair!.image, floor: flat[i]!.floor })), /horizon/],
  ])('refuses points that settle no plane, where the pipeline is checked', (points, message) => {
    const { error } = homography.options.safeParse({ points })
    expect(error?.issues[0]?.path).toEqual(['points'])
    expect(error?.message).toMatch(message)
  })
})

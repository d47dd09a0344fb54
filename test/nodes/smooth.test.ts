import { describe, expect, it } from 'vitest'
import type { DetectedObject } from '../../engine/core/packet.ts'
import smooth from '../../engine/nodes/smooth.ts'
import { runNode } from '../support/nodes.ts'
import { objectsPacket } from '../support/packets.ts'
import { randomNumbers } from '../support/random.ts'

const still = { beta: 0, minCutoff: 1 }
/** What one step of 100 ms takes over at a cutoff of 1 Hz. */
const share = (2 * Math.PI * 0.1) / (2 * Math.PI * 0.1 + 1)

const person = (x: number, more: Partial<DetectedObject> = {}): DetectedObject => ({
  label: 'person',
  confidence: 0.9,
  bbox: [x, 100, 50, 100],
  ...more,
})

function run(frames: readonly (readonly DetectedObject[])[], options: object = still, ms = 100) {
  const packets = frames.map((objects, seq) => objectsPacket(seq, objects, { atMs: seq * ms }))
  return runNode(smooth, options, packets).out.map(({ payload }) => payload.objects)
}

describe('smooth', () => {
  it('takes the share of a jump that the time passed allows, and leaves all else', () => {
    const [first, second] = run([[person(100, { id: 3, text: 'x' })], [person(200, { id: 3, text: 'x' })]])
    expect(first).toEqual([person(100, { id: 3, text: 'x' })])
    expect(second![0]).toMatchObject({ id: 3, label: 'person', text: 'x', confidence: 0.9 })
    expect(second![0]!.bbox[0]).toBeCloseTo(100 + share * 100, 9)
    expect(second![0]!.bbox.slice(1)).toEqual([100, 50, 100])
  })

  it('goes by capture times', () => {
    const late = run([[person(100)], [person(200)]], still, 300)[1]![0]!
    const r = 2 * Math.PI * 0.3
    expect(late.bbox[0]).toBeCloseTo(100 + (100 * r) / (r + 1), 9)
  })

  it('knows objects by id, whatever their order, and by place where they have none', () => {
    const a = (x: number) => person(x, { id: 1 })
    const b = (x: number) => person(x, { id: 2 })
    const [, swapped] = run([
      [a(100), b(400)],
      [b(400), a(100)],
    ])
    expect(swapped!.map(({ bbox }) => bbox[0])).toEqual([400, 100])
    const [, placed] = run([
      [person(100), person(400)],
      [person(110), person(400)],
    ])
    expect(placed![0]!.bbox[0]).toBeCloseTo(100 + share * 10, 9)
    expect(placed![1]!.bbox[0]).toBeCloseTo(400, 9)
  })

  it('smooths keypoints by name, and passes those that are not sure', () => {
    const pose = (nose: number, ear: number) =>
      person(100, {
        keypoints: [
          { name: 'nose', x: nose, y: 50, confidence: 0.9 },
          { name: 'left_ear', x: ear, y: 50, confidence: 0.05 },
        ],
      })
    const [, second] = run([[pose(100, 100)], [pose(200, 200)]])
    const [nose, ear] = second![0]!.keypoints!
    expect(nose!.x).toBeCloseTo(100 + share * 100, 9)
    expect(nose).toMatchObject({ y: 50, confidence: 0.9 })
    expect(ear).toEqual({ name: 'left_ear', x: 200, y: 50, confidence: 0.05 })
  })

  it('begins anew with an object that was unseen for resetSeconds', () => {
    const frames = [[person(100)], ...Array.from({ length: 12 }, () => []), [person(300)]]
    expect(run(frames).at(-1)![0]!.bbox[0]).toBe(300)
    expect(run(frames, { ...still, resetSeconds: 5 }).at(-1)![0]!.bbox[0]).toBeLessThan(300)
  })

  it('trembles at most half as much as what comes in, with its defaults', () => {
    const random = randomNumbers(41)
    const xs = Array.from({ length: 200 }, () => 100 + 4 * (random() - 0.5))
    const smoothed = run(
      xs.map((x) => [person(x)]),
      {},
      33,
    ).map((objects) => objects[0]!.bbox[0])
    const steps = (values: readonly number[]) =>
      values.slice(1).reduce((sum, value, i) => sum + Math.abs(value - values[i]!), 0)
    expect(steps(smoothed)).toBeLessThan(steps(xs) / 2)
  })

  it.each([{ minCutoff: 0 }, { beta: -1 }, { minKeypoint: 2 }])('refuses the options %j', (options) => {
    expect(smooth.options.safeParse(options).success).toBe(false)
  })
})

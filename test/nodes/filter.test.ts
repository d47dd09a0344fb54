import { of } from 'rxjs'
import { describe, expect, it } from 'vitest'
import { Edge } from '../../engine/core/edge.ts'
import type { DetectedObject, PacketOf } from '../../engine/core/packet.ts'
import filter from '../../engine/nodes/filter.ts'
import type { Tools } from '../../engine/tools.ts'
import { objectsPacket } from '../support/packets.ts'

const near: DetectedObject = { label: 'person', confidence: 0.9, bbox: [100, 100, 100, 200] }
const far: DetectedObject = { label: 'person', confidence: 0.4, bbox: [500, 20, 10, 20] }
const bus: DetectedObject = { label: 'bus', confidence: 0.7, bbox: [300, 200, 300, 200] }

function keep(options: object, objects: readonly DetectedObject[] = [near, far, bus]) {
  const edge = new Edge('p/near')
  const packets: PacketOf<'objects'>[] = []
  of(objectsPacket(7, objects))
    .pipe(filter.create(filter.options.parse(options), { stream: 'near', edge } as Tools))
    .subscribe((packet) => packets.push(packet))
  return packets
}
const kept = (options: object) => keep(options)[0]?.payload.objects

describe('filter', () => {
  it.each([
    ['all without options', {}, [near, far, bus]],
    ['those of some classes', { classes: ['bus', 'dog'] }, [bus]],
    ['the confident', { minConfidence: 0.7 }, [near, bus]],
    ['the large', { minArea: 20_000 }, [near, bus]],
    ['the small', { maxArea: 20_000 }, [near, far]],
    ['those with their middle in a region', { region: [140, 0, 400, 300] }, [near, far]],
    ['those that fit all', { classes: ['person'], region: [140, 0, 400, 300], minArea: 1000 }, [near]],
  ])('keeps %s', (_, options, expected) => {
    expect(kept(options)).toEqual(expected)
  })

  it('keeps moment, source and size of the frame, under its own name', () => {
    expect(keep({})[0]).toMatchObject({ stream: 'near', source: 'camera', seq: 7, capturedAt: 70_000_000n })
    expect(keep({})[0]?.payload).toMatchObject({ model: 'test', frame: { width: 640, height: 480 } })
  })

  it('sends an empty list for a frame of which nothing is left', () => {
    expect(kept({ classes: ['dog'] })).toEqual([])
  })

  it('sends nothing for such a frame with dropEmpty', () => {
    expect(keep({ classes: ['dog'], dropEmpty: true })).toEqual([])
    expect(keep({ classes: ['bus'], dropEmpty: true })).toHaveLength(1)
  })

  it.each([[{ classes: 'person' }], [{ minConfidence: 2 }], [{ region: [1, 2, 3] }], [{ label: 'x' }]])(
    'refuses the options %j',
    (options) => {
      expect(filter.options.safeParse(options).success).toBe(false)
    },
  )
})

import { describe, expect, it } from 'vitest'
import type { DetectedObject } from '../../engine/core/packet.ts'
import zones from '../../engine/nodes/zones.ts'
import { runNode } from '../support/nodes.ts'
import { objectsPacket } from '../support/packets.ts'

/** Stands at x, y in the frame of 640 × 480: the middle of the lower edge of a box of 40 × 100. */
const stand = (id: number, x: number, y = 240, label = 'person'): DetectedObject => ({
  id,
  label,
  confidence: 0.9,
  bbox: [x - 20, y - 100, 40, 100],
})

interface Timed {
  readonly seq: number
  readonly [field: string]: unknown
}

/** The events, each with the number of its frame; frames are 100 ms apart. */
function watch(options: object, frames: readonly (readonly DetectedObject[])[]): Timed[] {
  const packets = frames.map((objects, seq) => objectsPacket(seq, objects, { atMs: seq * 100 }))
  return runNode(zones, options, packets).out.map(({ seq, payload: { kind: _, ...event } }) => ({ seq, ...event }))
}
const moments = (events: readonly Timed[]) =>
  events.filter(({ name }) => name !== 'count').map(({ seq, name }) => [seq, name])

/** The left half. */
const half = { polygon: [[0, 0], [0.5, 0], [0.5, 1], [0, 1]] } // biome-ignore format: corners
/** From top to bottom in the middle: who goes to the left of the picture comes to its right-hand side. */
const middle = { from: [0.5, 0], to: [0.5, 1] }

describe('zones', () => {
  it('says who enters, who leaves after how long, and how many are in it', () => {
    const events = watch({ zones: { half } }, [
      [stand(1, 400)],
      [stand(1, 300)],
      [stand(1, 200), stand(2, 100)],
      [stand(1, 400), stand(2, 100)],
    ])
    expect(events).toEqual([
      { seq: 1, name: 'enter', zone: 'half', id: 1, label: 'person' },
      { seq: 1, name: 'count', zone: 'half', count: 1, classes: { person: 1 } },
      { seq: 2, name: 'enter', zone: 'half', id: 2, label: 'person' },
      { seq: 2, name: 'count', zone: 'half', count: 2, classes: { person: 2 } },
      { seq: 3, name: 'leave', zone: 'half', id: 1, label: 'person', dwell: 0.2 },
      { seq: 3, name: 'count', zone: 'half', count: 1, classes: { person: 1 } },
    ])
  })

  it('keeps source, number and time of the frame, under its own name', () => {
    const { out } = runNode(zones, { zones: { half } }, [objectsPacket(7, [stand(1, 100)])])
    expect(out[0]).toMatchObject({
      stream: 'out',
      source: 'camera',
      seq: 7,
      capturedAt: 70_000_000n,
      payload: { kind: 'event' },
    })
  })

  it('does not flicker when somebody trembles on the border, and would without a margin', () => {
    const trembling = Array.from({ length: 50 }, (_, i) => [stand(1, 320 + (i % 2 === 0 ? -3 : 3))])
    expect(moments(watch({ zones: { half } }, trembling))).toEqual([[0, 'enter']])
    expect(moments(watch({ zones: { half }, margin: 0 }, trembling))).toHaveLength(50)
    const clear = [[stand(1, 400)], ...trembling, [stand(1, 200)]]
    expect(moments(watch({ lines: { middle } }, clear))).toEqual([[51, 'cross']])
  })

  it('says once a visit that somebody loiters', () => {
    const stay = (frames: number) => Array.from({ length: frames }, () => [stand(1, 100)])
    const events = watch({ zones: { half: { ...half, loiterAfter: 1 } } }, [...stay(25), [stand(1, 500)], ...stay(15)])
    expect(moments(events)).toEqual([[0, 'enter'], [10, 'loiter'], [25, 'leave'], [26, 'enter'], [36, 'loiter']]) // biome-ignore format: pairs
    expect(events.find(({ name }) => name === 'loiter')).toMatchObject({ zone: 'half', id: 1, dwell: 1 })
  })

  it('lets the unseen leave after lostSeconds, with the time until they were last seen', () => {
    const empty = Array.from({ length: 15 }, () => [])
    const events = watch({ zones: { half }, lostSeconds: 1 }, [[stand(1, 100)], [stand(1, 100)], ...empty])
    expect(moments(events)).toEqual([[0, 'enter'], [12, 'leave']]) // biome-ignore format: pairs
    expect(events[2]).toMatchObject({ dwell: 0.1, lost: true })
    expect(events[3]).toMatchObject({ name: 'count', count: 0, classes: {} })
    const short = watch({ zones: { half }, lostSeconds: 1 }, [[stand(1, 100)], ...empty.slice(0, 9), [stand(1, 100)]])
    expect(moments(short)).toEqual([[0, 'enter']])
  })

  it('counts who crosses a line, by direction', () => {
    const events = watch({ lines: { middle } }, [
      [stand(1, 200), stand(2, 500)],
      [stand(1, 400), stand(2, 450)],
      [stand(1, 500), stand(2, 100)],
      [stand(1, 100), stand(2, 90)],
    ])
    expect(events).toEqual([
      { seq: 1, name: 'cross', line: 'middle', id: 1, label: 'person', direction: 'left', left: 1, right: 0 },
      { seq: 2, name: 'cross', line: 'middle', id: 2, label: 'person', direction: 'right', left: 1, right: 1 },
      { seq: 3, name: 'cross', line: 'middle', id: 1, label: 'person', direction: 'right', left: 1, right: 2 },
    ])
  })

  it('counts nobody who walks past the end of a line', () => {
    const short = { from: [0.5, 0], to: [0.5, 0.3] }
    expect(watch({ lines: { short } }, [[stand(1, 200, 400)], [stand(1, 500, 400)]])).toEqual([])
    expect(watch({ lines: { short } }, [[stand(1, 200, 110)], [stand(1, 500, 110)]])).toHaveLength(1)
  })

  it('heeds the classes of each zone and line', () => {
    const options = {
      zones: { cars: { ...half, classes: ['car'] } },
      lines: { people: { ...middle, classes: ['person'] } },
    }
    const events = watch(options, [
      [stand(1, 100), stand(2, 500, 240, 'car')],
      [stand(1, 500), stand(2, 100, 240, 'car')],
    ])
    expect(events).toMatchObject([
      { name: 'enter', zone: 'cars', id: 2, label: 'car' },
      { name: 'count', zone: 'cars', classes: { car: 1 } },
      { name: 'cross', line: 'people', id: 1 },
    ])
  })

  it('takes pixels, and the middle of the box, where it is told to', () => {
    const low = { polygon: [[0, 300], [640, 300], [640, 480], [0, 480]] } // biome-ignore format: corners
    const frames = [[stand(1, 100, 340)]]
    expect(watch({ zones: { low }, unit: 'pixels' }, frames)).toHaveLength(2)
    expect(watch({ zones: { low }, unit: 'pixels', anchor: 'centre' }, frames)).toHaveLength(0)
  })

  it('fails a frame whose objects have no ids, saying what to do, and goes on with the next', () => {
    const { id: _, ...nameless } = stand(1, 100)
    const { out, edge } = runNode(zones, { zones: { half } }, [
      objectsPacket(0, [nameless]),
      objectsPacket(1, [stand(1, 100)]),
    ])
    expect(out.map(({ seq }) => seq)).toEqual([1, 1])
    expect(edge.counts).toMatchObject({ in: 2, out: 1, failed: 1, dropped: 0, waiting: 0 })
    expect(String(edge.lastError)).toContain('received a person without one. Put the node track before zones')
  })

  it.each([
    [{}, /at least one of zones and lines/],
    [
      {
        zones: {
          flat: {
            polygon: [
              [0, 0],
              [1, 1],
              [2, 2],
            ],
          },
        },
      },
      /points on one line/,
    ],
    [
      {
        zones: {
          two: {
            polygon: [
              [0, 0],
              [1, 1],
            ],
          },
        },
      },
      /3/,
    ],
    [{ lines: { dot: { from: [0, 0], to: [0, 0] } } }, /two different points/],
  ])('refuses %j', (options, message) => {
    expect(zones.options.safeParse(options).error?.message).toMatch(message)
  })
})

import { of, Subject } from 'rxjs'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Edge, join } from '../../engine/core/edge.ts'
import type { Packet } from '../../engine/core/packet.ts'
import type { JoinedPacket } from '../../engine/core/plugin.ts'
import { objectsPacket, PacketMaker } from '../support/packets.ts'

let maker: PacketMaker
beforeEach(() => {
  maker = new PacketMaker()
})
afterEach(() => maker.expectNoneHeld())

/** Joins `image` and `other`, and writes down what came: `[image seq, other seq]`. */
function joinTwo(options: { wait?: number; toleranceMs?: number } = {}) {
  const image = new Subject<Packet>()
  const other = new Subject<Packet>()
  const edge = new Edge('p/pose:join')
  const pairs: [number, number][] = []
  let completed = false
  const subscription = join(
    edge,
    { image: { packets: image }, other: { packets: other } },
    { wait: 2, toleranceMs: 50, ...options },
  ).subscribe({
    next: (joined: JoinedPacket) => {
      const inputs = joined.inputs as Record<string, Packet>
      pairs.push([inputs.image?.seq as number, inputs.other?.seq as number])
      joined[Symbol.dispose]()
    },
    complete: () => (completed = true),
  })
  const balanced = (packet: Packet, into: Subject<Packet>) => {
    into.next(packet)
    const { counts } = edge
    expect(counts.in).toBe(counts.out + counts.dropped + counts.failed + counts.waiting)
  }
  return {
    edge,
    pairs,
    subscription,
    isCompleted: () => completed,
    images: (...seqs: number[]) => {
      for (const seq of seqs) balanced(maker.image(seq), image)
    },
    objects: (...seqs: number[]) => {
      for (const seq of seqs) balanced(objectsPacket(seq), other)
    },
    /** The other camera, at these milliseconds; seq counts from 0. */
    otherCamera: (...times: number[]) => {
      for (const [i, atMs] of times.entries()) balanced(maker.image(i, atMs, 'camera-2'), other)
    },
    image,
    other,
  }
}

describe('join of streams from the same source', () => {
  it('pairs packets by equal seq, whichever comes first', () => {
    const { images, objects, pairs, edge, subscription } = joinTwo()
    images(0)
    objects(0, 1)
    images(1)
    expect(pairs).toEqual([
      [0, 0],
      [1, 1],
    ])
    expect(edge.counts).toEqual({ in: 4, out: 4, dropped: 0, failed: 0, waiting: 0 })
    subscription.unsubscribe()
  })

  it('gives a joined packet source, seq and time of the first input', () => {
    const joined: JoinedPacket[] = []
    join(
      new Edge('j'),
      { image: { packets: of(maker.image(4)) }, other: { packets: of(objectsPacket(4, [], { stream: 'people' })) } },
      { wait: 2, toleranceMs: 50 },
    ).subscribe((packet) => joined.push(packet))
    expect(joined).toMatchObject([{ source: 'camera', seq: 4, capturedAt: 40_000_000n }])
    joined[0]?.retain()
    joined[0]?.[Symbol.dispose]()
    expect(maker.pool.stats().held).toBe(1)
    joined[0]?.[Symbol.dispose]()
    expect(() => joined[0]?.[Symbol.dispose]()).toThrow(/once too often/)
    expect(() => joined[0]?.retain()).toThrow(/after its last dispose/)
  })

  it('drops what was skipped by the other side as soon as that shows', () => {
    const { images, objects, pairs, edge, subscription } = joinTwo({ wait: 8 })
    images(0, 1, 2, 3)
    expect(edge.counts.waiting).toBe(4)
    objects(2)
    expect(pairs).toEqual([[2, 2]])
    expect(edge.counts).toEqual({ in: 5, out: 2, dropped: 2, failed: 0, waiting: 1 })
    objects(3)
    expect(pairs).toEqual([
      [2, 2],
      [3, 3],
    ])
    subscription.unsubscribe()
  })

  it.each([['images'], ['objects']] as const)(
    'drops waiting %s that the other side has gone past without them',
    (side) => {
      const { edge, subscription, ...send } = joinTwo({ wait: 8 })
      send[side](0, 1)
      send[side === 'images' ? 'objects' : 'images'](5)
      expect(edge.counts).toEqual({ in: 3, out: 0, dropped: 2, failed: 0, waiting: 1 })
      subscription.unsubscribe()
    },
  )

  it('follows a detector that is three frames behind when it may wait for so many', () => {
    const { images, objects, pairs, edge, subscription } = joinTwo({ wait: 4 })
    images(0, 1, 2, 3)
    for (let seq = 0; seq < 10; seq++) {
      objects(seq)
      images(seq + 4)
    }
    expect(pairs).toEqual(Array.from({ length: 10 }, (_, seq) => [seq, seq]))
    expect(edge.counts).toMatchObject({ dropped: 0, waiting: 4 })
    subscription.unsubscribe()
  })

  it('holds at most `wait` packets a side, among them the oldest and the newest', () => {
    const { images, objects, pairs, edge, subscription } = joinTwo({ wait: 2 })
    images(0, 1, 2, 3)
    expect(edge.counts).toMatchObject({ dropped: 2, waiting: 2 })
    expect(maker.pool.stats().held).toBe(2)
    objects(0, 1, 2, 3)
    expect(pairs).toEqual([
      [0, 0],
      [3, 3],
    ])
    expect(edge.counts).toEqual({ in: 8, out: 4, dropped: 4, failed: 0, waiting: 0 })
    subscription.unsubscribe()
  })

  it('pairs every result of a node that is many frames behind and takes the newest next', () => {
    const { images, objects, pairs, edge, subscription } = joinTwo({ wait: 2 })
    const behind = 25
    let atWork = 0
    for (let seq = 0; seq <= 4 * behind; seq++) {
      images(seq)
      expect(edge.counts.waiting).toBeLessThanOrEqual(2)
      if (seq < atWork + behind) continue
      objects(atWork)
      atWork = seq
    }
    expect(pairs.map(([image]) => image)).toEqual([0, 25, 50, 75])
    subscription.unsubscribe()
  })

  it('never goes back: what comes after a later match is dropped', () => {
    const { images, objects, pairs, edge, subscription } = joinTwo()
    images(5)
    objects(5, 4)
    images(4)
    expect(pairs).toEqual([[5, 5]])
    expect(edge.counts).toMatchObject({ dropped: 2, waiting: 0 })
    subscription.unsubscribe()
  })
})

describe('join of streams from different sources', () => {
  it('pairs the nearest in time, once it is known to be the nearest', () => {
    const { images, otherCamera, pairs, subscription } = joinTwo({ wait: 4 })
    images(0, 1, 2, 3)
    otherCamera(-4, 8, 19, 31)
    expect(pairs).toEqual([
      [0, 0],
      [1, 1],
      [2, 2],
      [3, 3],
    ])
    subscription.unsubscribe()
  })

  it('pairs nothing further apart than the tolerance', () => {
    const { images, otherCamera, pairs, edge, subscription } = joinTwo({ toleranceMs: 5 })
    images(0)
    otherCamera(6)
    expect(pairs).toEqual([])
    expect(edge.counts).toMatchObject({ dropped: 1, waiting: 1 })
    images(1)
    expect(pairs).toEqual([])
    otherCamera(12)
    subscription.unsubscribe()
  })

  it('holds at most `wait` packets a side and drops the oldest', () => {
    const { images, otherCamera, pairs, edge, subscription } = joinTwo()
    otherCamera(0)
    images(1, 2, 3, 4)
    expect(edge.counts).toMatchObject({ dropped: 2, waiting: 3 })
    otherCamera(31)
    expect(pairs).toEqual([[3, 0]])
    subscription.unsubscribe()
  })

  it('pairs at the slower rate when the rates differ', () => {
    const { images, otherCamera, pairs, edge, subscription } = joinTwo({ wait: 8 })
    images(0, 1, 2, 3, 4, 5)
    otherCamera(0, 30)
    expect(pairs).toEqual([
      [0, 0],
      [3, 1],
    ])
    expect(edge.counts).toMatchObject({ out: 4, dropped: 2, waiting: 2 })
    subscription.unsubscribe()
  })
})

describe('join at its end', () => {
  it('completes when an ended side has nothing left to pair', () => {
    const { images, image, objects, isCompleted, pairs } = joinTwo()
    images(0)
    image.complete()
    expect(isCompleted()).toBe(false)
    objects(0)
    expect(pairs).toEqual([[0, 0]])
    expect(isCompleted()).toBe(true)
  })

  it('lets an error through and disposes what waits', () => {
    const image = new Subject<Packet>()
    const edge = new Edge('j')
    let received: unknown
    join(
      edge,
      { image: { packets: image }, other: { packets: new Subject<Packet>() } },
      { wait: 2, toleranceMs: 50 },
    ).subscribe({
      error: (error) => (received = error),
    })
    image.next(maker.image(0))
    image.error(new Error('unplugged'))
    expect(received).toMatchObject({ message: 'unplugged' })
    expect(edge.counts).toEqual({ in: 1, out: 0, dropped: 1, failed: 0, waiting: 0 })
  })

  it('passes a single input through', () => {
    const seqs: number[] = []
    join(
      new Edge('j'),
      { image: { packets: of(maker.image(0), maker.image(1)) } },
      { wait: 2, toleranceMs: 50 },
    ).subscribe((joined) => {
      seqs.push(joined.seq)
      joined[Symbol.dispose]()
    })
    expect(seqs).toEqual([0, 1])
  })
})

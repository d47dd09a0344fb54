import { Observable, of, Subject } from 'rxjs'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { consume, Edge, type EdgePolicy, emit, runEach } from '../../engine/core/edge.ts'
import type { Packet, PacketOf } from '../../engine/core/packet.ts'
import { Bench, expectBalance, turn } from '../support/edge-bench.ts'
import { objectsPacket, PacketMaker } from '../support/packets.ts'

let maker: PacketMaker
beforeEach(() => {
  maker = new PacketMaker()
})
afterEach(() => maker.expectNoneHeld())

function run(edge: Edge, bench: Bench, concurrency = 1) {
  const input = new Subject<Packet>()
  const output: number[] = []
  const subscription = input.pipe(runEach(edge, bench.work, { concurrency })).subscribe((packet) => {
    output.push(packet.seq)
    packet[Symbol.dispose]()
  })
  const push = (...seqs: number[]) => {
    for (const seq of seqs) {
      input.next(maker.image(seq))
      expectBalance(edge)
    }
  }
  return { output, subscription, push }
}

describe('runEach', () => {
  it('keeps the newest packet while busy', async () => {
    const edge = new Edge('p/people')
    const bench = new Bench()
    const { push, subscription } = run(edge, bench)
    push(0, 1, 2, 3)
    expect(edge.counts).toEqual({ in: 4, out: 0, dropped: 2, failed: 0, waiting: 2 })
    expect(maker.pool.stats().held).toBe(2)
    await bench.settle(0)
    expect(bench.started).toEqual([0, 3])
    expect(edge.counts).toEqual({ in: 4, out: 1, dropped: 2, failed: 0, waiting: 1 })
    await bench.settle(3)
    expect(edge.counts).toEqual({ in: 4, out: 2, dropped: 2, failed: 0, waiting: 0 })
    subscription.unsubscribe()
  })

  it.each([
    [{ queue: 2, full: 'oldest' }, [0, 3, 4]],
    [{ queue: 2, full: 'newest' }, [0, 1, 2]],
    [{ queue: 2, full: 'block' }, [0, 1, 2, 3, 4]],
    ['latest', [0, 4]],
  ] as [EdgePolicy, number[]][])('with the policy %j runs what is left of five: %j', async (policy, expected) => {
    const edge = new Edge('p/people', policy)
    const bench = new Bench()
    const { push, subscription } = run(edge, bench)
    push(0, 1, 2, 3, 4)
    for (let seq = 0; seq < 5; seq++) {
      await bench.settle(seq)
      expectBalance(edge)
    }
    expect(bench.started).toEqual(expected)
    expect(edge.counts).toMatchObject({ out: expected.length, dropped: 5 - expected.length, waiting: 0 })
    subscription.unsubscribe()
  })

  it('drops nothing in front of work that is done at once', () => {
    const edge = new Edge('p/people')
    const seen: number[] = []
    const packets = Array.from({ length: 50 }, (_, seq): Packet => objectsPacket(seq))
    of(...packets)
      .pipe(runEach(edge, (packet: Packet) => packet))
      .subscribe(({ seq }) => seen.push(seq))
    expect(seen).toEqual(packets.map(({ seq }) => seq))
    expect(edge.counts).toEqual({ in: 50, out: 50, dropped: 0, failed: 0, waiting: 0 })
  })

  it('counts a failed packet, says why, and runs the next one', async () => {
    const edge = new Edge('p/people', { queue: 4, full: 'oldest' })
    const errors: unknown[] = []
    const input = new Subject<Packet>()
    const output: number[] = []
    const work = (packet: Packet) => {
      if (packet.seq === 0) throw new Error('thrown')
      return packet.seq === 1 ? Promise.reject(new Error('rejected')) : objectsPacket(packet.seq)
    }
    input
      .pipe(runEach(edge, work, { onError: (error) => errors.push((error as Error).message) }))
      .subscribe(({ seq }) => output.push(seq))
    for (let seq = 0; seq < 3; seq++) input.next(maker.image(seq))
    await turn()
    expect(errors).toEqual(['thrown', 'rejected'])
    expect(edge.lastError).toMatchObject({ message: 'rejected' })
    expect(output).toEqual([2])
    expect(edge.counts).toEqual({ in: 3, out: 1, dropped: 0, failed: 2, waiting: 0 })
  })

  it('aborts on unsubscription, drops what waits, and disposes what comes late', async () => {
    const edge = new Edge('p/jpeg', { queue: 4, full: 'oldest' })
    const bench = new Bench()
    const { push, subscription, output } = run(edge, bench)
    push(0, 1, 2)
    subscription.unsubscribe()
    expect(bench.signals.get(0)?.aborted).toBe(true)
    expect(edge.counts).toEqual({ in: 3, out: 0, dropped: 2, failed: 0, waiting: 1 })
    expect(maker.pool.stats().held).toBe(1)
    await bench.settle(0, maker.image(0))
    expect(edge.counts).toEqual({ in: 3, out: 0, dropped: 3, failed: 0, waiting: 0 })
    expect(output).toEqual([])
  })

  it('counts work that failed because it was aborted as dropped', async () => {
    const edge = new Edge('p/people')
    const bench = new Bench()
    const { push, subscription } = run(edge, bench)
    push(0)
    subscription.unsubscribe()
    await bench.fail(0, new Error('cancelled'))
    expect(edge.counts).toEqual({ in: 1, out: 0, dropped: 1, failed: 0, waiting: 0 })
  })

  it('works on several at once and gives results in the order of their packets', async () => {
    const edge = new Edge('p/people', { queue: 8, full: 'oldest' })
    const bench = new Bench()
    const { push, output, subscription } = run(edge, bench, 2)
    push(0, 1, 2)
    expect(bench.started).toEqual([0, 1])
    await bench.settle(1, maker.image(1))
    expect(output).toEqual([])
    expectBalance(edge)
    await bench.settle(0, maker.image(0))
    expect(output).toEqual([0, 1])
    expect(bench.started).toEqual([0, 1, 2])
    await bench.settle(2, maker.image(2))
    expect(edge.counts).toEqual({ in: 3, out: 3, dropped: 0, failed: 0, waiting: 0 })
    subscription.unsubscribe()
  })

  it('passes its input on with the hold it had', () => {
    const edge = new Edge('p/sample')
    const kept: Packet[] = []
    of(maker.image(0), maker.image(1))
      .pipe(runEach(edge, (packet: Packet) => (packet.seq === 1 ? packet : undefined)))
      .subscribe((packet) => kept.push(packet))
    expect(kept.map(({ seq }) => seq)).toEqual([1])
    expect(maker.pool.stats().held).toBe(1)
    for (const packet of kept) packet[Symbol.dispose]()
  })

  it('completes when its source has ended and the last packet has settled', async () => {
    const edge = new Edge('p/people')
    const bench = new Bench()
    let completed = false
    of(maker.image(0))
      .pipe(runEach(edge, bench.work))
      .subscribe({ complete: () => (completed = true) })
    expect(completed).toBe(false)
    await bench.settle(0)
    expect(completed).toBe(true)
  })

  it('lets an error of its source through, aborting what runs', async () => {
    const edge = new Edge('p/people')
    const bench = new Bench()
    const input = new Subject<Packet>()
    let received: unknown
    input.pipe(runEach(edge, bench.work)).subscribe({ error: (error) => (received = error) })
    input.next(maker.image(0))
    input.next(maker.image(1))
    input.error(new Error('unplugged'))
    expect(received).toMatchObject({ message: 'unplugged' })
    await bench.settle(0)
    expect(edge.counts).toEqual({ in: 2, out: 0, dropped: 2, failed: 0, waiting: 0 })
  })

  it('is told to stop by a subscriber that leaves in the middle of a packet', () => {
    const edge = new Edge('p/sample', { queue: 4, full: 'oldest' })
    const input = new Subject<Packet>()
    const subscription = input.pipe(runEach(edge, (packet: Packet) => packet)).subscribe((packet) => {
      subscription.unsubscribe()
      packet[Symbol.dispose]()
    })
    input.next(maker.image(0))
    expect(input.observed).toBe(false)
    expect(edge.counts).toEqual({ in: 1, out: 1, dropped: 0, failed: 0, waiting: 0 })
  })

  it('goes on counting at the same edge after it was closed', () => {
    const edge = new Edge('p/sample')
    for (let i = 0; i < 2; i++)
      of(maker.image(i))
        .pipe(consume(edge, () => undefined))
        .subscribe()
    expect(edge.counts).toEqual({ in: 2, out: 2, dropped: 0, failed: 0, waiting: 0 })
  })
})

describe('consume', () => {
  it('lends each packet for the time of its use and emits nothing', async () => {
    const edge = new Edge('hub')
    const used: number[] = []
    const emitted: unknown[] = []
    of(maker.image(0))
      .pipe(
        consume(edge, async (packet: PacketOf<'image'>) => {
          await turn()
          used.push(packet.payload.image.slot)
        }),
      )
      .subscribe((packet) => emitted.push(packet))
    expect(maker.pool.stats().held).toBe(1)
    await turn()
    await turn()
    expect(used).toHaveLength(1)
    expect(emitted).toEqual([])
  })
})

describe('emit', () => {
  it('disposes a packet for a subscriber that has left', () => {
    new Observable<Packet>((subscriber) => {
      subscriber.complete()
      emit(subscriber, maker.image(0))
    }).subscribe()
    expect(maker.pool.stats().held).toBe(0)
  })

  it('leaves the hold to a subscriber that is there', () => {
    const got: Packet[] = []
    new Observable<Packet>((subscriber) => emit(subscriber, maker.image(0))).subscribe((packet) => got.push(packet))
    expect(maker.pool.stats().held).toBe(1)
    got[0]?.[Symbol.dispose]()
  })
})

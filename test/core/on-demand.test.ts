import { Observable, Subject, type Subscriber, take } from 'rxjs'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { emit, onDemand } from '../../engine/core/edge.ts'
import type { Packet } from '../../engine/core/packet.ts'
import { PacketMaker } from '../support/packets.ts'

const lingerMs = 2000

/** A source that counts how often it was opened and closed. */
class Camera {
  opened = 0
  closed = 0
  subscriber: Subscriber<Packet> | undefined
  readonly packets = new Observable<Packet>((subscriber) => {
    this.opened++
    this.subscriber = subscriber
    return () => this.closed++
  })

  send(packet: Packet): void {
    if (this.subscriber === undefined) throw new Error('the camera is closed')
    emit(this.subscriber, packet)
  }
}

let maker: PacketMaker
let camera: Camera
let shared: Observable<Packet>

beforeEach(() => {
  vi.useFakeTimers()
  maker = new PacketMaker()
  camera = new Camera()
  shared = camera.packets.pipe(onDemand(lingerMs))
})
afterEach(() => {
  maker.expectNoneHeld()
  expect(vi.getTimerCount()).toBe(0)
  vi.useRealTimers()
})

function watch(packets: Observable<Packet>) {
  const seqs: number[] = []
  const ends: unknown[] = []
  const subscription = packets.subscribe({
    next: (packet) => {
      seqs.push(packet.seq)
      packet[Symbol.dispose]()
    },
    error: (error) => ends.push(error),
    complete: () => ends.push('complete'),
  })
  return { seqs, ends, leave: () => subscription.unsubscribe() }
}

describe('onDemand', () => {
  it('opens the source once for ten subscribers, and gives each a hold of its own', () => {
    const watchers = Array.from({ length: 10 }, () => watch(shared))
    expect(camera.opened).toBe(1)
    camera.send(maker.image(0))
    expect(watchers.map(({ seqs }) => seqs)).toEqual(Array(10).fill([0]))
    for (const { leave } of watchers) leave()
    vi.advanceTimersByTime(lingerMs)
    expect(camera).toMatchObject({ opened: 1, closed: 1 })
  })

  it('keeps the pixels until the last branch has let go', () => {
    const kept: Packet[] = []
    const subscription = shared.subscribe((packet) => kept.push(packet))
    const { leave } = watch(shared)
    camera.send(maker.image(0))
    expect(maker.pool.stats().held).toBe(1)
    kept[0]?.[Symbol.dispose]()
    expect(maker.pool.stats().held).toBe(0)
    subscription.unsubscribe()
    leave()
    vi.advanceTimersByTime(lingerMs)
  })

  it('closes the source only when nobody has come back in time', () => {
    watch(shared).leave()
    vi.advanceTimersByTime(lingerMs - 1)
    expect(camera.closed).toBe(0)
    const again = watch(shared)
    vi.advanceTimersByTime(lingerMs * 2)
    expect(camera).toMatchObject({ opened: 1, closed: 0 })
    camera.send(maker.image(7))
    expect(again.seqs).toEqual([7])
    again.leave()
    vi.advanceTimersByTime(lingerMs)
    expect(camera.closed).toBe(1)
  })

  it('disposes what comes while it lingers', () => {
    watch(shared).leave()
    camera.send(maker.image(0))
    maker.expectNoneHeld()
    vi.advanceTimersByTime(lingerMs)
  })

  it('opens the source anew after it was closed', () => {
    watch(shared).leave()
    vi.advanceTimersByTime(lingerMs)
    const again = watch(shared)
    expect(camera.opened).toBe(2)
    camera.send(maker.image(3))
    expect(again.seqs).toEqual([3])
    again.leave()
    vi.advanceTimersByTime(lingerMs)
  })

  it('gives a late subscriber only what comes later, also one that comes in the middle of a packet', () => {
    let late: ReturnType<typeof watch> | undefined
    const first = shared.subscribe((packet) => {
      late ??= watch(shared)
      packet[Symbol.dispose]()
    })
    camera.send(maker.image(0))
    expect(late?.seqs).toEqual([])
    camera.send(maker.image(1))
    expect(late?.seqs).toEqual([1])
    first.unsubscribe()
    late?.leave()
    vi.advanceTimersByTime(lingerMs)
  })

  it('survives a branch that leaves, and makes another leave, in the middle of a packet', () => {
    const second: { leave?: () => void } = {}
    const first = shared.pipe(take(1)).subscribe((packet) => {
      second.leave?.()
      packet[Symbol.dispose]()
    })
    const other = watch(shared)
    second.leave = other.leave
    camera.send(maker.image(0))
    expect(other.seqs).toEqual([])
    expect(first.closed).toBe(true)
    vi.advanceTimersByTime(lingerMs)
    expect(camera.closed).toBe(1)
  })

  it('without lingering closes at once, and a subscriber that changes its mind opens it again', () => {
    const eager = camera.packets.pipe(onDemand(0))
    watch(eager).leave()
    expect(camera).toMatchObject({ opened: 1, closed: 1 })
    watch(eager).leave()
    expect(camera).toMatchObject({ opened: 2, closed: 2 })
  })

  it('tells every branch of an error, and can be opened again from within', () => {
    const watchers = [watch(shared), watch(shared)]
    let again: ReturnType<typeof watch> | undefined
    shared.subscribe({ error: () => (again = watch(shared)) })
    const error = new Error('unplugged')
    camera.subscriber?.error(error)
    expect(watchers.map(({ ends }) => ends)).toEqual([[error], [error]])
    expect(camera).toMatchObject({ opened: 2, closed: 1 })
    camera.send(maker.image(0))
    expect(again?.seqs).toEqual([0])
    again?.leave()
    vi.advanceTimersByTime(lingerMs)
  })

  it('ends with its source, leaving no timer', () => {
    watch(shared).leave()
    const { ends, leave } = watch(shared)
    leave()
    const other = watch(shared)
    camera.subscriber?.complete()
    expect(ends).toEqual([])
    expect(other.ends).toEqual(['complete'])
    expect(vi.getTimerCount()).toBe(0)
  })

  it('passes on the packets of a source that sends at once', () => {
    const source = new Subject<Packet>()
    const eager = new Observable<Packet>((subscriber) => {
      emit(subscriber, maker.image(0))
      return source.subscribe(subscriber)
    }).pipe(onDemand(0))
    const { seqs, leave } = watch(eager)
    expect(seqs).toEqual([0])
    leave()
  })
})

import { of } from 'rxjs'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Edge } from '../../engine/core/edge.ts'
import sample from '../../engine/nodes/sample.ts'
import type { Tools } from '../../engine/tools.ts'
import { PacketMaker } from '../support/packets.ts'

let maker: PacketMaker
beforeEach(() => {
  maker = new PacketMaker(256)
})
afterEach(() => maker.expectNoneHeld())

/** The seqs of frames, captured at these milliseconds, that pass. */
function pass(options: object, times: readonly number[]) {
  const edge = new Edge('p/sample')
  const seqs: number[] = []
  const packets = times.map((atMs, seq) => maker.image(seq, atMs))
  of(...packets)
    .pipe(sample.create(sample.options.parse(options), { stream: 'sampled', edge } as Tools))
    .subscribe((packet) => {
      seqs.push(packet.seq)
      packet[Symbol.dispose]()
    })
  return { seqs, edge }
}

const atFps = (fps: number, count: number, jitterMs = 0) =>
  Array.from({ length: count }, (_, i) => (i * 1000) / fps + (i % 2 === 0 ? -jitterMs : jitterMs))

describe('sample', () => {
  it('lets the first of every n packets through', () => {
    const { seqs, edge } = pass({ every: 3 }, atFps(30, 8))
    expect(seqs).toEqual([0, 3, 6])
    expect(edge.counts).toEqual({ in: 8, out: 8, dropped: 0, failed: 0, waiting: 0 })
  })

  it('lets so many packets a second through, by their capture times', () => {
    const { seqs } = pass({ rate: 10 }, atFps(30, 91))
    expect(seqs).toHaveLength(31)
    const gaps = seqs.slice(2).map((seq, i) => seq - (seqs[i + 1] as number))
    expect(new Set(gaps)).toEqual(new Set([3]))
  })

  it('loses no frame to jitter when the rate is the rate of the camera', () => {
    expect(pass({ rate: 30 }, atFps(30, 60, 5)).seqs).toHaveLength(60)
  })

  it('lets all through when the camera is slower', () => {
    expect(pass({ rate: 30 }, atFps(7, 20)).seqs).toHaveLength(20)
  })

  it('goes on after a gap without catching up', () => {
    expect(pass({ rate: 10 }, [0, 100, 5000, 5033, 5066, 5100]).seqs).toEqual([0, 1, 2, 4])
  })

  it.each([[{}], [{ rate: 5, every: 2 }]])('refuses the options %j: one of rate and every', (options) => {
    expect(sample.options.safeParse(options).error?.issues[0]?.message).toBe('Expected either rate or every')
  })

  it.each([[{ rate: 0 }], [{ every: 0 }], [{ every: 1.5 }], [{ fps: 3 }]])('refuses the options %j', (options) => {
    expect(sample.options.safeParse(options).success).toBe(false)
  })
})

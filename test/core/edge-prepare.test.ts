import { Subject } from 'rxjs'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Edge, type EdgePolicy, runEach } from '../../engine/core/edge.ts'
import type { Packet } from '../../engine/core/packet.ts'
import { Bench, expectBalance, turn } from '../support/edge-bench.ts'
import { PacketMaker } from '../support/packets.ts'

let maker: PacketMaker
beforeEach(() => {
  maker = new PacketMaker()
})
afterEach(() => maker.expectNoneHeld())

/** A run whose work must be prepared while `gate` is there; the test ends that. */
function runPrepared(policy: EdgePolicy) {
  const edge = new Edge('p/people', policy)
  const bench = new Bench()
  const input = new Subject<Packet>()
  const gate: { open?: () => void; refuse?: (error: Error) => void; asked: number } = { asked: 0 }
  let ready: Promise<void> | undefined
  const close = () => {
    ready = new Promise((resolve, reject) => {
      gate.open = () => {
        ready = undefined
        resolve()
      }
      gate.refuse = reject
    })
  }
  const prepare = () => {
    gate.asked++
    return ready
  }
  let completed = false
  const subscription = input
    .pipe(runEach(edge, bench.work, { prepare }))
    .subscribe({ complete: () => (completed = true) })
  const push = (...seqs: number[]) => {
    for (const seq of seqs) {
      input.next(maker.image(seq))
      expectBalance(edge)
    }
  }
  return { edge, bench, input, gate, close, push, subscription, isCompleted: () => completed }
}

describe('runEach with work that must be prepared', () => {
  it('begins with the newest packet when it is prepared, counts those before as dropped, and holds one', async () => {
    const { edge, bench, gate, close, push, subscription } = runPrepared('latest')
    close()
    push(0, 1, 2)
    expect(bench.started).toEqual([])
    expect(maker.pool.stats().held).toBe(1)
    gate.open?.()
    await turn()
    expect(bench.started).toEqual([2])
    expect(edge.counts).toEqual({ in: 3, out: 0, dropped: 2, failed: 0, waiting: 1 })
    close()
    push(3, 4)
    await bench.fail(2, new Error('the host has died'))
    expect(bench.started).toEqual([2])
    push(5)
    gate.open?.()
    await turn()
    expect(bench.started).toEqual([2, 5])
    await bench.settle(5)
    expect(edge.counts).toEqual({ in: 6, out: 1, dropped: 4, failed: 1, waiting: 0 })
    subscription.unsubscribe()
  })

  it('loses nothing where the edge drops nothing, and ends after the last', async () => {
    const { edge, bench, input, gate, close, push, isCompleted } = runPrepared({ queue: 1, full: 'block' })
    close()
    push(0, 1, 2)
    input.complete()
    gate.open?.()
    await turn()
    for (const seq of [0, 1, 2]) {
      expect(isCompleted()).toBe(false)
      await bench.settle(seq)
    }
    expect(edge.counts).toEqual({ in: 3, out: 3, dropped: 0, failed: 0, waiting: 0 })
    expect(isCompleted()).toBe(true)
  })

  it('fails one packet with each refusal, and asks anew for the next', async () => {
    const { edge, gate, close, push, input, isCompleted } = runPrepared('latest')
    for (const seq of [0, 2]) {
      close()
      push(seq, seq + 1)
      gate.refuse?.(new Error('no model'))
      await turn()
      expectBalance(edge)
    }
    expect(edge.lastError).toMatchObject({ message: 'no model' })
    input.complete()
    expect(edge.counts).toEqual({ in: 4, out: 0, dropped: 2, failed: 2, waiting: 0 })
    expect(gate.asked).toBe(2)
    expect(isCompleted()).toBe(true)
  })

  it('begins nothing after it was left, whatever the preparation comes to', async () => {
    for (const end of ['open', 'refuse'] as const) {
      const { edge, bench, gate, close, push, subscription } = runPrepared('latest')
      close()
      push(0, 1)
      subscription.unsubscribe()
      gate[end]?.(new Error('no model'))
      await turn()
      expect(bench.started).toEqual([])
      expect(edge.counts).toEqual({ in: 2, out: 0, dropped: 2, failed: 0, waiting: 0 })
    }
  })
})

import { Observable, of, type Subscriber } from 'rxjs'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { emit } from '../../engine/core/edge.ts'
import { ClosingStack, restartDelayMs, restartForever } from '../../engine/core/lifecycle.ts'
import type { Packet } from '../../engine/core/packet.ts'
import { EngineError } from '../../engine/errors.ts'
import { objectsPacket } from '../support/packets.ts'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  expect(vi.getTimerCount()).toBe(0)
  vi.useRealTimers()
})

const never = () => new Promise<void>(() => undefined)

describe('ClosingStack', () => {
  it('closes newest first, each after the one before has closed', async () => {
    const order: string[] = []
    const stack = new ClosingStack()
    const close = (name: string) => async () => {
      order.push(`${name} begins`)
      await Promise.resolve()
      order.push(`${name} ends`)
    }
    stack.defer('pool', close('pool'))
    stack.use('host', { [Symbol.asyncDispose]: close('host') })
    stack.use('timer', { [Symbol.dispose]: () => void order.push('timer') })
    await stack[Symbol.asyncDispose]()
    expect(order).toEqual(['timer', 'host begins', 'host ends', 'pool begins', 'pool ends'])
  })

  it('closes all when some fail, and throws what failed', async () => {
    const closed: string[] = []
    const stack = new ClosingStack()
    stack.defer('a', () => closed.push('a'))
    stack.defer('b', () => {
      throw new Error('b is stuck')
    })
    stack.defer('c', () => Promise.reject(new Error('c is stuck')))
    await expect(stack[Symbol.asyncDispose]()).rejects.toThrow(/2 parts failed to close: .*c is stuck.*b is stuck/)
    expect(closed).toEqual(['a'])
  })

  it('gives each part its deadline and goes on', async () => {
    const closed: string[] = []
    const stack = new ClosingStack()
    stack.defer('pool', () => closed.push('pool'))
    stack.defer('host', never, { deadlineMs: 300 })
    const closing = expect(stack[Symbol.asyncDispose]()).rejects.toMatchObject({
      code: 'timeout',
      message: 'Expected host to close within 300 ms',
    })
    await vi.advanceTimersByTimeAsync(299)
    expect(closed).toEqual([])
    await vi.advanceTimersByTimeAsync(1)
    await closing
    expect(closed).toEqual(['pool'])
  })

  it('closes once when asked twice, and takes nothing more', async () => {
    let closed = 0
    const stack = new ClosingStack()
    stack.defer('a', () => closed++)
    await Promise.all([stack[Symbol.asyncDispose](), stack[Symbol.asyncDispose]()])
    expect(closed).toBe(1)
    expect(() => stack.defer('late', never)).toThrow(expect.objectContaining({ code: 'closed' }))
  })
})

/** A stream that a test ends by hand, and the times at which it was opened. */
function restarted() {
  const openedAt: number[] = []
  const errors: [unknown, number][] = []
  let current: Subscriber<Packet> | undefined
  const start = Date.now()
  const source = new Observable<Packet>((subscriber) => {
    openedAt.push(Date.now() - start)
    current = subscriber
  })
  const now = () => BigInt(Date.now()) * 1_000_000n
  const onRestart = (error: unknown, delayMs: number) => errors.push([error, delayMs])
  const subscription = source.pipe(restartForever({ now, onRestart })).subscribe()
  return {
    openedAt,
    errors,
    subscription,
    send: () => current && emit(current, objectsPacket(0)),
    fail: (error: unknown = new Error('unplugged')) => current?.error(error),
    end: () => current?.complete(),
  }
}

describe('restartDelayMs', () => {
  it.each([
    ['at once the first time', 0, 0, 0],
    ['0.5 s after the last start', 1, 0, 500],
    ['1 s after the last start', 2, 100, 900],
    ['2 s after the last start', 3, 100.4, 1900],
    ['never later', 1000, 0, 2000],
    ['at once what ran for longer', 1000, 2000, 0],
    ['at once what ran for much longer', 1, 9999, 0],
  ])('starts anew %s (failures before: %i, ran for %d ms)', (_, failuresBefore, ranMs, delayMs) => {
    expect(restartDelayMs(failuresBefore, ranMs)).toBe(delayMs)
  })
})

describe('restartForever', () => {
  it('opens at once, then after 0.5, 1 and 2 s, and never later', () => {
    const { openedAt, errors, fail, subscription } = restarted()
    for (const delayMs of [0, 500, 1000, 2000, 2000, 2000]) {
      fail()
      const before = openedAt.length
      vi.advanceTimersByTime(Math.max(0, delayMs - 1))
      expect(openedAt).toHaveLength(delayMs === 0 ? before + 1 : before)
      vi.advanceTimersByTime(Math.min(1, delayMs))
    }
    expect(openedAt).toEqual([0, 0, 500, 1500, 3500, 5500, 7500])
    expect(errors.map(([, delayMs]) => delayMs)).toEqual([0, 500, 1000, 2000, 2000, 2000])
    subscription.unsubscribe()
  })

  it('takes the end of a stream for a failure without an error', () => {
    const { openedAt, errors, end, subscription } = restarted()
    end()
    vi.advanceTimersByTime(0)
    expect(openedAt).toHaveLength(2)
    expect(errors).toEqual([[undefined, 0]])
    subscription.unsubscribe()
  })

  it('opens at once what lived for longer than the wait, again and again, and counts it all the same', () => {
    const { openedAt, errors, fail, subscription } = restarted()
    for (let i = 0; i < 5; i++) {
      vi.advanceTimersByTime(2000)
      fail()
      vi.advanceTimersByTime(0)
      expect(openedAt).toHaveLength(i + 2)
    }
    vi.advanceTimersByTime(300)
    fail()
    expect(errors.map(([, delayMs]) => delayMs)).toEqual([0, 0, 0, 0, 0, 1700])
    subscription.unsubscribe()
  })

  it('starts the count anew after 10 s of packets, and not before', () => {
    const { errors, fail, send, subscription } = restarted()
    const liveFor = (ms: number) => {
      send()
      vi.advanceTimersByTime(ms)
      send()
      fail()
      vi.runOnlyPendingTimers()
    }
    for (const ms of [0, 9999, 0, 10_000, 0]) liveFor(ms)
    expect(errors.map(([, delayMs]) => delayMs)).toEqual([0, 0, 1000, 0, 500])
    subscription.unsubscribe()
  })

  it('does not take 10 s of silence for 10 s of packets', () => {
    const { errors, fail, send, subscription } = restarted()
    for (const ms of [20_000, 0]) {
      send()
      vi.advanceTimersByTime(ms)
      fail()
      vi.runOnlyPendingTimers()
    }
    expect(errors.map(([, delayMs]) => delayMs)).toEqual([0, 500])
    subscription.unsubscribe()
  })

  it('tries what can only fail again every 2 s', () => {
    const { errors, fail, subscription } = restarted()
    for (let i = 0; i < 3; i++) {
      fail(new EngineError('invalid', 'no such device'))
      vi.advanceTimersByTime(2000)
    }
    expect(errors.map(([, delayMs]) => delayMs)).toEqual([2000, 2000, 2000])
    subscription.unsubscribe()
  })

  it('ends with its subscriber, also between two tries', () => {
    const { openedAt, fail, subscription } = restarted()
    fail()
    subscription.unsubscribe()
    vi.advanceTimersByTime(10_000)
    expect(openedAt).toHaveLength(1)
  })

  it('survives a source that ends while it is being opened', () => {
    let restarts = 0
    const now = () => 0n
    const subscription = of(objectsPacket(0))
      .pipe(restartForever({ now, onRestart: () => restarts++ }))
      .subscribe()
    vi.advanceTimersByTime(500)
    expect(restarts).toBe(3)
    subscription.unsubscribe()
  })
})

import { describe, expect, it } from 'vitest'
import { EngineError } from '../../engine/errors.ts'
import { LoadQueue } from '../../engine/inference/load-queue.ts'
import { FakeTimers, settle } from '../support/fake-models.ts'

/** Work that ends when the test says so, and notes its start. */
function trial() {
  const timers = new FakeTimers()
  const queue = new LoadQueue(timers)
  const started: string[] = []
  const ends = new Map<string, () => void>()
  const work = (name: string) => () => {
    started.push(name)
    return new Promise<void>((resolve) => ends.set(name, resolve))
  }
  const end = async (name: string) => {
    ends.get(name)?.()
    await settle()
  }
  return { timers, queue, started, work, end }
}

describe('LoadQueue', () => {
  it('runs one at a time: what gives memory back, then realtime, interactive, batch, each in the order of asking', async () => {
    const { queue, started, work, end } = trial()
    queue.load('first', 'batch', work('first'))
    queue.load('batch', 'batch', work('batch'))
    queue.load('request', 'interactive', work('request'))
    queue.load('live', 'realtime', work('live'))
    queue.load('live 2', 'realtime', work('live 2'))
    void queue.unload(work('unload'))
    expect([started, queue.waiting]).toEqual([['first'], 4])
    for (const name of ['first', 'unload', 'live', 'live 2', 'request', 'batch']) await end(name)
    expect(started).toEqual(['first', 'unload', 'live', 'live 2', 'request', 'batch'])
  })

  it('moves a load forward when somebody more urgent wants it too', async () => {
    const { queue, started, work, end } = trial()
    queue.load('first', 'batch', work('first'))
    const late = queue.load('late', 'batch', work('late'))
    queue.load('request', 'interactive', work('request'))
    late.raise('realtime')
    await end('first')
    expect(started).toEqual(['first', 'late'])
  })

  it('goes on after work that failed', async () => {
    const { queue, started, work } = trial()
    const failing = queue.load('failing', 'batch', () => Promise.reject(new EngineError('invalid', 'corrupt')))
    queue.load('next', 'batch', work('next'))
    await expect(failing.done).rejects.toMatchObject({ code: 'invalid' })
    await settle()
    expect(started).toEqual(['next'])
  })

  it('is busy for the seventeenth load that would wait', async () => {
    const { queue, work } = trial()
    queue.load('running', 'realtime', work('running'))
    for (let i = 0; i < 16; i++) queue.load(`waiting ${i}`, 'realtime', work(`waiting ${i}`))
    expect(() => queue.load('more', 'realtime', work('more'))).toThrow(/fewer than 16 .* more was not added/)
    expect(queue.waiting).toBe(16)
  })

  it('refuses what has not started after a minute, and a batch load after ten', async () => {
    const { timers, queue, started, work } = trial()
    queue.load('running', 'realtime', work('running'))
    const live = queue.load('live', 'realtime', work('live'))
    const batch = queue.load('batch', 'batch', work('batch'))
    const outcomes = Promise.allSettled([live.done, batch.done])
    await timers.advance(59_999)
    expect(queue.waiting).toBe(2)
    await timers.advance(1)
    expect(queue.waiting).toBe(1)
    await timers.advance(540_000)
    const timedOut = { status: 'rejected', reason: { code: 'timeout' } }
    expect(await outcomes).toMatchObject([timedOut, timedOut])
    expect([started, timers.pending]).toEqual([['running'], 0])
  })

  it('takes out a load that nobody wants any more, unless it has started', async () => {
    const { queue, started, work, end } = trial()
    const running = queue.load('running', 'batch', work('running'))
    const waiting = queue.load('waiting', 'batch', work('waiting'))
    const cancelled = new EngineError('cancelled', 'nobody')
    expect([running.leave(cancelled), waiting.leave(cancelled), waiting.leave(cancelled)]).toEqual([false, true, false])
    await expect(waiting.done).rejects.toBe(cancelled)
    await end('running')
    expect(started).toEqual(['running'])
  })

  it('refuses what waits and what comes when it is closed', async () => {
    const { timers, queue, work, end } = trial()
    const running = queue.load('running', 'batch', work('running'))
    const waiting = queue.load('waiting', 'batch', work('waiting'))
    const unload = queue.unload(work('unload'))
    queue[Symbol.dispose]()
    await expect(waiting.done).rejects.toMatchObject({ code: 'closed' })
    await expect(unload).rejects.toMatchObject({ code: 'closed' })
    expect(() => queue.load('more', 'batch', work('more'))).toThrow('the engine stops')
    await end('running')
    await running.done
    expect(timers.pending).toBe(0)
  })
})

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Priority } from '../../engine/inference/vision.ts'
import { TrialWorks, tick } from '../support/trial-works.ts'

const priorities: readonly Priority[] = ['realtime', 'interactive', 'batch']

describe('Scheduler', () => {
  beforeEach(() => {
    vi.useFakeTimers()
  })
  afterEach(() => {
    vi.useRealTimers()
  })

  it('starts realtime before interactive before batch, and in a class the first come first', async () => {
    const trial = new TrialWorks()
    trial.run('running', 'batch')
    for (const name of ['b1', 'i1', 'r1', 'i2', 'r2', 'b2'])
      trial.run(name, priorities.find((one) => one.startsWith(name[0]!))!)
    for (const name of ['running', 'r1', 'r2', 'i1', 'i2', 'b1', 'b2']) await trial.finish(name)
    expect(trial.started).toEqual(['running', 'r1', 'r2', 'i1', 'i2', 'b1', 'b2'])
    expect(trial.outcomes.get('b2')).toBe('b2 done')
  })

  it('starts the earliest deadline of a class first, and of one deadline the first come', async () => {
    const trial = new TrialWorks()
    trial.run('running', 'realtime')
    for (const [name, deadlineMs] of [
      ['late', 3000],
      ['early', 1000],
      ['also early', 1000],
      ['soon', 500],
    ] as const)
      trial.run(name, 'interactive', { deadlineMs })
    for (const name of ['running', 'soon', 'early', 'also early', 'late']) await trial.finish(name)
    expect(trial.started).toEqual(['running', 'soon', 'early', 'also early', 'late'])
  })

  it('starts the higher rank of live works first, whatever the deadlines, and has no ranks elsewhere', async () => {
    const trial = new TrialWorks()
    trial.run('running', 'realtime')
    trial.run('low', 'realtime', { rank: 3, deadlineMs: 10 })
    trial.run('usual', 'realtime')
    trial.run('high', 'realtime', { rank: 17 })
    trial.run('request', 'interactive')
    trial.run('request with a rank', 'interactive', { rank: 31 })
    const order = ['running', 'high', 'usual', 'low', 'request', 'request with a rank']
    for (const name of order) await trial.finish(name)
    expect(trial.started).toEqual(order)
  })

  it('does not let one device wait for another, and keeps to the depth of each', async () => {
    const trial = new TrialWorks({ wide: { depth: 2, perResource: 2 }, narrow: { depth: 1 } })
    for (const name of ['w1', 'w2', 'w3']) trial.run(name, 'interactive', { device: 'wide' })
    for (const name of ['n1', 'n2']) trial.run(name, 'interactive', { device: 'narrow' })
    expect(trial.started).toEqual(['w1', 'w2', 'n1'])
    expect([trial.scheduler.waiting('wide'), trial.scheduler.waiting('narrow')]).toEqual([1, 1])
    await trial.finish('w2')
    expect(trial.started).toEqual(['w1', 'w2', 'n1', 'w3'])
  })

  it('names the devices there are to work for another', async () => {
    const start = () => ({ answer: Promise.resolve(), settled: Promise.resolve() })
    const work = { device: 'gpu', resource: 'model', deadlineMs: 1000, start }
    const { scheduler } = new TrialWorks({ cpu: { depth: 1 }, pictures: { depth: 2 } })
    expect(() => scheduler.run('batch', work, new AbortController().signal)).toThrow(
      'Expected a device (cpu, pictures), received gpu',
    )
  })

  it('lets works of other models pass those whose model is busy', async () => {
    const trial = new TrialWorks({ cpu: { depth: 2 } })
    trial.run('a1', 'realtime', { resource: 'a' })
    trial.run('a2', 'realtime', { resource: 'a' })
    trial.run('b1', 'interactive', { resource: 'b' })
    expect(trial.started).toEqual(['a1', 'b1'])
    trial.run('c1', 'interactive', { resource: 'c' })
    await trial.finish('b1')
    expect(trial.started).toEqual(['a1', 'b1', 'c1'])
    await trial.finish('a1')
    expect(trial.started).toEqual(['a1', 'b1', 'c1', 'a2'])
  })

  it('leaves one place of a device to live frames and requests, however many batch works wait', async () => {
    const trial = new TrialWorks({ cpu: { depth: 3 } })
    for (const resource of ['a', 'b', 'c', 'd']) trial.run(resource, 'batch', { resource })
    expect(trial.started).toEqual(['a', 'b'])
    trial.run('live', 'realtime', { resource: 'live' })
    expect(trial.started).toEqual(['a', 'b', 'live'])
    await trial.finish('live')
    expect(trial.started).toEqual(['a', 'b', 'live'])
    await trial.finish('a')
    expect(trial.started).toEqual(['a', 'b', 'live', 'c'])
  })

  it('gives a live stream that asks again at once 16 of 17 starts, and a batch work the other', async () => {
    const trial = new TrialWorks()
    trial.run('live 0', 'realtime')
    for (let i = 0; i < 3; i++) trial.run(`batch ${i}`, 'batch')
    for (let i = 0; i < 50; i++) {
      const running = trial.started.at(-1)!
      if (running.startsWith('live')) trial.runAfter(running, `live ${i + 1}`)
      else trial.run(`live ${i + 1}`, 'realtime')
      await trial.finish(running)
    }
    const places = trial.started.flatMap((name, at) => (name.startsWith('batch') ? at : []))
    expect(places).toEqual([17, 34])
  })

  it('gives every ninth start to the lowest of live ranks', async () => {
    const trial = new TrialWorks()
    trial.run('high 0', 'realtime', { rank: 30 })
    for (let i = 0; i < 3; i++) trial.run(`low ${i}`, 'realtime', { rank: 2 })
    for (let i = 0; i < 24; i++) {
      trial.run(`high ${i + 1}`, 'realtime', { rank: 30 })
      await trial.finish(trial.started.at(-1)!)
    }
    expect(trial.started.flatMap((name, at) => (name.startsWith('low') ? at : []))).toEqual([9, 18])
  })

  it('starts work with an idle device before it returns, and sets no timer for it', () => {
    const trial = new TrialWorks()
    trial.run('now', 'realtime')
    expect([trial.started, vi.getTimerCount()]).toEqual([['now'], 0])
  })

  it('keeps the resource until the work has settled, also when its answer came long before', async () => {
    const trial = new TrialWorks()
    trial.run('slow', 'realtime')
    trial.run('next', 'realtime')
    await trial.fail('slow', new Error('the caller gave up'))
    expect(trial.outcomes.get('slow')).toBe('the caller gave up')
    expect(trial.started).toEqual(['slow'])
    await trial.settle('slow')
    expect(trial.started).toEqual(['slow', 'next'])
  })

  it('never starts work that was cancelled while it waited', async () => {
    const trial = new TrialWorks()
    const caller = new AbortController()
    trial.run('running', 'realtime')
    trial.run('given up', 'interactive', { signal: caller.signal })
    caller.abort()
    expect([trial.scheduler.waiting('cpu'), vi.getTimerCount()]).toEqual([0, 0])
    await tick()
    expect(trial.outcomes.get('given up')).toBe('cancelled')
    await trial.finish('running')
    expect(trial.started).toEqual(['running'])
  })

  it('answers timeout to work that has waited as long as it may, and starts it never', async () => {
    const trial = new TrialWorks()
    trial.run('running', 'realtime')
    trial.run('late', 'interactive', { deadlineMs: 1000 })
    await vi.advanceTimersByTimeAsync(999)
    expect(trial.outcomes.has('late')).toBe(false)
    await vi.advanceTimersByTimeAsync(1)
    expect(trial.outcomes.get('late')).toBe('timeout')
    await trial.finish('running')
    expect(trial.started).toEqual(['running'])
  })

  it('refuses work whose deadline is over though its timer is late, and starts the next one instead', async () => {
    const trial = new TrialWorks()
    trial.run('running', 'realtime')
    trial.run('hopeless', 'realtime', { deadlineMs: 1000 })
    trial.run('next', 'realtime', { deadlineMs: 5000 })
    const now = vi.spyOn(performance, 'now').mockReturnValue(performance.now() + 1000)
    await trial.finish('running')
    now.mockRestore()
    expect(trial.outcomes.get('hopeless')).toBe('timeout')
    expect(trial.started).toEqual(['running', 'next'])
    expect(trial.scheduler.waiting('cpu')).toBe(0)
  })

  it.each([-1, Number.NaN])(
    'answers timeout to work that may wait for %d ms, also when the device is idle',
    async (deadlineMs) => {
      const trial = new TrialWorks()
      trial.run('too late', 'realtime', { deadlineMs })
      await tick()
      expect([trial.started, trial.outcomes.get('too late')]).toEqual([[], 'timeout'])
    },
  )

  it('runs one batch work of a device for the share of the time that it is given, and all again at full share', async () => {
    const trial = new TrialWorks({ cpu: { depth: 3 } })
    trial.scheduler.paceBatch(0.25)
    for (const resource of ['a', 'b', 'c', 'd']) trial.run(resource, 'batch', { resource })
    expect(trial.started).toEqual(['a'])
    await vi.advanceTimersByTimeAsync(100)
    await trial.finish('a')
    trial.run('live', 'realtime', { resource: 'live' })
    await vi.advanceTimersByTimeAsync(299)
    expect(trial.started).toEqual(['a', 'live'])
    await vi.advanceTimersByTimeAsync(1)
    expect(trial.started).toEqual(['a', 'live', 'b'])
    await trial.finish('live')
    trial.scheduler.paceBatch(1)
    expect(trial.started).toEqual(['a', 'live', 'b', 'c'])
  })

  it('sets no timer for a batch work that ends after the scheduler was closed', async () => {
    const trial = new TrialWorks()
    trial.scheduler.paceBatch(0.25)
    trial.run('running', 'batch')
    await vi.advanceTimersByTimeAsync(1000)
    trial.scheduler[Symbol.dispose]()
    await trial.finish('running')
    expect(vi.getTimerCount()).toBe(0)
  })

  it('ends the pause of batch works when the share rises, and when it is closed', async () => {
    const trial = new TrialWorks()
    trial.scheduler.paceBatch(0.5)
    trial.run('first', 'batch')
    trial.run('second', 'batch')
    trial.run('third', 'batch')
    await vi.advanceTimersByTimeAsync(1000)
    await trial.finish('first')
    expect(trial.started).toEqual(['first'])
    trial.scheduler.paceBatch(1)
    expect(trial.started).toEqual(['first', 'second'])
    trial.scheduler.paceBatch(0.5)
    await vi.advanceTimersByTimeAsync(1000)
    await trial.finish('second')
    trial.scheduler[Symbol.dispose]()
    expect(vi.getTimerCount()).toBe(0)
  })

  it('has no deadline for work that runs: that is the work’s own', async () => {
    const trial = new TrialWorks()
    trial.run('long', 'interactive', { deadlineMs: 1000 })
    await vi.advanceTimersByTimeAsync(100_000)
    expect(trial.outcomes.size).toBe(0)
    expect(vi.getTimerCount()).toBe(0)
  })

  it.each([
    ['interactive', 32],
    ['batch', 256],
    ['realtime', 64],
  ] as const)('answers busy to %s work when %i wait', async (priority, most) => {
    const trial = new TrialWorks()
    trial.run('running', priority)
    for (let i = 0; i < most; i++) trial.run(`waiting ${i}`, priority)
    trial.run('one more', priority)
    await tick()
    expect(trial.outcomes).toEqual(new Map([['one more', 'busy']]))
  })

  it('goes on after work that throws instead of starting', async () => {
    const trial = new TrialWorks()
    const start = () => {
      throw new Error('no image')
    }
    const thrown = trial.scheduler.run(
      'realtime',
      { device: 'cpu', resource: 'model', deadlineMs: 1000, start },
      new AbortController().signal,
    )
    trial.run('next', 'realtime')
    await expect(thrown).rejects.toThrow('no image')
    await tick()
    expect(trial.started).toEqual(['next'])
  })

  it('refuses what waits and what comes when it is closed, and lets what runs finish', async () => {
    const trial = new TrialWorks()
    trial.run('running', 'realtime')
    trial.run('waiting', 'realtime')
    trial.scheduler[Symbol.dispose]()
    trial.run('late', 'realtime')
    await trial.finish('running')
    expect(trial.outcomes).toEqual(
      new Map([
        ['waiting', 'closed'],
        ['late', 'closed'],
        ['running', 'running done'],
      ]),
    )
    expect(trial.started).toEqual(['running'])
  })
})

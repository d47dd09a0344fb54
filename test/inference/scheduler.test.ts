import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { Scheduler, type Work } from '../../engine/inference/scheduler.ts'
import type { Priority } from '../../engine/inference/vision.ts'
import { randomNumbers } from '../support/random.ts'

const priorities: readonly Priority[] = ['realtime', 'interactive', 'batch']

/** Work that ends when the test says so, and notes when it started. */
class Trial {
  readonly started: string[] = []
  readonly running = new Set<string>()
  readonly #ends = new Map<string, { answer: (error?: Error) => void; settle: () => void }>()
  readonly scheduler: Scheduler
  readonly outcomes = new Map<string, unknown>()

  constructor(depth?: (resource: string) => number) {
    this.scheduler = new Scheduler(depth)
  }

  run(
    name: string,
    priority: Priority,
    options: { resource?: string; signal?: AbortSignal; deadlineMs?: number } = {},
  ) {
    const { resource = 'model', signal = new AbortController().signal, deadlineMs = 60_000 } = options
    const outcome = this.scheduler.run(priority, this.#work(name, resource, deadlineMs), signal)
    outcome.then(
      (value) => this.outcomes.set(name, value),
      (error: { code?: string; message: string }) => this.outcomes.set(name, error.code ?? error.message),
    )
  }

  /** Answers and gives the resource back. */
  async finish(name: string): Promise<void> {
    this.#ends.get(name)?.answer()
    await this.settle(name)
  }

  /** Answers only: the resource stays taken. */
  async fail(name: string, error: Error): Promise<void> {
    this.#ends.get(name)?.answer(error)
    await tick()
  }

  async settle(name: string): Promise<void> {
    this.running.delete(name)
    this.#ends.get(name)?.settle()
    await tick()
  }

  #work(name: string, resource: string, deadlineMs: number): Work<string> {
    const start = () => {
      this.started.push(name)
      this.running.add(name)
      let settle: () => void = () => undefined
      const settled = new Promise<void>((resolve) => {
        settle = resolve
      })
      const answer = new Promise<string>((resolve, reject) => {
        const end = (error?: Error) => (error ? reject(error) : resolve(`${name} done`))
        this.#ends.set(name, { answer: end, settle })
      })
      return { answer, settled }
    }
    return { resource, deadlineMs, start }
  }
}

async function tick(): Promise<void> {
  await vi.advanceTimersByTimeAsync(0)
}

describe('Scheduler', () => {
  beforeEach(() => {
    vi.useFakeTimers()
  })
  afterEach(() => {
    vi.useRealTimers()
  })

  it('starts realtime before interactive before batch, and in a class the first come first', async () => {
    const trial = new Trial()
    trial.run('running', 'batch')
    for (const name of ['b1', 'i1', 'r1', 'i2', 'r2', 'b2'])
      trial.run(name, priorities.find((one) => one.startsWith(name[0]!))!)
    for (const name of ['running', 'r1', 'r2', 'i1', 'i2', 'b1', 'b2']) await trial.finish(name)
    expect(trial.started).toEqual(['running', 'r1', 'r2', 'i1', 'i2', 'b1', 'b2'])
    expect(trial.outcomes.get('b2')).toBe('b2 done')
  })

  it('does not let one resource wait for another, and keeps to the depth of each', async () => {
    const trial = new Trial((resource) => (resource === 'wide' ? 2 : 1))
    for (const name of ['w1', 'w2', 'w3']) trial.run(name, 'interactive', { resource: 'wide' })
    for (const name of ['n1', 'n2']) trial.run(name, 'interactive', { resource: 'narrow' })
    expect(trial.started).toEqual(['w1', 'w2', 'n1'])
    expect([trial.scheduler.waiting('wide'), trial.scheduler.waiting('narrow')]).toEqual([1, 1])
    await trial.finish('w2')
    expect(trial.started).toEqual(['w1', 'w2', 'n1', 'w3'])
  })

  it('keeps the resource until the work has settled, also when its answer came long before', async () => {
    const trial = new Trial()
    trial.run('slow', 'realtime')
    trial.run('next', 'realtime')
    await trial.fail('slow', new Error('the caller gave up'))
    expect(trial.outcomes.get('slow')).toBe('the caller gave up')
    expect(trial.started).toEqual(['slow'])
    await trial.settle('slow')
    expect(trial.started).toEqual(['slow', 'next'])
  })

  it('never starts work that was cancelled while it waited', async () => {
    const trial = new Trial()
    const caller = new AbortController()
    trial.run('running', 'realtime')
    trial.run('given up', 'interactive', { signal: caller.signal })
    caller.abort()
    await tick()
    expect(trial.outcomes.get('given up')).toBe('cancelled')
    await trial.finish('running')
    expect(trial.started).toEqual(['running'])
  })

  it('answers timeout to work that has waited as long as it may, and starts it never', async () => {
    const trial = new Trial()
    trial.run('running', 'realtime')
    trial.run('late', 'interactive', { deadlineMs: 1000 })
    await vi.advanceTimersByTimeAsync(999)
    expect(trial.outcomes.has('late')).toBe(false)
    await vi.advanceTimersByTimeAsync(1)
    expect(trial.outcomes.get('late')).toBe('timeout')
    await trial.finish('running')
    expect(trial.started).toEqual(['running'])
  })

  it('has no deadline for work that runs: that is the work’s own', async () => {
    const trial = new Trial()
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
    const trial = new Trial()
    trial.run('running', priority)
    for (let i = 0; i < most; i++) trial.run(`waiting ${i}`, priority)
    trial.run('one more', priority)
    await tick()
    expect(trial.outcomes).toEqual(new Map([['one more', 'busy']]))
  })

  it('goes on after work that throws instead of starting', async () => {
    const trial = new Trial()
    const start = () => {
      throw new Error('no image')
    }
    const thrown = trial.scheduler.run(
      'realtime',
      { resource: 'model', deadlineMs: 1000, start },
      new AbortController().signal,
    )
    trial.run('next', 'realtime')
    await expect(thrown).rejects.toThrow('no image')
    await tick()
    expect(trial.started).toEqual(['next'])
  })

  it('refuses what waits and what comes when it is closed, and lets what runs finish', async () => {
    const trial = new Trial()
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

  it('lets no class starve, whatever the order of arrivals', async () => {
    for (let seed = 1; seed <= 40; seed++) await checkBounds(seed)
  })

  it('ends every work exactly once under random arrivals, cancellations and deadlines', async () => {
    for (let seed = 1; seed <= 40; seed++) await checkOutcomes(seed)
  })
})

/** Random arrivals, more than can run: no first one of a class may see more starts of others than promised. */
async function checkBounds(seed: number): Promise<void> {
  const random = randomNumbers(seed)
  const trial = new Trial()
  const waiting: Record<Priority, string[]> = { realtime: [], interactive: [], batch: [] }
  const passed: Record<Priority, number> = { realtime: 0, interactive: 0, batch: 0 }
  const most: Record<Priority, number> = { realtime: 2, interactive: 5, batch: 16 }
  trial.run('0', 'realtime')
  for (let i = 1, seen = 1; i < 300; i++) {
    const priority = priorities[Math.min(2, Math.floor(random() ** 2 * 4))]!
    if (waiting[priority].length < 30) {
      waiting[priority].push(`${i}`)
      trial.run(`${i}`, priority)
    }
    if (random() < 0.4) continue
    await trial.finish(trial.started.at(-1)!)
    for (const name of trial.started.slice(seen)) {
      const of = priorities.find((one) => waiting[one][0] === name)
      expect(of, `seed ${seed}: ${name} is the first of its class`).toBeDefined()
      waiting[of!].shift()
      for (const one of priorities) passed[one] = one === of || waiting[one].length === 0 ? 0 : passed[one] + 1
      for (const one of priorities) if (passed[one] > most[one]) expect.fail(`seed ${seed}: ${one} starved`)
    }
    seen = trial.started.length
  }
}

async function checkOutcomes(seed: number): Promise<void> {
  const random = randomNumbers(seed)
  const trial = new Trial(() => 2)
  const callers: AbortController[] = []
  for (let i = 0; i < 200; i++) {
    const caller = new AbortController()
    callers.push(caller)
    const priority = priorities[Math.floor(random() * 3)]!
    trial.run(`${i}`, priority, {
      resource: `model ${Math.floor(random() * 2)}`,
      signal: caller.signal,
      deadlineMs: 50,
    })
    if (random() < 0.2) callers[Math.floor(random() * i)]?.abort()
    if (random() < 0.3) await vi.advanceTimersByTimeAsync(Math.floor(random() * 40))
    if (random() < 0.6) for (const name of [...trial.running]) if (random() < 0.5) await trial.finish(name)
    expect(trial.running.size).toBeLessThanOrEqual(4)
  }
  while (trial.running.size > 0) for (const name of [...trial.running]) await trial.finish(name)
  expect(trial.outcomes.size, `seed ${seed}`).toBe(200)
  expect(new Set(trial.started).size).toBe(trial.started.length)
  const done = [...trial.outcomes].filter(([name, outcome]) => outcome === `${name} done`).map(([name]) => name)
  expect(done.toSorted()).toEqual(trial.started.toSorted())
  expect([trial.scheduler.waiting('model 0'), trial.scheduler.waiting('model 1'), vi.getTimerCount()]).toEqual([
    0, 0, 0,
  ])
}

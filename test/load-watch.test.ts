import { pino } from 'pino'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { LoadLimits } from '../engine/inference/load-governor.ts'
import { LoadWatch } from '../engine/load-watch.ts'
import type { MachineReading } from '../engine/machine-load.ts'
import { Problems } from '../engine/problems.ts'
import { StillClock } from './support/topic-packets.ts'

/** A watch over a machine that says what the test wants. */
function createWatch() {
  const logged: Record<string, unknown>[] = []
  const log = pino({ base: null }, { write: (line: string) => void logged.push(JSON.parse(line)) })
  const problems = new Problems(new StillClock(), pino({ level: 'silent' }))
  const found: { reading: MachineReading; ranks: number[]; limits?: LoadLimits } = {
    reading: { cpu: 0.5, temperature: 50, hotAt: 80, throttled: false },
    ranks: [16],
  }
  const watch = new LoadWatch({
    machine: { read: async () => found.reading },
    ranks: () => found.ranks,
    limit: (limits) => {
      found.limits = limits
    },
    problems,
    log,
  })
  return { watch, problems, logged, found }
}

describe('LoadWatch', () => {
  beforeEach(() => {
    vi.useFakeTimers()
  })
  afterEach(() => {
    vi.useRealTimers()
  })

  it('slows work and says so once for each step, with what was found', async () => {
    const { watch, logged, found } = createWatch()
    found.reading = { cpu: 0.9, temperature: 60.5, hotAt: 80, throttled: null }
    found.ranks = [20, 5, 20]
    await vi.advanceTimersByTimeAsync(45_000)
    expect(logged).toMatchObject([
      { level: 30, msg: 'the machine is too busy or too hot: work is slowed' },
      { msg: 'the machine is too busy or too hot: work is slowed' },
    ])
    expect(found.limits).toMatchObject({ level: 2, name: 'live', batchShare: 0.25 })
    expect(logged[1]).toMatchObject({ from: 1, to: 2, name: 'live', why: 'cpu', cpu: 0.9, temperature: 60.5 })
    expect(logged[1]).toMatchObject({ batchShare: 0.25, live: { 'priority 5': 0.5 } })
    expect(watch.status).toEqual({ level: 2, name: 'live', cpu: 0.9, temperature: 60.5 })
    found.reading = { cpu: 0.1, temperature: 50, hotAt: 80, throttled: null }
    await vi.advanceTimersByTimeAsync(45_000)
    expect(logged.slice(2)).toMatchObject([
      { from: 2, to: 1, msg: 'work is slowed less' },
      { from: 1, to: 0 },
    ])
    expect(found.limits).toMatchObject({ level: 0, batchShare: 1 })
    watch[Symbol.dispose]()
  })

  it('tells heat as a problem from 80 °C until below 75, and a busy CPU as none', async () => {
    const { watch, problems, found } = createWatch()
    const told = async (temperature: number) => {
      found.reading = { cpu: 1, temperature, hotAt: 80, throttled: null }
      await vi.advanceTimersByTimeAsync(1000)
      return problems.list().map(({ name, detail }) => `${name}: ${detail}`)
    }
    expect(await told(79.9)).toEqual([])
    expect(await told(80.4)).toEqual([
      'heat: The processor is at 80 °C, and slows itself down if this goes on: batch work and live streams are slowed until it is below 75 °C. Give it air or a fan, or run fewer streams',
    ])
    expect(await told(75)).toHaveLength(1)
    expect(await told(74.9)).toEqual([])
    watch[Symbol.dispose]()
  })

  it('tells heat of a machine whose firmware slows it, also without a sensor', async () => {
    const { watch, problems, found } = createWatch()
    found.reading = { cpu: null, temperature: null, hotAt: 80, throttled: true }
    await vi.advanceTimersByTimeAsync(1000)
    expect(problems.list()).toMatchObject([
      { name: 'heat', detail: expect.stringContaining('The processor slows itself down:') },
    ])
    expect(found.limits?.level).toBe(1)
    watch[Symbol.dispose]()
  })

  it('looks no more once it is disposed, and tells nothing of a look that was under way', async () => {
    const { watch, found } = createWatch()
    const look = watch.look()
    watch[Symbol.dispose]()
    await look
    await vi.advanceTimersByTimeAsync(10_000)
    expect(found.limits).toBeUndefined()
    expect(vi.getTimerCount()).toBe(0)
  })
})

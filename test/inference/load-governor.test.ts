import { describe, expect, it } from 'vitest'
import { type LoadChange, LoadGovernor, type LoadSample } from '../../engine/inference/load-governor.ts'

type Seen = Partial<Omit<LoadSample, 'at'>>

/** A governor that is shown one sample a second. */
class Trial {
  readonly governor = new LoadGovernor()
  /** `<second> <from>→<to> <why>` */
  readonly changes: string[] = []
  last: LoadChange | undefined
  #second = 0

  /** For so many seconds. */
  show(seconds: number, { cpu = 0.5, heat = 'cool', ranks = [16] }: Seen): this {
    for (let i = 0; i < seconds; i++) {
      const change = this.governor.take({ at: 1000 * this.#second++, cpu, heat, ranks })
      if (!change) continue
      this.last = change
      this.changes.push(`${this.#second - 1} ${change.from}→${change.limits.level} ${change.why}`)
    }
    return this
  }

  sleep(seconds: number): this {
    this.#second += seconds
    return this
  }

  shares(...ranks: number[]): number[] {
    return ranks.map((rank) => this.governor.limits.shareOf(rank))
  }
}

describe('LoadGovernor', () => {
  it('limits nothing at first, nor while less than 80 % of the CPU is busy', () => {
    const trial = new Trial().show(600, { cpu: 0.79 })
    expect(trial.changes).toEqual([])
    expect(trial.governor.limits).toMatchObject({ level: 0, name: 'normal', batchShare: 1 })
    expect(trial.shares(0, 16, 31)).toEqual([1, 1, 1])
  })

  it('does not mind a busy moment', () => {
    const trial = new Trial()
    for (let i = 0; i < 10; i++) trial.show(10, { cpu: 1 }).show(20, { cpu: 0.5 })
    expect(trial.changes).toEqual([])
  })

  it('slows batch after 20 s above 80 %, then live streams by halves down to a quarter, and no further', () => {
    const trial = new Trial()
    const seen: unknown[] = []
    for (const seconds of [20, 1, 20, 20, 100]) {
      trial.show(seconds, { cpu: 0.9 })
      const { level, name, batchShare } = trial.governor.limits
      seen.push([level, name, batchShare, ...trial.shares(16)])
    }
    expect(seen).toEqual([
      [0, 'normal', 1, 1],
      [1, 'batch', 0.25, 1],
      [2, 'live', 0.25, 0.5],
      [3, 'live', 0.25, 0.25],
      [3, 'live', 0.25, 0.25],
    ])
    expect(trial.changes).toEqual(['20 0→1 cpu', '40 1→2 cpu', '60 2→3 cpu'])
    expect(trial.last?.cpu).toBeCloseTo(0.9)
  })

  it('slows the lowest rank first, each to a quarter before the next, and never rank 31', () => {
    const ranks = [20, 4, 31, 16, 4]
    const trial = new Trial()
    const seen = Array.from({ length: 9 }, () => trial.show(20, { cpu: 1, ranks }).shares(4, 16, 20, 31))
    expect(seen).toEqual([
      [1, 1, 1, 1],
      [1, 1, 1, 1],
      [0.5, 1, 1, 1],
      [0.25, 1, 1, 1],
      [0.25, 0.5, 1, 1],
      [0.25, 0.25, 1, 1],
      [0.25, 0.25, 0.5, 1],
      [0.25, 0.25, 0.25, 1],
      [0.25, 0.25, 0.25, 1],
    ])
  })

  it('slows batch only, where every live stream has rank 31', () => {
    const trial = new Trial().show(200, { cpu: 1, ranks: [31, 31] })
    expect(trial.changes).toEqual(['20 0→1 cpu'])
    expect(trial.shares(31)).toEqual([1])
  })

  it('goes back step by step, 20 s below 70 % each', () => {
    const trial = new Trial().show(61, { cpu: 1 }).show(200, { cpu: 0.69 })
    expect(trial.changes.slice(3)).toEqual(['81 3→2 calm', '101 2→1 calm', '121 1→0 calm'])
    expect(trial.governor.limits).toMatchObject({ level: 0, batchShare: 1 })
  })

  it('stays as it is between 70 and 80 %', () => {
    const trial = new Trial().show(41, { cpu: 1 }).show(600, { cpu: 0.75 })
    expect(trial.changes).toEqual(['20 0→1 cpu', '40 1→2 cpu'])
  })

  it('acts on heat at once, then every 20 s, and goes back once it has been cool for 20 s', () => {
    const trial = new Trial().show(5, {}).show(21, { heat: 'hot' }).show(100, { heat: 'warm' }).show(60, {})
    expect(trial.changes).toEqual(['5 0→1 heat', '25 1→2 heat', '146 2→1 calm', '166 1→0 calm'])
  })

  it('waits longer for the way back each time that it came too early', () => {
    const trial = new Trial()
    const cpuNow = () => (trial.governor.limits.level < 2 ? 0.9 : 0.5)
    for (let i = 0; i < 400; i++) trial.show(1, { cpu: cpuNow() })
    const falls = trial.changes.filter((change) => change.endsWith('calm')).map((change) => Number.parseInt(change, 10))
    const rises = trial.changes.filter((change) => change.includes('1→2')).map((change) => Number.parseInt(change, 10))
    expect(falls.map((at, i) => at - rises[i]!)).toEqual([20, 40, 80, 160].slice(0, falls.length))
    expect(falls.length).toBeGreaterThanOrEqual(3)
  })

  it('slows less at once when the streams that it slowed are gone', () => {
    const trial = new Trial().show(61, { cpu: 1 }).show(1, { cpu: 1, ranks: [] })
    expect(trial.changes.at(-1)).toBe('61 3→1 fewer streams')
  })

  it('slows a stream that comes with a lower rank instead of the one that was slowed', () => {
    const trial = new Trial().show(41, { cpu: 1, ranks: [16] }).show(1, { cpu: 1, ranks: [16, 3] })
    expect(trial.shares(3, 16)).toEqual([0.5, 1])
  })

  it('begins anew after the machine slept', () => {
    const trial = new Trial().show(19, { cpu: 1 }).sleep(3600).show(20, { cpu: 1 })
    expect(trial.changes).toEqual([])
    expect(trial.show(1, { cpu: 1 }).changes).toHaveLength(1)
  })

  it('does without what the machine does not tell', () => {
    const trial = new Trial().show(30, { cpu: null }).show(1, { heat: 'hot', cpu: null })
    expect(trial.changes).toEqual(['30 0→1 heat'])
    expect(trial.last?.cpu).toBeNull()
    expect(trial.show(21, { cpu: null }).governor.limits.level).toBe(0)
  })
})

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { Pace } from '../../engine/inference/pace.ts'

/** A session whose camera gives a frame every `everyMs`, and whose works take `tookMs`; gives the times at which they began. */
async function runSession(
  pace: Pace,
  options: { everyMs: number; tookMs: number; share: () => number; untilMs: number },
) {
  const began: number[] = []
  const { everyMs, tookMs, share, untilMs } = options
  while (performance.now() < untilMs) {
    const held = pace.wait(share())
    if (held) {
      await vi.advanceTimersToNextTimerAsync()
      await held
      continue
    }
    began.push(performance.now())
    pace.begin()
    vi.advanceTimersByTime(tookMs)
    pace.end()
    const nextFrame = Math.ceil(performance.now() / everyMs) * everyMs
    vi.advanceTimersByTime(nextFrame - performance.now())
  }
  return began
}

function gaps(times: readonly number[]): number[] {
  return times.slice(1).map((time, i) => time - times[i]!)
}

describe('Pace', () => {
  beforeEach(() => {
    vi.useFakeTimers()
  })
  afterEach(() => {
    vi.useRealTimers()
  })

  it('holds nothing at full rate, and sets no timer', async () => {
    using pace = new Pace()
    const began = await runSession(pace, { everyMs: 100, tookMs: 20, share: () => 1, untilMs: 1000 })
    expect(new Set(gaps(began))).toEqual(new Set([100]))
    expect(vi.getTimerCount()).toBe(0)
  })

  it.each([
    [0.5, 200],
    [0.25, 400],
  ])('lets a camera’s stream have %d of its usual rate, and all of it again', async (lowered, everyMs) => {
    using pace = new Pace()
    const share = () => (performance.now() >= 1000 && performance.now() < 5000 ? lowered : 1)
    const began = await runSession(pace, { everyMs: 100, tookMs: 20, share, untilMs: 6000 })
    const slowed = began.filter((time) => time > 1000 && time < 5000)
    expect(Math.min(...gaps(slowed))).toBeGreaterThanOrEqual(everyMs - 1)
    expect(slowed.length).toBeGreaterThanOrEqual(4000 / everyMs - 1)
    expect(new Set(gaps(began.filter((time) => time > 5500)))).toEqual(new Set([100]))
  })

  it('spaces works that follow one another by what they take, however slow they have become', async () => {
    using pace = new Pace()
    await runSession(pace, { everyMs: 1, tookMs: 50, share: () => 1, untilMs: 1000 })
    const began = await runSession(pace, { everyMs: 1, tookMs: 200, share: () => 0.5, untilMs: 5000 })
    expect(
      gaps(began)
        .slice(1)
        .every((gap) => gap >= 400 && gap <= 402),
    ).toBe(true)
    expect(began.length).toBeGreaterThan(8)
  })

  it('learns the usual rate of a session that opens while it is slowed, from its first works', async () => {
    using pace = new Pace()
    const began = await runSession(pace, { everyMs: 100, tookMs: 20, share: () => 0.5, untilMs: 2000 })
    expect(gaps(began).slice(0, 4)).toEqual([100, 100, 100, 100])
    expect(Math.min(...gaps(began).slice(4))).toBeGreaterThanOrEqual(199)
  })

  it('slows a session whose works take seconds', async () => {
    using pace = new Pace()
    const began = await runSession(pace, { everyMs: 1, tookMs: 3000, share: () => 0.5, untilMs: 60_000 })
    expect(gaps(began).slice(4)).toEqual(
      gaps(began)
        .slice(4)
        .map(() => 6000),
    )
  })

  it('takes no pause of a stream for its rate', async () => {
    using pace = new Pace()
    await runSession(pace, { everyMs: 100, tookMs: 20, share: () => 1, untilMs: 1000 })
    vi.advanceTimersByTime(60_000)
    await runSession(pace, { everyMs: 100, tookMs: 20, share: () => 1, untilMs: 62_000 })
    expect(pace.wait(0.5)).toBeInstanceOf(Promise)
    const before = performance.now()
    await vi.advanceTimersToNextTimerAsync()
    expect(performance.now() - before).toBeLessThanOrEqual(200)
  })

  it('never holds a stream for more than 5 s', async () => {
    using pace = new Pace()
    await runSession(pace, { everyMs: 100, tookMs: 20, share: () => 1, untilMs: 1000 })
    await runSession(pace, { everyMs: 1, tookMs: 9000, share: () => 1, untilMs: 10_000 })
    const before = performance.now()
    const began = await runSession(pace, { everyMs: 1, tookMs: 10, share: () => 0.25, untilMs: before + 6000 })
    expect(began[0]! - before).toBe(5000)
  })

  it('lets go of who is held when it is disposed', async () => {
    const pace = new Pace()
    await runSession(pace, { everyMs: 100, tookMs: 20, share: () => 1, untilMs: 1000 })
    const held = pace.wait(0.25)
    pace[Symbol.dispose]()
    await held
    expect(vi.getTimerCount()).toBe(0)
  })
})

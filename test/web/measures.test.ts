import { describe, expect, it } from 'vitest'
import { GapCounter, RateMeter, ServerClock } from '../../web/measures.ts'

describe('ServerClock', () => {
  it('gives the latency of a server on the same clock', () => {
    const clock = new ServerClock()
    for (const [at, transit] of [
      [0, 9],
      [100, 1],
      [200, 30],
    ] as const)
      clock.heard(1e6 + at + transit, 1e6 + at)
    expect(clock.latency(1e6 + 200, 1e6 + 250)).toBe(49)
  })

  it('is not fooled by a browser clock that is an hour wrong', () => {
    const clock = new ServerClock()
    const wrong = 3_600_000
    for (const [at, transit] of [
      [0, 9],
      [100, 1],
      [200, 30],
    ] as const)
      clock.heard(1e6 + at + transit + wrong, 1e6 + at)
    expect(clock.latency(1e6 + 200, 1e6 + 250 + wrong)).toBe(49)
  })

  it('follows a clock that drifts or is set right', () => {
    const clock = new ServerClock()
    for (let at = 0; at <= 120_000; at += 1000) clock.heard(1e6 + at + 5 + at / 1000, 1e6 + at)
    expect(clock.latency(1e6 + 120_000, 1e6 + 120_000 + 5 + 120 + 40)).toBeLessThan(110)
  })

  it('knows nothing before the first message', () => {
    expect(new ServerClock().latency(0, 5)).toBeUndefined()
  })
})

describe('RateMeter', () => {
  it('counts events a second and falls to 0 in silence', () => {
    const meter = new RateMeter()
    for (let at = 0; at <= 3000; at += 100) meter.count(at)
    expect(meter.rate(3000)).toBeCloseTo(10)
    expect(meter.rate(6000)).toBe(0)
  })
})

describe('GapCounter', () => {
  it('counts what lies between two numbers, whatever the first one is', () => {
    const gaps = new GapCounter()
    for (const n of [40, 41, 45, 46]) gaps.saw(n)
    expect(gaps.missed).toBe(3)
    gaps.reset()
    for (const n of [0, 2]) gaps.saw(n)
    expect(gaps.missed).toBe(1)
  })
})

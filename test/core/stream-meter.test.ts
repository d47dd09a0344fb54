import { describe, expect, it } from 'vitest'
import { StreamMeter, silenceLimits } from '../../engine/core/stream-meter.ts'

const at = (ms: number) => BigInt(Math.round(ms * 1e6))

/** A meter of an opening at 0 whose packets came at these times, in ms. */
function hear(...times: number[]): StreamMeter {
  const meter = new StreamMeter(0n)
  for (const time of times) meter.add(at(time))
  return meter
}

describe('the packets per second', () => {
  it('stand between two packets, and fall while the next one is late', () => {
    const meter = hear(...Array.from({ length: 21 }, (_, i) => i * 100))
    expect(meter.fps(at(2000))).toBe(10)
    expect(meter.fps(at(2099))).toBe(10)
    expect(meter.fps(at(2500))).toBeLessThan(9)
    expect(meter.fps(at(3500))).toBeLessThan(3)
    expect(meter.fps(at(4200))).toBe(0)
  })

  it('are those of the last 2 s after a change', () => {
    const meter = hear(...Array.from({ length: 31 }, (_, i) => i * 66), 2480, 2980, 3480, 3980)
    expect(meter.fps(at(4100))).toBeCloseTo(2, 1)
  })
})

describe('the limits of silence', () => {
  it.each([
    ['before the first packet', [], { stallMs: 15_000, reopenMs: 15_000 }],
    ['before the second', [100], { stallMs: 1500, reopenMs: 15_000 }],
    ['at 10 per second', [100, 200], { stallMs: 1500, reopenMs: 3000 }],
    ['at 2 per second', [100, 600], { stallMs: 1500, reopenMs: 3000 }],
    ['at 1 every 4 s', [100, 4100], { stallMs: 12_000, reopenMs: 20_000 }],
  ])('%s: early for a source that should talk, one for those that need not', (_, times, limits) => {
    const meter = hear(...times)
    expect(silenceLimits(meter, 'reopen')).toEqual(limits)
    expect(silenceLimits(meter, 'wait')).toEqual({ stallMs: limits.reopenMs, reopenMs: limits.reopenMs })
  })
})

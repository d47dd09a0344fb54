import { describe, expect, it } from 'vitest'
import { StampClock } from '../../engine/core/stamp-clock.ts'

const ms = 1_000_000n
const start = 5_000_000n * ms

/** Frames every 40 ms, whose arrival is `lateMs(i)` after their capture; the source's clock is `driftPpm` slow. */
function run(clock: StampClock, count: number, lateMs: (i: number) => number, driftPpm = 0) {
  return Array.from({ length: count }, (_, i) => {
    const captured = start + BigInt(i) * 40n * ms
    const stamp = BigInt(Math.round(i * 40e6 * (1 - driftPpm / 1e6)))
    const arrivedAt = captured + BigInt(Math.round(lateMs(i) * 1e6))
    return { captured, arrivedAt, mapped: clock.map(stamp, arrivedAt) }
  })
}

const errorMs = ({ mapped, captured }: { mapped: bigint; captured: bigint }) => Number(mapped - captured) / 1e6

describe('StampClock', () => {
  it('gives the time of arrival to frames without a stamp', () => {
    const clock = new StampClock()
    expect([clock.map(null, 100n), clock.map(null, 200n)]).toEqual([100n, 200n])
  })

  it('takes out the jitter of arrivals once it has seen a quick one', () => {
    const frames = run(new StampClock(), 200, (i) => (i % 10 === 3 ? 5 : 30))
    for (const frame of frames.slice(4)) expect(errorMs(frame)).toBe(5)
  })

  it('follows a clock that drifts, over an hour', () => {
    const frames = run(new StampClock(), 90_000, () => 5, 200)
    expect(Math.max(...frames.map((frame) => Math.abs(errorMs(frame) - 5)))).toBeLessThan(13)
  })

  it('never goes back and never passes the arrival', () => {
    let seed = 1
    const random = () => {
      seed = (seed * 48_271) % 2_147_483_647
      return seed / 2_147_483_647
    }
    let arrival = 0
    const clock = new StampClock()
    let last = -1n
    for (let i = 0; i < 5000; i++) {
      const stamp = BigInt(Math.round(random() < 0.01 ? random() * 1e12 : i * 33e6))
      arrival = Math.max(arrival + 1e6, i * 33e6 + random() * 200e6)
      const arrivedAt = start + BigInt(Math.round(arrival))
      const mapped = clock.map(stamp, arrivedAt)
      expect(mapped).toBeGreaterThan(last)
      expect(mapped).toBeLessThanOrEqual(arrivedAt)
      last = mapped
    }
  })

  it.each([
    ['seeks back to its start', 0n],
    ['jumps ahead by more than a second', 3_600_000n * ms],
  ])('starts anew when the source %s', (_, jumpTo) => {
    const clock = new StampClock()
    const before = run(clock, 100, () => 5).at(-1)!
    const later = before.arrivedAt + 40n * ms
    expect(clock.map(jumpTo, later)).toBe(later)
    expect(clock.map(jumpTo + 40n * ms, later + 60n * ms)).toBe(later + 40n * ms)
  })
})

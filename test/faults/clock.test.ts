import { existsSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { ProblemHealth } from '../../engine/routes/health.ts'
import { ImageWatch, type Seen } from '../support/image-watch.ts'
import { startLimitedEngine } from '../support/limited-engine.ts'
import { keepAlive, pipeline, streamOf } from '../support/shortages.ts'
import { until } from '../support/wait.ts'

const hourMs = 3_600_000

/** Debian's faketime, which a program loads and then reads its wall clock through; undefined where it is not installed. */
const fakeTime = readdirSync('/usr/lib')
  .map((folder) => join('/usr/lib', folder, 'faketime/libfaketimeMT.so.1'))
  .find(existsSync)

/** A wall clock of its own for a process: as much off as `set` says last. The monotonic clock stays the machine's. */
function movableClock() {
  const folder = mkdtempSync(join(tmpdir(), 'hailstream-clock-'))
  const file = join(folder, 'offset')
  const clock = {
    offsetMs: 0,
    env: {
      LD_PRELOAD: fakeTime ?? '',
      FAKETIME_TIMESTAMP_FILE: file,
      FAKETIME_NO_CACHE: '1',
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
    },
    set: (offsetMs: number) => {
      writeFileSync(`${file}.new`, `${offsetMs < 0 ? '-' : '+'}${Math.abs(offsetMs) / 1000}`)
      renameSync(`${file}.new`, file)
      clock.offsetMs = offsetMs
    },
    now: () => Date.now() + clock.offsetMs,
    [Symbol.dispose]: () => rmSync(folder, { recursive: true }),
  }
  clock.set(0)
  return clock
}

describe.skipIf(fakeTime === undefined)('the clock set by an hour (with the Debian package faketime)', () => {
  it('is told, and no stream heeds it: times outside follow, ages stay', async () => {
    using clock = movableClock()
    await using engine = await startLimitedEngine({ settings: { pipelines: [pipeline] }, env: clock.env })
    using watch = new ImageWatch(`${engine.socketUrl}/ws/p/camera`)
    const { health, close } = keepAlive(engine.url)
    const offMs = ({ capturedAt }: Seen) => Math.abs(capturedAt - clock.now())
    expect(offMs(await watch.settle())).toBeLessThan(1000)
    expect(await health()).toMatchObject({ status: 'ok', problems: [], clockSteps: 0 })

    const firstAt = performance.now()
    for (const [i, offsetMs] of [hourMs, 0, -hourMs].entries()) {
      clock.set(offsetMs)
      const setAt = performance.now()
      const right = await until('the right time', () => watch.seen.findLast((seen) => offMs(seen) < 1000))
      expect(right.at - setAt).toBeLessThan(2000)
      const now = await health()
      expect(now).toMatchObject({ status: 'degraded', clockSteps: i + 1, problems: [{ name: 'clock' }] })
      const way = offsetMs === hourMs ? 'forward' : 'back'
      const [{ detail, since }] = now.problems as [ProblemHealth]
      expect(detail).toContain(`set ${way} by 3600.0 s`)
      // It began with the first step, told by the clock of now.
      expect(Math.abs(clock.now() - since - (performance.now() - firstAt))).toBeLessThan(2000)
      await watch.next(10)
    }
    expect(streamOf(await health(), 'camera')).toMatchObject({ state: 'live', restarts: 0 })
    for (const { capturedAt, publishedAt } of watch.seen) {
      expect(publishedAt - capturedAt).toBeGreaterThanOrEqual(0)
      expect(publishedAt - capturedAt).toBeLessThan(1000)
    }
    expect([watch.missed, watch.rises]).toEqual([0, true])
    expect(watch.longestGapMs).toBeLessThan(2000)
    const steps = engine.log.filter(({ msg }) => msg.startsWith('the wall clock was set'))
    expect(steps.map(({ byMs }) => Math.round(Number(byMs) / 1000))).toEqual([3600, -3600, -3600])
    close()
  })
})

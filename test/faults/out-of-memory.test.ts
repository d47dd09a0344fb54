import { existsSync, mkdirSync, readFileSync, rmdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { Health } from '../../engine/routes/health.ts'
import { ImageWatch } from '../support/image-watch.ts'
import { startLimitedEngine } from '../support/limited-engine.ts'
import { namesOf, pipeline, streamOf } from '../support/shortages.ts'
import { until } from '../support/wait.ts'

/**
 * Memory of the group that is no process's: what the kernel takes first is reckoned by shares of all, and in a group that has room
 * for one host alone the engine would be it.
 */
const ballastBytes = 256 * 2 ** 20

/** The files of a control group of either version. */
const versions = [
  {
    root: '/sys/fs/cgroup/memory',
    limit: 'memory.limit_in_bytes',
    usage: 'memory.usage_in_bytes',
    noSwap: 'memory.swappiness',
  },
  { root: '/sys/fs/cgroup', limit: 'memory.max', usage: 'memory.current', noSwap: 'memory.swap.max' },
]

/** A control group whose processes share a memory that the test makes short; undefined where none can be made. */
function makeGroup() {
  for (const { root, limit, usage, noSwap } of versions) {
    const folder = join(root, `hailstream-test-${process.pid}`)
    const ballast = `/dev/shm/hailstream-test-${process.pid}`
    const write = (file: string, text: string) => writeFileSync(join(folder, file), text)
    try {
      mkdirSync(folder)
      if (!existsSync(join(folder, limit))) writeFileSync(join(root, 'cgroup.subtree_control'), '+memory')
      write(noSwap, '0')
    } catch {
      // Not root, a container, or the other version.
      if (existsSync(folder)) rmdirSync(folder)
      continue
    }
    const script = `echo $$ > ${folder}/cgroup.procs; head -c ${ballastBytes} /dev/zero > ${ballast}; exec "$@"`
    return {
      node: ['sh', '-c', script, 'sh', process.execPath] as const,
      shorten: (spareBytes: number) =>
        write(limit, String(Number(readFileSync(join(folder, usage), 'utf8')) + spareBytes)),
      lift: () => write(limit, String(2 ** 40)),
      [Symbol.asyncDispose]: async () => {
        rmSync(ballast, { force: true })
        await until('an empty group', () => {
          try {
            rmdirSync(folder)
            return true
          } catch {
            return false
          }
        })
      },
    }
  }
  return undefined
}

type Group = NonNullable<ReturnType<typeof makeGroup>>

const trial = makeGroup()
await trial?.[Symbol.asyncDispose]()

describe.skipIf(trial === undefined)('memory run out (in a control group, which needs root)', () => {
  it('costs hosts, not the engine; is named; every stream is live within 3 s when there is some again', async () => {
    await using group = makeGroup() as Group
    await using engine = await startLimitedEngine({ settings: { pipelines: [pipeline] }, node: group.node })
    using camera = new ImageWatch(`${engine.socketUrl}/ws/p/camera`)
    await camera.settle()
    group.shorten(4 * 2 ** 20)
    using other = new ImageWatch(`${engine.socketUrl}/ws/p/other`)
    const short = await until(
      'the problem',
      async () => {
        const now = await engine.health()
        return namesOf(now).includes('memory') && restartsOf(now) > 0 && now
      },
      30_000,
    )
    expect(short.status).toBe('degraded')
    expect(short.problems[0]?.detail).toMatch(/^The kernel ended \d+ of this machine's processes/)

    group.lift()
    const liftedAt = performance.now()
    await until('both sources', async () => {
      const now = await engine.health()
      return ['camera', 'other'].every((name) => streamOf(now, name)?.state === 'live')
    })
    expect(performance.now() - liftedAt).toBeLessThan(3000)
    await Promise.all([camera.next(5), other.next(5)])
    expect(engine.log.filter(({ problem }) => problem === 'memory')).toHaveLength(1)
  }, 90_000)
})

function restartsOf({ hosts, pipelines }: Health): number {
  const streams = pipelines.flatMap((one) => one.streams)
  return [...hosts, ...streams].reduce((sum, { restarts }) => sum + restarts, 0)
}

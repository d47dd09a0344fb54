import { execFileSync } from 'node:child_process'
import { copyFileSync, linkSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { ImageWatch } from '../support/image-watch.ts'
import { startLimitedEngine } from '../support/limited-engine.ts'
import { parseMetrics, sampleOf } from '../support/metrics.ts'
import { keepAlive, pipeline, streamOf, toldOf } from '../support/shortages.ts'
import { until } from '../support/wait.ts'

/** A shortage for new processes, made and lifted while the engine runs. */
interface Shortage extends Disposable {
  readonly node: readonly [string, ...string[]]
  begin(pid: number): void
  end(pid: number): void
}

/** Less address space for new processes than Node can start with: the engine finds a script that says so where its Node was. */
function littleMemory(): Shortage {
  const folder = mkdtempSync(join(tmpdir(), 'hailstream-node-'))
  const node = join(folder, 'node')
  const put = (make: (path: string) => void) => {
    make(`${node}.new`)
    renameSync(`${node}.new`, node)
  }
  const putNode = (path: string) => {
    try {
      linkSync(process.execPath, path)
    } catch {
      // Another file system, or one without links.
      copyFileSync(process.execPath, path)
    }
  }
  const script = `#!/bin/sh\nulimit -v 300000\nexec '${process.execPath}' "$@"\n`
  put(putNode)
  return {
    node: [node],
    begin: () => put((path) => writeFileSync(path, script, { mode: 0o755 })),
    end: () => put(putNode),
    [Symbol.dispose]: () => rmSync(folder, { recursive: true }),
  }
}

/** No process more for the engine's user. Root has no such limit, so root's engine runs as a user of its own that may read all files. */
function fewProcesses(): Shortage {
  const [user, group] = ['65321', '65321']
  const capabilities = '+dac_override,+dac_read_search'
  const asUser = [
    '--reuid',
    user,
    '--regid',
    group,
    '--clear-groups',
    '--inh-caps',
    capabilities,
    '--ambient-caps',
    capabilities,
  ]
  const prefix = process.getuid?.() === 0 ? ['setpriv', ...asUser] : ['env']
  const limit = (pid: number, count: number) =>
    execFileSync('env', [...prefix, 'prlimit', '--pid', String(pid), `--nproc=${count}:`])
  return {
    node: ['env', ...prefix, process.execPath],
    begin: (pid) => limit(pid, 1),
    end: (pid) => limit(pid, 4096),
    [Symbol.dispose]: () => undefined,
  }
}

describe('no new host', () => {
  it.each([
    { name: 'memory', make: littleMemory, error: /host capture:p\/other to start.*OOM/ },
    { name: 'processes', make: fewProcesses, error: /host capture:p\/other to start.*EAGAIN/ },
  ])('for want of $name is named; others run on, and it comes within 3 s of the end', async ({ name, make, error }) => {
    using shortage = make()
    await using engine = await startLimitedEngine({ settings: { pipelines: [pipeline] }, node: shortage.node })
    const descriptors = () => readdirSync(`/proc/${engine.pid}/fd`).length
    using watch = new ImageWatch(`${engine.socketUrl}/ws/p/camera`)
    const { health, close } = keepAlive(engine.url)
    await watch.settle()
    expect(await health()).toMatchObject({ status: 'ok', problems: [] })
    const before = descriptors()

    shortage.begin(engine.pid)
    const other = new ImageWatch(`${engine.socketUrl}/ws/p/other`)
    const short = await until('four attempts more', async () => {
      const now = await health()
      return (streamOf(now, 'other')?.restarts ?? 0) >= 4 && now
    })
    expect(short.status).toBe('degraded')
    expect(streamOf(short, 'other')).toMatchObject({ state: 'restarting', error: expect.stringMatching(error) })
    expect(short.problems).toEqual([{ name, detail: expect.stringMatching(error), since: expect.any(Number) }])
    const samples = parseMetrics(
      await (await fetch(`${engine.url}/metrics`, { headers: { connection: 'close' } })).text(),
    )
    expect(sampleOf(samples, 'hailstream_problem', { name })).toBe(1)
    await watch.next(5)

    shortage.end(engine.pid)
    const endedAt = performance.now()
    const { at } = await other.next()
    expect(at - endedAt).toBeLessThan(3000)
    expect(await health()).toMatchObject({ status: 'ok', problems: [] })
    expect([watch.missed, watch.rises]).toEqual([0, true])
    expect(streamOf(await health(), 'camera')).toMatchObject({ state: 'live', restarts: 0 })
    expect(toldOf(engine.log, name)).toEqual(['a problem has come', 'the problem is over'])
    other[Symbol.dispose]()
    await until(`${before} descriptors, as before (${descriptors()})`, () => descriptors() === before)
    close()
  })
})

import { mkdtempSync, rmSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { Problems } from '../engine/problems.ts'
import { describeDisk, describeMemory, ResourceWatch } from '../engine/resource-watch.ts'
import { StillClock } from './support/topic-packets.ts'

vi.mock('node:fs/promises', { spy: true })

/** What the files of /proc say from now on; a file that is not told cannot be opened for want of a descriptor. */
function tell(files: Readonly<Record<string, string>>): void {
  vi.mocked(readFile).mockImplementation(async (path) => {
    const text = files[String(path)]
    if (text === undefined) throw Object.assign(new Error('EMFILE'), { code: 'EMFILE' })
    return text
  })
}

afterEach(() => void vi.mocked(readFile).mockReset())

describe('the watch over what can run out', () => {
  it('finds nothing wrong here, also with a state folder that is not there yet', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'hailstream-watch-'))
    const problems = new Problems(new StillClock(), pino({ level: 'silent' }))
    const told: string[] = []
    const stateFolder = join(folder, 'not/yet')
    using watch = new ResourceWatch({ problems, stateFolder, onDescriptors: (are) => void told.push(are) })
    await Promise.all([watch.look(), watch.look()])
    expect(problems.list()).toEqual([])
    expect(told).toEqual(['enough'])
    rmSync(folder, { recursive: true })
  })

  it('tells for a minute that the kernel ended processes since the last look', async () => {
    const clock = new StillClock()
    const problems = new Problems(clock, pino({ level: 'silent' }))
    using watch = new ResourceWatch({ problems, stateFolder: tmpdir(), onDescriptors: () => undefined })
    const look = async (killed: number) => {
      tell({ '/proc/meminfo': 'MemAvailable: 999999 kB\n', '/proc/vmstat': `nr_free 1\noom_kill ${killed}\n` })
      await watch.look()
      return problems.list().flatMap(({ name, detail }) => (name === 'memory' ? [detail] : []))
    }
    expect(await look(7)).toEqual([])
    const told = "The kernel ended 2 of this machine's processes because memory ran out; run fewer streams or models"
    expect(await look(9)).toEqual([told])
    clock.nowNs += 59_999_000_000n
    expect(await look(9)).toEqual([told])
    clock.nowNs += 1_000_000n
    expect(await look(9)).toEqual([])
  })

  it('takes it for a want of descriptors when it cannot look for want of one, and keeps what it knew of memory', async () => {
    const problems = new Problems(new StillClock(), pino({ level: 'silent' }))
    const told: string[] = []
    using watch = new ResourceWatch({ problems, stateFolder: tmpdir(), onDescriptors: (are) => void told.push(are) })
    const limits = 'Max open files            4096                 8192                 files\n'
    const files = { '/proc/meminfo': 'MemAvailable: 1 kB\n', '/proc/vmstat': '', '/proc/self/limits': limits }
    tell(files)
    await watch.look()
    expect(problems.list().map(({ name }) => name)).toEqual(['memory'])
    tell({})
    await watch.look()
    expect(problems.list()).toMatchObject([
      { name: 'memory' },
      { name: 'descriptors', detail: expect.stringContaining('Not one more descriptor can be opened') },
    ])
    tell({ ...files, '/proc/meminfo': 'MemAvailable: 999999 kB\n' })
    await watch.look()
    expect(problems.list()).toEqual([])
    expect(told).toEqual(['enough', 'short', 'enough'])
  })

  it.each([
    [131_072, undefined],
    [131_071, 'Expected 134 MB of memory for another host, found 134 MB; run fewer streams or models'],
    [10_000, 'Expected 134 MB of memory for another host, found 10 MB; run fewer streams or models'],
  ])('with %i kB of memory available says %s', (kilobytes, expected) => {
    expect(describeMemory(`MemTotal: 4 kB\nMemAvailable:   ${kilobytes} kB\nBuffers: 1 kB\n`)).toBe(expected)
  })

  it('says that a file system takes nothing: /proc has no room', async () => {
    expect(await describeDisk('/proc/none')).toBe(
      'Expected 67 MB free on the disk of /proc, found 0 MB; make room there',
    )
  })
})

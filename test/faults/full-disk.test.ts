import { execFileSync } from 'node:child_process'
import {
  appendFileSync,
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  rmSync,
  statfsSync,
  statSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import sharp from 'sharp'
import { describe, expect, it } from 'vitest'
import type { Config } from '../../engine/config.ts'
import { accessRules } from '../../engine/token.ts'
import { ImageWatch } from '../support/image-watch.ts'
import { findFreePort, startLimitedEngine } from '../support/limited-engine.ts'
import { namesOf, pipeline, streamOf, toldOf } from '../support/shortages.ts'
import { silentLog } from '../support/topic-packets.ts'
import { until } from '../support/wait.ts'

const pageBytes = 4096

/** A disk of its own; only root may make one. */
function smallDisk(bytes: number) {
  const folder = mkdtempSync(join(tmpdir(), 'hailstream-disk-'))
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${bytes}`, 'tmpfs', folder])
  const filling = join(folder, 'filling')
  return {
    folder,
    /** Leaves so many bytes, to the page. */
    fill: (leftBytes: number) => {
      const { bavail, bsize } = statfsSync(folder)
      execFileSync('fallocate', ['--length', String(bavail * bsize - leftBytes), filling])
    },
    free: () => rmSync(filling),
    [Symbol.dispose]: () => {
      execFileSync('umount', ['--lazy', folder])
      rmdirSync(folder)
    },
  }
}

const mayMount = process.getuid?.() === 0

describe.skipIf(!mayMount)('a full disk (made by mount, which needs root)', () => {
  it('is named; nothing half-written stays, streams run on, and what failed works once there is room', async () => {
    using disk = smallDisk(160 * 2 ** 20)
    const state = join(disk.folder, 'state')
    const logFile = join(disk.folder, 'log')
    const output = openSync(logFile, 'a')
    const port = await findFreePort()
    const streams = { ...pipeline.streams, clip: { source: 'file', path: join(disk.folder, 'none.avi') } }
    const withBroken = { ...pipeline, streams, publish: ['camera', 'clip'] }
    const env = { HAILSTREAM_STATE: state }
    await using engine = await startLimitedEngine({ settings: { pipelines: [withBroken] }, env, output, port })
    closeSync(output)
    using watch = new ImageWatch(`${engine.socketUrl}/ws/p/camera`)
    await watch.settle()
    const picture = await sharp({ create: { width: 64, height: 64, channels: 3, background: 'grey' } })
      .jpeg()
      .toBuffer()
    const detect = () =>
      fetch(`${engine.url}/api/detect`, { method: 'POST', body: picture, headers: { 'content-type': 'image/jpeg' } })
    expect(await engine.health()).toMatchObject({ status: 'ok', problems: [] })

    // Room for a part of the model, and then for nothing.
    disk.fill(6 * 2 ** 20)
    const cut = await detect()
    expect(cut.status).toBe(503)
    expect(await cut.json()).toMatchObject({
      error: 'unavailable',
      detail: expect.stringMatching(/ENOSPC: no space left on device, write. Make room on that disk/),
    })
    expect(filesBelow(state)).toEqual([])
    disk.free()
    // The last page of the log's file would still take some lines.
    appendFileSync(logFile, '\n'.repeat(pageBytes - (statSync(logFile).size % pageBytes)))
    disk.fill(0)
    const refused = await until('an answer of the disk that has no room', async () => {
      const response = await detect()
      const { error, detail } = (await response.json()) as { error: string; detail: string }
      return detail.includes('received 0 bytes are free') && { status: response.status, error, detail }
    })
    expect(refused).toMatchObject({
      status: 503,
      error: 'unavailable',
      detail: expect.stringContaining(`${state}/models`),
    })
    // A source that breaks off is logged.
    using _broken = new ImageWatch(`${engine.socketUrl}/ws/p/clip`)
    const short = await until('both problems', async () => {
      const now = await engine.health()
      return now.problems.length === 2 && now
    })
    expect(short.status).toBe('degraded')
    expect(namesOf(short).sort()).toEqual(['disk', 'log'])
    expect(short.problems.find(({ name }) => name === 'disk')?.detail).toContain(state)
    expect(filesBelow(state)).toEqual([])
    await watch.next(10)

    disk.free()
    const answer = await until('the model', async () => {
      const response = await detect()
      return response.status === 200 && response
    })
    expect(await answer.json()).toEqual([])
    await until('the size that was learned', () => filesBelow(state).includes('model-sizes.json'))
    const model = expect.stringMatching(/^models\/centernet-mobilenet-\w+\.onnx$/)
    expect(filesBelow(state)).toEqual(['model-sizes.json', model])
    await until('an end of both problems', async () => (await engine.health()).problems.length === 0)
    expect([watch.missed, watch.rises, watch.longestGapMs < 2000]).toEqual([0, true, true])
    expect(streamOf(await engine.health(), 'camera')).toMatchObject({ state: 'live', restarts: 0 })
    const lines = readFileSync(logFile, 'utf8')
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line))
    for (const name of ['disk', 'log']) {
      expect(toldOf(lines, name)).toEqual(['a problem has come', 'the problem is over'])
    }
  })
})

describe.skipIf(!mayMount)('a token made on a full disk (made by mount, which needs root)', () => {
  it('is refused, and leaves no empty file that would stand in its way when there is room', () => {
    using disk = smallDisk(2 ** 20)
    const listen = { access: 'token-unless-loopback', origins: [], host: '0.0.0.0', tokenFile: null }
    const config = { listen, token: null, state: join(disk.folder, 'state') } as unknown as Config
    mkdirSync(config.state)
    disk.fill(0)
    expect(() => accessRules(config, silentLog)).toThrow(/token: ENOSPC.*Make room there/)
    expect(filesBelow(config.state)).toEqual([])
    disk.free()
    expect(accessRules(config, silentLog).token).toMatch(/^[\w-]{32}$/)
    expect(filesBelow(config.state)).toEqual(['token'])
  })
})

/** Without the database of jobs, which is there from the start and grows with its log. */
function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !entry.name.startsWith('jobs.sqlite'))
    .map(({ parentPath, name }) => join(parentPath, name).slice(folder.length + 1))
}

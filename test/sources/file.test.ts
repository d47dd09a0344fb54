import { spawn } from 'node:child_process'
import { mkdtempSync, renameSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import source from '../../engine/sources/file.ts'
import { createCaptures, watch } from '../support/captures.ts'
import { hasTestData, testData } from '../support/data.ts'
import { until } from '../support/wait.ts'

const { pool, hosts, tools } = createCaptures()
const folder = mkdtempSync(join(tmpdir(), 'hailstream-file-'))
/** 20 pictures of 320×240, 2 s long, with a quote and spaces in its name. */
const clip = join(folder, 'a "short" clip %41.avi')
const open = (options: object, own = tools()) => source.open(source.options.parse(options), own)

beforeAll(async () => {
  const caps = 'video/x-raw,width=320,height=240,framerate=10/1'
  const parts = ['videotestsrc', 'num-buffers=20', '!', caps, '!', 'jpegenc', '!', 'avimux', '!', 'filesink']
  const made = spawn('gst-launch-1.0', ['-q', ...parts, 'location=made.avi'], { cwd: folder, stdio: 'inherit' })
  const status = await new Promise((resolve) => made.once('exit', resolve))
  expect(status).toBe(0)
  renameSync(join(folder, 'made.avi'), clip)
})

afterAll(async () => {
  await hosts[Symbol.asyncDispose]()
  expect(pool.ledger.stats()).toMatchObject({ free: 16, leaked: 0, staleLoans: 0 })
  pool.memory.close()
  rmSync(folder, { recursive: true })
})

describe('the file source', () => {
  it.skipIf(!hasTestData)('gives every frame of a file at pace max, then says that it ended', async () => {
    const own = tools()
    const watched = watch(
      open({ path: testData('media/one-by-one-person-detection.mp4'), pace: 'max', loop: false }, own),
    )
    await until('the end', () => watched.error !== undefined, 25_000)
    expect(watched.error).toMatchObject({ code: 'unavailable', message: 'The source ended' })
    expect(own.edge.counts).toMatchObject({ in: 1394, out: 1394, dropped: 0 })
    expect(watched.seen).toHaveLength(1394)
    expect(watched.seen[0]).toMatchObject({ width: 768, height: 432, format: 'i420' })
  })

  it('begins again at its end, and seq and time go on', async () => {
    const watched = watch(open({ path: clip, pace: 'max' }))
    await until('three rounds', () => watched.seen.length >= 60)
    watched.close()
    expect(watched.seen.map(({ seq }) => seq)).toEqual(watched.seen.map((_, i) => i))
    for (const [i, frame] of watched.seen.entries())
      if (i > 0) expect(frame.capturedAt).toBeGreaterThan(watched.seen[i - 1]!.capturedAt)
  })

  it('keeps the pace of its timestamps', async () => {
    const watched = watch(open({ path: clip, loop: false }))
    await until('the end', () => watched.error !== undefined)
    const { seen } = watched
    const tookMs = Number(seen.at(-1)!.capturedAt - seen[0]!.capturedAt) / 1e6
    expect(tookMs).toBeGreaterThan(1500)
    expect(tookMs).toBeLessThan(2500)
    expect(seen.length).toBeGreaterThanOrEqual(15)
  })

  it('waits at pace max while nobody gives slots back, and loses nothing', async () => {
    const own = tools()
    const kept: Disposable[] = []
    let keep = true
    const subscription = open({ path: clip, pace: 'max' }, own).subscribe((packet) => {
      kept.push(packet)
      if (!keep) packet[Symbol.dispose]()
    })
    await until('full slots', () => kept.length === 12)
    keep = false
    for (const packet of [...kept]) packet[Symbol.dispose]()
    await until('more', () => kept.length > 40)
    subscription.unsubscribe()
    expect(own.edge.counts).toMatchObject({ in: kept.length, dropped: 0 })
  })

  it('scales and thins out', async () => {
    const watched = watch(open({ path: clip, pace: 'max', loop: false, size: '160x120', rate: 5, format: 'rgb' }))
    await until('the end', () => watched.error !== undefined)
    expect(watched.seen[0]).toMatchObject({ width: 160, height: 120, format: 'rgb', bytes: 57_600 })
    expect(watched.seen.length).toBeGreaterThanOrEqual(9)
    expect(watched.seen.length).toBeLessThanOrEqual(13)
  })

  it('names a file that is not there, and one that is no video', async () => {
    const missing = watch(open({ path: join(folder, 'none.mp4') }))
    expect(missing.error).toMatchObject({ code: 'not-found', message: expect.stringContaining('none.mp4') })
    const text = watch(open({ path: 'package.json' }))
    await until('the error', () => text.error !== undefined)
    expect(text.error).toMatchObject({ code: 'unavailable' })
    expect(hosts.statuses()).toEqual([])
  })
})

import { readdirSync, readFileSync } from 'node:fs'
import { afterAll, afterEach, describe, expect, it } from 'vitest'
import source from '../../engine/sources/test.ts'
import { createCaptures, watch } from '../support/captures.ts'
import { readCounter } from '../support/counter.ts'
import { until } from '../support/wait.ts'

const { pool, hosts, tools } = createCaptures()
const options = (given: object = {}) => source.options.parse(given)
const idle = () => pool.ledger.stats().free === 16

/** Packets that a test does not dispose of at once. */
const kept: Disposable[] = []
function letGo(): void {
  for (const packet of kept.splice(0)) packet[Symbol.dispose]()
}

afterEach(letGo)
afterAll(async () => {
  await hosts[Symbol.asyncDispose]()
  expect(pool.ledger.stats()).toMatchObject({ free: 16, leaked: 0, staleLoans: 0 })
  pool.memory.close()
})

describe('the test source', () => {
  it('gives frames with rising times that lie before their arrival, and counts every one', async () => {
    const own = tools()
    const watched = watch(source.open(options({ pattern: 'ball' }), own))
    await until('60 frames', () => watched.seen.length >= 60)
    watched.close()
    const { seen } = watched
    expect(seen[0]).toMatchObject({ seq: 0, width: 640, height: 480, format: 'i420', bytes: 460_800 })
    expect(seen.map(({ seq }) => seq)).toEqual(seen.map((_, i) => i))
    for (const [i, frame] of seen.entries()) {
      expect(frame.capturedAt).toBeLessThan(frame.seenAt)
      if (i > 0) expect(frame.capturedAt).toBeGreaterThan(seen[i - 1]!.capturedAt)
    }
    const gaps = seen.slice(1).map((frame, i) => Number(frame.capturedAt - seen[i]!.capturedAt) / 1e6)
    expect(gaps.sort((a, b) => a - b)[Math.floor(gaps.length / 2)]).toBeCloseTo(33.3, 0)
    const { counts } = own.edge
    expect(counts.out).toBe(seen.length)
    expect(counts.in).toBe(counts.out + counts.dropped)
    await until('all slots back', idle)
  })

  it('draws each packet’s number into its picture', async () => {
    const numbers: (number | undefined)[] = []
    const watched = watch(source.open(options({ pattern: 'counter', size: '1280x720' }), tools()), (packet) => {
      const { slot, width } = packet.payload.image
      const row = pool.memory.read(slot, 0, width * 32)
      numbers.push(readCounter((x, y) => row[y * width + x] ?? 0, width))
    })
    await until('20 frames', () => watched.seen.length >= 20)
    watched.close()
    expect(numbers).toEqual(watched.seen.map(({ seq }) => seq))
  })

  it('skips and counts frames while nobody gives slots back', async () => {
    const own = tools()
    const subscription = source.open(options({ rate: 60 }), own).subscribe((packet) => void kept.push(packet))
    await until('all slots taken', () => kept.length === 12)
    const before = own.edge.counts.dropped
    await until('losses', () => own.edge.counts.dropped >= before + 10)
    const { counts } = own.edge
    expect(counts).toMatchObject({ in: 12 + counts.dropped, out: 12 })
    letGo()
    await until('frames again', () => kept.length > 0)
    subscription.unsubscribe()
    letGo()
    await until('all slots back', idle)
  })

  it('has at most its share of the slots while another source is open', async () => {
    const other = watch(source.open(options({ size: '64x64', rate: 5 }), tools('other')))
    await until('the other', () => other.seen.length > 0)
    const own = tools()
    const subscription = source.open(options({ rate: 60 }), own).subscribe((packet) => void kept.push(packet))
    await until('losses', () => own.edge.counts.dropped >= 10)
    const before = other.seen.length
    await until('the other goes on', () => other.seen.length > before + 1)
    expect(kept.length).toBeLessThanOrEqual(8)
    subscription.unsubscribe()
    other.close()
    letGo()
    await until('all slots back', idle)
  })

  it('fails when its host is killed, gets its slots back, and gives frames again when opened again', async () => {
    const own = tools()
    const stream = source.open(options(), own)
    for (let round = 0; round < 3; round++) {
      const before = own.edge.counts.out
      const watched = watch(stream)
      await until('frames', () => watched.seen.length > round * 7)
      process.kill(hosts.statuses()[0]!.pid!, 'SIGKILL')
      await until('the error', () => watched.error !== undefined)
      expect(watched.error).toMatchObject({ code: 'unavailable' })
      expect(watched.seen[0]!.seq).toBe(before)
      await until('all slots back', idle)
    }
    expect(hosts.statuses()).toEqual([])
  })

  it('leaves no descriptor, child or slot behind after twenty openings', async () => {
    const fds = () => readdirSync('/proc/self/fd').length
    const children = () => readFileSync(`/proc/self/task/${process.pid}/children`, 'utf8').split(' ').length
    const stream = source.open(options({ size: '64x64' }), tools())
    const once = async () => {
      const watched = watch(stream)
      await until('a frame', () => watched.seen.length > 0)
      watched.close()
      await until('its end', () => idle())
    }
    await once()
    const before = [fds(), children()]
    for (let i = 0; i < 20; i++) await once()
    await until('all descriptors back', () => fds() <= before[0]!)
    expect(children()).toBe(before[1])
  }, 60_000)

  it.each([
    [{ rate: 0 }, 'Expected rate to be 1 to 120, received 0'],
    [{ size: '10x10' }, 'Expected size to be like 1280x720, 16 to 8192 pixels a side, received "10x10"'],
    [{ size: 5 }, 'Expected size to be like 1280x720, received 5'],
  ])('refuses %j', (given, message) => {
    expect(source.options.safeParse(given).error?.issues.map((issue) => issue.message)).toEqual([message])
  })

  it.each([{ pattern: 'counter', size: '320x240' }, { pattern: 'counter', format: 'rgb' }, { size: '1920x1080' }])(
    'does not open %j',
    (given) => {
      expect(() => source.open(options(given), tools())).toThrow(/Expected/)
    },
  )
})

import { beforeEach, describe, expect, it } from 'vitest'
import { Residency, type ResidencyEvent, type ResidencyOptions } from '../../engine/inference/residency.ts'
import type { Lease } from '../../engine/inference/resident.ts'
import { FakeHost, FakeTimers, settle } from '../support/fake-models.ts'

const never = new AbortController().signal
const use = { priority: 'interactive', user: 'POST /api/detect' } as const

let timers: FakeTimers
let host: FakeHost
let events: string[]
beforeEach(() => {
  timers = new FakeTimers()
  host = new FakeHost()
  events = []
})

function open(options: Partial<ResidencyOptions> = {}): Residency {
  const onEvent = (event: ResidencyEvent) =>
    void events.push(`${event.what} ${event.model.name}${event.what === 'unloaded' ? ` ${event.why}` : ''}`)
  return new Residency({ budget: () => 100, pinned: [], keepAlive: -1, timers, onEvent, ...options })
}

/** Uses a model for a moment. */
async function touch(residency: Residency, name: string, bytes: number): Promise<void> {
  using _ = await residency.acquire(host.model(name, bytes), use, never)
  await timers.advance(1)
}

const loaded = (residency: Residency) =>
  residency.status().flatMap(({ name, state }) => (state === 'loaded' ? [name] : []))

/** A promise and its end. */
function gate(): { readonly held: Promise<void>; readonly open: () => void } {
  let open: () => void = () => undefined
  const held = new Promise<void>((resolve) => {
    open = resolve
  })
  return { held, open }
}

describe('keep-alive', () => {
  it('unloads a model so many seconds after its last use', async () => {
    const residency = open({ keepAlive: 5 })
    await touch(residency, 'a', 40)
    await timers.advance(3000)
    await touch(residency, 'a', 40)
    expect(residency.statusOf('a')).toMatchObject({ idleMs: 0, keepAlive: 5, expiresInMs: 5000 })
    await timers.advance(4999)
    expect(host.log).toEqual(['+a'])
    await timers.advance(1)
    expect([host.log, events.at(-1)]).toEqual([['+a', '-a'], 'unloaded a idle'])
    expect(timers.pending).toBe(0)
  })

  it('does not count while somebody uses it', async () => {
    const residency = open({ keepAlive: 5 })
    const lease = await residency.acquire(host.model('a', 40), use, never)
    await timers.advance(60_000)
    expect(residency.statusOf('a')).toMatchObject({ state: 'loaded', expiresInMs: null, idleMs: 0 })
    lease[Symbol.dispose]()
    await timers.advance(5000)
    expect(host.log).toEqual(['+a', '-a'])
  })

  it('of 0 unloads with the last lease', async () => {
    const residency = open({ keepAlive: 0 })
    const [first, second] = [1, 2].map(() => residency.acquire(host.model('a', 40), use, never))
    ;(await first!)[Symbol.dispose]()
    await settle()
    expect(host.log).toEqual(['+a'])
    ;(await second!)[Symbol.dispose]()
    await settle()
    expect(host.log).toEqual(['+a', '-a'])
  })

  it('changes for one model, until that is unloaded', async () => {
    const residency = open()
    await touch(residency, 'a', 40)
    await touch(residency, 'b', 40)
    residency.keepAlive('a', 10)
    residency.keepAlive('unknown', 10)
    await timers.advance(10_000)
    expect(loaded(residency)).toEqual(['b'])
    await touch(residency, 'a', 40)
    expect(residency.statusOf('a').keepAlive).toBe(-1)
    residency.keepAlive('a', 0)
    await settle()
    expect(loaded(residency)).toEqual(['b'])
  })

  it('begins with the first use of a preloaded model', async () => {
    const residency = open({ keepAlive: 5 })
    await residency.preload(host.model('a', 40), 'batch')
    await timers.advance(60_000)
    expect(residency.statusOf('a')).toMatchObject({ state: 'loaded', idleMs: null, expiresInMs: null })
    await touch(residency, 'a', 40)
    await timers.advance(5000)
    expect(host.log).toEqual(['+a', '-a'])
  })

  it('longer than any timer holds', async () => {
    const residency = open({ keepAlive: 3_000_000 })
    await touch(residency, 'a', 40)
    await timers.advance(2 ** 31)
    expect(loaded(residency)).toEqual(['a'])
    await timers.advance(3_000_000_000 - 2 ** 31)
    expect(loaded(residency)).toEqual([])
  })

  it('is not heeded by a model that was taken into use again while it waited to leave', async () => {
    const residency = open({ keepAlive: 5 })
    await touch(residency, 'a', 40)
    const { held, open: go } = gate()
    host.held = held
    const other = residency.acquire(host.model('b', 40), use, never)
    await timers.advance(5000)
    using _ = residency.lease('a', 'x') as Lease
    go()
    ;(await other)[Symbol.dispose]()
    await settle()
    expect(loaded(residency)).toContain('a')
  })
})

describe('unloading on request', () => {
  it('says whether there was something to unload, and what came free', async () => {
    const residency = open()
    await touch(residency, 'a', 40)
    expect(await residency.unload('a')).toEqual({ unloaded: true, bytes: 40 })
    expect(await residency.unload('a')).toEqual({ unloaded: false, bytes: 0 })
    expect(await residency.unload('never')).toEqual({ unloaded: false, bytes: 0 })
  })

  it('is refused while somebody uses the model, who is named', async () => {
    const residency = open()
    using _ = await residency.acquire(host.model('a', 40), { priority: 'realtime', user: 'demo/objects' }, never)
    await expect(residency.unload('a')).rejects.toMatchObject({
      code: 'conflict',
      message: expect.stringContaining('in use by demo/objects'),
    })
    expect(loaded(residency)).toEqual(['a'])
  })

  it('waits for the load that is under way', async () => {
    const residency = open()
    const { held, open: go } = gate()
    host.held = held
    const preloaded = residency.preload(host.model('a', 40), 'batch')
    await settle()
    await expect(residency.unload('a')).rejects.toMatchObject({ code: 'conflict' })
    go()
    await preloaded
    expect(await residency.unload('a')).toMatchObject({ unloaded: true })
  })
})

describe('the death of a host', () => {
  it('strikes what it had from the books, and tells in which order to bring it back', async () => {
    const residency = open({ pinned: ['pinned'], budget: () => null, keepAlive: 5 })
    for (const name of ['pinned', 'old', 'new']) await touch(residency, name, 10)
    const lease = await residency.acquire(host.model('used', 10), use, never)
    host.kill()
    expect(residency.dropLost()).toEqual(['used', 'pinned', 'new', 'old'])
    expect([residency.use('host'), residency.dropLost()]).toEqual([{ used: 0, total: null, models: 0 }, []])
    expect([timers.pending, residency.statusOf('used').users]).toEqual([0, [use.user]])
    await residency.preload(host.model('used', 10), 'batch')
    expect(residency.statusOf('used')).toMatchObject({ state: 'loaded', users: [use.user] })
    lease[Symbol.dispose]()
    lease[Symbol.dispose]()
  })

  it('does not keep a model from being loaded anew before it was noticed', async () => {
    const residency = open()
    await touch(residency, 'a', 40)
    host.kill()
    expect(residency.lease('a', 'x')).toBeUndefined()
    await touch(residency, 'a', 40)
    expect(host.log).toEqual(['+a', 'killed', '+a'])
    expect(residency.dropLost()).toEqual([])
    expect(residency.use('host').used).toBe(40)
  })
})

import { beforeEach, describe, expect, it } from 'vitest'
import { EngineError } from '../../engine/errors.ts'
import { isShortage } from '../../engine/inference/eviction.ts'
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

describe('Residency', () => {
  it('loads once for all who ask at once, and gives each a lease', async () => {
    const residency = open()
    const asked = [1, 2, 3].map(() => residency.acquire(host.model('a', 40), use, never))
    const leases = await Promise.all(asked)
    expect(host.log).toEqual(['+a'])
    expect(residency.statusOf('a')).toMatchObject({ state: 'loaded', bytes: 40, users: Array(3).fill(use.user) })
    for (const lease of leases) lease[Symbol.dispose]()
    leases[0]![Symbol.dispose]()
    expect(residency.statusOf('a').users).toEqual([])
    expect(residency.use('host')).toEqual({ used: 40, total: 100, models: 1 })
  })

  it('gives a lease at once on what is loaded, and none on what is not', async () => {
    const residency = open()
    expect(residency.lease('a', 'demo/objects')).toBeUndefined()
    await touch(residency, 'a', 40)
    using lease = residency.lease('a', 'demo/objects')
    expect([lease?.model, residency.statusOf('a').users]).toEqual(['a', ['demo/objects']])
  })

  it('evicts the least recently used model and nothing else for one that does not fit', async () => {
    const residency = open()
    for (const name of ['a', 'b', 'c']) await touch(residency, name, 30)
    await touch(residency, 'a', 30)
    await touch(residency, 'd', 30)
    expect(host.log).toEqual(['+a', '+b', '+c', '-b', '+d'])
    expect(events.slice(3)).toEqual(['unloaded b evicted', 'loaded d'])
    await touch(residency, 'b', 30)
    expect(host.log.slice(5)).toEqual(['-c', '+b'])
  })

  it('never evicts what is in use, and refuses with what holds the memory', async () => {
    const residency = open()
    const lease = await residency.acquire(host.model('a', 60), { priority: 'realtime', user: 'demo/objects' }, never)
    const refused = residency.acquire(host.model('b', 60), use, never)
    await expect(refused).rejects.toMatchObject({ code: 'busy', message: expect.stringContaining('demo/objects') })
    expect(isShortage(await refused.catch((error: unknown) => error), 'now')).toBe(true)
    expect([host.log, events]).toEqual([['+a'], ['loaded a', 'refused b']])
    expect(residency.statusOf('b').users).toEqual([])
    lease[Symbol.dispose]()
    await touch(residency, 'b', 60)
    expect(host.log).toEqual(['+a', '-a', '+b'])
  })

  it('never evicts a pinned model for another, but unloads it for somebody who says so', async () => {
    const residency = open({ pinned: ['a'], keepAlive: 5 })
    await touch(residency, 'a', 60)
    await timers.advance(60_000)
    await expect(residency.acquire(host.model('b', 60), use, never)).rejects.toMatchObject({ code: 'busy' })
    expect(await residency.unload('a')).toEqual({ unloaded: true, bytes: 60 })
    expect(loaded(residency)).toEqual([])
  })

  it('knows better after a load: evicts others for a model that took more than was expected', async () => {
    const residency = open()
    for (const name of ['a', 'b']) await touch(residency, name, 30)
    host.real.set('c', 60)
    await touch(residency, 'c', 30)
    expect([loaded(residency), residency.use('host').used]).toEqual([['b', 'c'], 90])
  })

  it('unloads and refuses a model that took more than there is, and leaves all others alone', async () => {
    const residency = open()
    using _ = await residency.acquire(host.model('a', 30), use, never)
    await touch(residency, 'b', 30)
    host.real.set('c', 80)
    await expect(residency.acquire(host.model('c', 30), use, never)).rejects.toMatchObject({ code: 'busy' })
    host.real.set('d', 200)
    const refused = residency.acquire(host.model('d', 30), use, never).catch((error: unknown) => error)
    expect(isShortage(await refused, 'ever')).toBe(true)
    expect([loaded(residency).sort(), residency.use('host').used]).toEqual([['a', 'b'], 60])
    expect(events).toContain('unloaded d too-large')
  })

  it('keeps the books of each memory apart', async () => {
    const residency = open({ budget: (memory) => (memory === 'host' ? 100 : 50) })
    await touch(residency, 'a', 90)
    using _ = await residency.acquire(host.model('b', 40, 'device'), use, never)
    expect([residency.use('host').used, residency.use('device').used]).toEqual([90, 40])
    const refused = residency.acquire(host.model('c', 60, 'device'), use, never)
    await expect(refused).rejects.toThrow('models.budget.device')
    expect(loaded(residency)).toEqual(['a', 'b'])
  })

  it('has no bound where there is no budget', async () => {
    const residency = open({ budget: () => null })
    for (const name of ['a', 'b', 'c']) await touch(residency, name, 1000)
    expect(loaded(residency)).toHaveLength(3)
  })

  it('loads a live stream’s model before a request’s, and that before a preloaded one', async () => {
    const residency = open({ budget: () => null })
    const { held, open: go } = gate()
    host.held = held
    const asked: Promise<unknown>[] = [
      residency.preload(host.model('first', 1), 'batch'),
      residency.preload(host.model('preloaded', 1), 'batch'),
      residency.acquire(host.model('request', 1), use, never),
      residency.acquire(host.model('live', 1), { ...use, priority: 'realtime' }, never),
    ]
    await settle()
    expect([residency.waiting, residency.statusOf('first').state]).toEqual([3, 'loading'])
    go()
    await Promise.all(asked)
    expect(host.log).toEqual(['+first', '+live', '+request', '+preloaded'])
  })

  it('lets a caller go who gives up, drops a load that nobody wants, and finishes one that has begun', async () => {
    const residency = open()
    const { held, open: go } = gate()
    host.held = held
    const caller = new AbortController()
    const running = residency.acquire(host.model('a', 30), use, caller.signal)
    const waiting = residency.acquire(host.model('b', 30), use, caller.signal)
    const other = residency.acquire(host.model('c', 30), use, caller.signal)
    const patient = residency.acquire(host.model('c', 30), use, never)
    const outcomes = Promise.allSettled([running, waiting, other])
    await settle()
    caller.abort()
    const cancelled = { status: 'rejected', reason: { code: 'cancelled' } }
    expect(await outcomes).toMatchObject([cancelled, cancelled, cancelled])
    go()
    using _ = await patient
    expect(host.log).toEqual(['+a', '+c'])
    expect([residency.statusOf('a').users, residency.statusOf('c').users.length]).toEqual([[], 1])
    await expect(residency.acquire(host.model('d', 1), use, caller.signal)).rejects.toMatchObject({ code: 'cancelled' })
    expect(residency.waiting).toBe(0)
  })

  it('tells all who wait why a load failed, and tries again for the next who asks', async () => {
    const residency = open()
    host.failures.set('a', new EngineError('invalid', 'corrupt'))
    const asked = [1, 2].map(() => residency.acquire(host.model('a', 40), use, never))
    for (const one of asked) await expect(one).rejects.toMatchObject({ code: 'invalid' })
    expect(residency.use('host')).toMatchObject({ used: 0, models: 0 })
    host.failures.clear()
    await touch(residency, 'a', 40)
    expect(host.log).toEqual(['+a'])
  })

  it('refuses what waits when it is closed, and leaves no timer', async () => {
    const residency = open({ keepAlive: 5 })
    await touch(residency, 'a', 40)
    using lease = residency.lease('a', 'x') as Lease
    await touch(residency, 'b', 40)
    const { held, open: go } = gate()
    host.held = held
    const running = residency.acquire(host.model('c', 10), use, never)
    const waiting = residency.acquire(host.model('d', 10), use, never)
    await settle()
    residency[Symbol.dispose]()
    await expect(waiting).rejects.toMatchObject({ code: 'closed' })
    go()
    ;(await running)[Symbol.dispose]()
    lease[Symbol.dispose]()
    expect(timers.pending).toBe(0)
    await expect(residency.acquire(host.model('e', 1), use, never)).rejects.toMatchObject({ code: 'closed' })
  })
})

import { beforeEach, describe, expect, it } from 'vitest'
import { EngineError } from '../../engine/errors.ts'
import { isShortage } from '../../engine/inference/eviction.ts'
import type { Lease } from '../../engine/inference/resident.ts'
import { gate, loadedModels, ResidencyTrial, request, settle } from '../support/fake-models.ts'

const never = new AbortController().signal

let trial: ResidencyTrial
beforeEach(() => {
  trial = new ResidencyTrial()
})

describe('Residency', () => {
  it('loads once for all who ask at once, and gives each a lease', async () => {
    const residency = trial.open()
    const asked = [1, 2, 3].map(() => residency.acquire(trial.host.model('a', 40), request, never))
    const leases = await Promise.all(asked)
    expect(trial.host.log).toEqual(['+a'])
    expect(residency.statusOf('a')).toMatchObject({ state: 'loaded', bytes: 40, users: Array(3).fill(request.user) })
    for (const lease of leases) lease[Symbol.dispose]()
    leases[0]![Symbol.dispose]()
    expect(residency.statusOf('a').users).toEqual([])
    expect(residency.use('host')).toEqual({ used: 40, total: 100, models: 1 })
  })

  it('says that its books of a memory are not what is there while a model is loaded', async () => {
    const residency = trial.open()
    const { held, open } = gate()
    trial.host.held = held
    const asked = residency.acquire(trial.host.model('a', 40), request, never)
    await settle()
    expect([residency.isChanging('host'), residency.isChanging('device')]).toEqual([true, false])
    open()
    await asked
    expect(residency.isChanging('host')).toBe(false)
  })

  it('gives a lease at once on what is loaded, and none on what is not', async () => {
    const residency = trial.open()
    expect(residency.lease('a', 'demo/objects')).toBeUndefined()
    await trial.touch(residency, 'a', 40)
    using lease = residency.lease('a', 'demo/objects')
    expect([lease?.model, residency.statusOf('a').users]).toEqual(['a', ['demo/objects']])
  })

  it('evicts the least recently used model and nothing else for one that does not fit', async () => {
    const residency = trial.open()
    for (const name of ['a', 'b', 'c']) await trial.touch(residency, name, 30)
    await trial.touch(residency, 'a', 30)
    await trial.touch(residency, 'd', 30)
    expect(trial.host.log).toEqual(['+a', '+b', '+c', '-b', '+d'])
    expect(trial.events.slice(3)).toEqual(['unloaded b evicted', 'loaded d'])
    await trial.touch(residency, 'b', 30)
    expect(trial.host.log.slice(5)).toEqual(['-c', '+b'])
  })

  it('never evicts what is in request, and refuses with what holds the memory', async () => {
    const residency = trial.open()
    const lease = await residency.acquire(
      trial.host.model('a', 60),
      { priority: 'realtime', user: 'demo/objects' },
      never,
    )
    const refused = residency.acquire(trial.host.model('b', 60), request, never)
    await expect(refused).rejects.toMatchObject({ code: 'busy', message: expect.stringContaining('demo/objects') })
    expect(isShortage(await refused.catch((error: unknown) => error), 'now')).toBe(true)
    expect([trial.host.log, trial.events]).toEqual([['+a'], ['loaded a', 'refused b']])
    expect(residency.statusOf('b').users).toEqual([])
    lease[Symbol.dispose]()
    await trial.touch(residency, 'b', 60)
    expect(trial.host.log).toEqual(['+a', '-a', '+b'])
  })

  it('never evicts a pinned model for another, but unloads it for somebody who says so', async () => {
    const residency = trial.open({ pinned: ['a'], keepAlive: 5 })
    await trial.touch(residency, 'a', 60)
    await trial.timers.advance(60_000)
    await expect(residency.acquire(trial.host.model('b', 60), request, never)).rejects.toMatchObject({ code: 'busy' })
    expect(await residency.unload('a')).toEqual({ unloaded: true, bytes: 60 })
    expect(loadedModels(residency)).toEqual([])
  })

  it('knows better after a load: evicts others for a model that took more than was expected', async () => {
    const residency = trial.open()
    for (const name of ['a', 'b']) await trial.touch(residency, name, 30)
    trial.host.real.set('c', 60)
    await trial.touch(residency, 'c', 30)
    expect([loadedModels(residency), residency.use('host').used]).toEqual([['b', 'c'], 90])
  })

  it('unloads and refuses a model that took more than there is, and leaves all others alone', async () => {
    const residency = trial.open()
    using _ = await residency.acquire(trial.host.model('a', 30), request, never)
    await trial.touch(residency, 'b', 30)
    trial.host.real.set('c', 80)
    await expect(residency.acquire(trial.host.model('c', 30), request, never)).rejects.toMatchObject({ code: 'busy' })
    trial.host.real.set('d', 200)
    const refused = residency.acquire(trial.host.model('d', 30), request, never).catch((error: unknown) => error)
    expect(isShortage(await refused, 'ever')).toBe(true)
    expect([loadedModels(residency).sort(), residency.use('host').used]).toEqual([['a', 'b'], 60])
    expect(trial.events).toContain('unloaded d too-large')
  })

  it('keeps the books of each memory apart', async () => {
    const residency = trial.open({ budget: (memory) => (memory === 'host' ? 100 : 50) })
    await trial.touch(residency, 'a', 90)
    using _ = await residency.acquire(trial.host.model('b', 40, 'device'), request, never)
    expect([residency.use('host').used, residency.use('device').used]).toEqual([90, 40])
    const refused = residency.acquire(trial.host.model('c', 60, 'device'), request, never)
    await expect(refused).rejects.toThrow('models.budget.device')
    expect(loadedModels(residency)).toEqual(['a', 'b'])
  })

  it('has no bound where there is no budget', async () => {
    const residency = trial.open({ budget: () => null })
    for (const name of ['a', 'b', 'c']) await trial.touch(residency, name, 1000)
    expect(loadedModels(residency)).toHaveLength(3)
  })

  it('loads a live stream’s model before a request’s, and that before a preloaded one', async () => {
    const residency = trial.open({ budget: () => null })
    const { held, open: go } = gate()
    trial.host.held = held
    const asked: Promise<unknown>[] = [
      residency.preload(trial.host.model('first', 1), 'batch'),
      residency.preload(trial.host.model('preloaded', 1), 'batch'),
      residency.acquire(trial.host.model('request', 1), request, never),
      residency.acquire(trial.host.model('live', 1), { ...request, priority: 'realtime' }, never),
    ]
    await settle()
    expect([residency.waiting, residency.statusOf('first').state]).toEqual([3, 'loading'])
    go()
    await Promise.all(asked)
    expect(trial.host.log).toEqual(['+first', '+live', '+request', '+preloaded'])
  })

  it('lets a caller go who gives up, drops a load that nobody wants, and finishes one that has begun', async () => {
    const residency = trial.open()
    const { held, open: go } = gate()
    trial.host.held = held
    const caller = new AbortController()
    const running = residency.acquire(trial.host.model('a', 30), request, caller.signal)
    const waiting = residency.acquire(trial.host.model('b', 30), request, caller.signal)
    const other = residency.acquire(trial.host.model('c', 30), request, caller.signal)
    const patient = residency.acquire(trial.host.model('c', 30), request, never)
    const outcomes = Promise.allSettled([running, waiting, other])
    await settle()
    caller.abort()
    const cancelled = { status: 'rejected', reason: { code: 'cancelled' } }
    expect(await outcomes).toMatchObject([cancelled, cancelled, cancelled])
    go()
    using _ = await patient
    expect(trial.host.log).toEqual(['+a', '+c'])
    expect([residency.statusOf('a').users, residency.statusOf('c').users.length]).toEqual([[], 1])
    await expect(residency.acquire(trial.host.model('d', 1), request, caller.signal)).rejects.toMatchObject({
      code: 'cancelled',
    })
    expect(residency.waiting).toBe(0)
  })

  it('tells all who wait why a load failed, and tries again for the next who asks', async () => {
    const residency = trial.open()
    trial.host.failures.set('a', new EngineError('invalid', 'corrupt'))
    const asked = [1, 2].map(() => residency.acquire(trial.host.model('a', 40), request, never))
    for (const one of asked) await expect(one).rejects.toMatchObject({ code: 'invalid' })
    expect(residency.use('host')).toMatchObject({ used: 0, models: 0 })
    trial.host.failures.clear()
    await trial.touch(residency, 'a', 40)
    expect(trial.host.log).toEqual(['+a'])
  })

  it('refuses what waits when it is closed, and leaves no timer', async () => {
    const residency = trial.open({ keepAlive: 5 })
    await trial.touch(residency, 'a', 40)
    using lease = residency.lease('a', 'x') as Lease
    await trial.touch(residency, 'b', 40)
    const { held, open: go } = gate()
    trial.host.held = held
    const running = residency.acquire(trial.host.model('c', 10), request, never)
    const waiting = residency.acquire(trial.host.model('d', 10), request, never)
    await settle()
    residency[Symbol.dispose]()
    await expect(waiting).rejects.toMatchObject({ code: 'closed' })
    go()
    ;(await running)[Symbol.dispose]()
    lease[Symbol.dispose]()
    expect(trial.timers.pending).toBe(0)
    await expect(residency.acquire(trial.host.model('e', 1), request, never)).rejects.toMatchObject({ code: 'closed' })
  })
})

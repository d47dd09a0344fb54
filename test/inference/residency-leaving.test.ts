import { beforeEach, describe, expect, it } from 'vitest'
import type { Lease } from '../../engine/inference/resident.ts'
import { gate, loadedModels, ResidencyTrial, request, settle } from '../support/fake-models.ts'

const never = new AbortController().signal

let trial: ResidencyTrial
beforeEach(() => {
  trial = new ResidencyTrial()
})

describe('keep-alive', () => {
  it('unloads a model so many seconds after its last use', async () => {
    const residency = trial.open({ keepAlive: 5 })
    await trial.touch(residency, 'a', 40)
    await trial.timers.advance(3000)
    await trial.touch(residency, 'a', 40)
    expect(residency.statusOf('a')).toMatchObject({ idleMs: 0, keepAlive: 5, expiresInMs: 5000 })
    await trial.timers.advance(4999)
    expect(trial.host.log).toEqual(['+a'])
    await trial.timers.advance(1)
    expect([trial.host.log, trial.events.at(-1)]).toEqual([['+a', '-a'], 'unloaded a idle'])
    expect(trial.timers.pending).toBe(0)
  })

  it('does not count while somebody uses it', async () => {
    const residency = trial.open({ keepAlive: 5 })
    const lease = await residency.acquire(trial.host.model('a', 40), request, never)
    await trial.timers.advance(60_000)
    expect(residency.statusOf('a')).toMatchObject({ state: 'loaded', expiresInMs: null, idleMs: 0 })
    lease[Symbol.dispose]()
    await trial.timers.advance(5000)
    expect(trial.host.log).toEqual(['+a', '-a'])
  })

  it('of 0 unloads with the last lease', async () => {
    const residency = trial.open({ keepAlive: 0 })
    const [first, second] = [1, 2].map(() => residency.acquire(trial.host.model('a', 40), request, never))
    ;(await first!)[Symbol.dispose]()
    await settle()
    expect(trial.host.log).toEqual(['+a'])
    ;(await second!)[Symbol.dispose]()
    await settle()
    expect(trial.host.log).toEqual(['+a', '-a'])
  })

  it('changes for one model, until that is unloaded', async () => {
    const residency = trial.open()
    await trial.touch(residency, 'a', 40)
    await trial.touch(residency, 'b', 40)
    residency.keepAlive('a', 10)
    residency.keepAlive('unknown', 10)
    await trial.timers.advance(10_000)
    expect(loadedModels(residency)).toEqual(['b'])
    await trial.touch(residency, 'a', 40)
    expect(residency.statusOf('a').keepAlive).toBe(-1)
    residency.keepAlive('a', 0)
    await settle()
    expect(loadedModels(residency)).toEqual(['b'])
  })

  it('begins with the first use of a preloaded model', async () => {
    const residency = trial.open({ keepAlive: 5 })
    await residency.preload(trial.host.model('a', 40), 'batch')
    await trial.timers.advance(60_000)
    expect(residency.statusOf('a')).toMatchObject({ state: 'loaded', idleMs: null, expiresInMs: null })
    await trial.touch(residency, 'a', 40)
    await trial.timers.advance(5000)
    expect(trial.host.log).toEqual(['+a', '-a'])
  })

  it('longer than any timer holds', async () => {
    const residency = trial.open({ keepAlive: 3_000_000 })
    await trial.touch(residency, 'a', 40)
    await trial.timers.advance(2 ** 31)
    expect(loadedModels(residency)).toEqual(['a'])
    await trial.timers.advance(3_000_000_000 - 2 ** 31)
    expect(loadedModels(residency)).toEqual([])
  })

  it('is not heeded by a model that was taken into use again while it waited to leave', async () => {
    const residency = trial.open({ keepAlive: 5 })
    await trial.touch(residency, 'a', 40)
    const { held, open: go } = gate()
    trial.host.held = held
    const other = residency.acquire(trial.host.model('b', 40), request, never)
    await trial.timers.advance(5000)
    using _ = residency.lease('a', 'x') as Lease
    go()
    ;(await other)[Symbol.dispose]()
    await settle()
    expect(loadedModels(residency)).toContain('a')
  })
})

describe('unloading on request', () => {
  it('says whether there was something to unload, and what came free', async () => {
    const residency = trial.open()
    await trial.touch(residency, 'a', 40)
    expect(await residency.unload('a')).toEqual({ unloaded: true, bytes: 40 })
    expect(await residency.unload('a')).toEqual({ unloaded: false, bytes: 0 })
    expect(await residency.unload('never')).toEqual({ unloaded: false, bytes: 0 })
  })

  it('is refused while somebody uses the model, who is named', async () => {
    const residency = trial.open()
    using _ = await residency.acquire(trial.host.model('a', 40), { priority: 'realtime', user: 'demo/objects' }, never)
    await expect(residency.unload('a')).rejects.toMatchObject({
      code: 'conflict',
      message: expect.stringContaining('in use by demo/objects'),
    })
    expect(loadedModels(residency)).toEqual(['a'])
  })

  it('waits for the load that is under way', async () => {
    const residency = trial.open()
    const { held, open: go } = gate()
    trial.host.held = held
    const preloaded = residency.preload(trial.host.model('a', 40), 'batch')
    await settle()
    await expect(residency.unload('a')).rejects.toMatchObject({ code: 'conflict' })
    go()
    await preloaded
    expect(await residency.unload('a')).toMatchObject({ unloaded: true })
  })
})

describe('the death of a host', () => {
  it('strikes what it had from the books, and tells in which order to bring it back', async () => {
    const residency = trial.open({ pinned: ['pinned'], budget: () => null, keepAlive: 5 })
    for (const name of ['pinned', 'old', 'new']) await trial.touch(residency, name, 10)
    const lease = await residency.acquire(trial.host.model('used', 10), request, never)
    trial.host.kill()
    expect(residency.dropLost()).toEqual(['used', 'pinned', 'new', 'old'])
    expect([residency.use('host'), residency.dropLost()]).toEqual([{ used: 0, total: null, models: 0 }, []])
    expect([trial.timers.pending, residency.statusOf('used').users]).toEqual([0, [request.user]])
    await residency.preload(trial.host.model('used', 10), 'batch')
    expect(residency.statusOf('used')).toMatchObject({ state: 'loaded', users: [request.user] })
    lease[Symbol.dispose]()
    lease[Symbol.dispose]()
  })

  it('does not keep a model from being loaded anew before it was noticed', async () => {
    const residency = trial.open()
    await trial.touch(residency, 'a', 40)
    trial.host.kill()
    expect(residency.lease('a', 'x')).toBeUndefined()
    await trial.touch(residency, 'a', 40)
    expect(trial.host.log).toEqual(['+a', 'killed', '+a'])
    expect(residency.dropLost()).toEqual([])
    expect(residency.use('host').used).toBe(40)
  })
})

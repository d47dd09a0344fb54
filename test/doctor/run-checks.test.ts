import { afterEach, describe, expect, it, vi } from 'vitest'
import { ok } from '../../engine/doctor/finding.ts'
import { runChecks } from '../../engine/doctor/run-checks.ts'
import { configure } from '../support/doctor.ts'
import { fakeSystem, healthyPi } from '../support/fake-system.ts'

const system = fakeSystem(healthyPi())
const good = { name: 'good', look: async () => [ok('good', 'fine')] }
afterEach(() => void vi.useRealTimers())

describe('the checks of the doctor', () => {
  it('go on when one crashes, and tell of it', async () => {
    const look = () => Promise.reject(new TypeError('x is not a function'))
    const found = await runChecks([{ name: 'bad', look }, good], system, configure())
    const detail = 'This could not be looked at: x is not a function'
    expect(found).toEqual([
      { check: 'bad', state: 'warning', detail, fix: expect.stringMatching(/^Run hailstream doctor again, as root/) },
      ok('good', 'fine'),
    ])
  })

  it('go on when one does not end, after its deadline', async () => {
    vi.useFakeTimers()
    const hanging = { name: 'hangs', deadlineMs: 5000, look: () => new Promise<never>(() => undefined) }
    const found = runChecks([hanging, good], system, configure())
    await vi.advanceTimersByTimeAsync(4999)
    let over = false
    void found.then(() => (over = true))
    await vi.advanceTimersByTimeAsync(0)
    expect(over).toBe(false)
    await vi.advanceTimersByTimeAsync(1)
    const detail = 'This could not be looked at: no answer within 5 s'
    expect(await found).toMatchObject([{ check: 'hangs', state: 'warning', detail }, { check: 'good' }])
    expect(vi.getTimerCount()).toBe(0)
  })
})

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { RecentLook } from '../../engine/inference/recent-look.ts'

/** Looks that end when they are told to, in the order in which they began. */
function slowLooks() {
  const ends: ((found: string | Error) => void)[] = []
  const look = () =>
    new Promise<string>((resolve, reject) => {
      ends.push((found) => (found instanceof Error ? reject(found) : resolve(found)))
    })
  return { ends, look: new RecentLook(look, { freshMs: 1000, patienceMs: 25, staleMs: 60_000 }) }
}

beforeEach(() => vi.useFakeTimers())
afterEach(() => vi.useRealTimers())

describe('a recent look', () => {
  it('lets the first who ask wait for one look together', async () => {
    const { ends, look } = slowLooks()
    const answers = [look.recent(), look.fresh(), look.recent()]
    await vi.advanceTimersByTimeAsync(5000)
    expect(ends).toHaveLength(1)
    ends[0]?.('first')
    expect(await Promise.all(answers)).toEqual(['first', 'first', 'first'])
  })

  it('does not look again while what was found is fresh', async () => {
    const { ends, look } = slowLooks()
    const answer = look.fresh()
    ends[0]?.('first')
    await answer
    vi.advanceTimersByTime(999)
    expect(await look.recent()).toBe('first')
    expect(await look.fresh()).toBe('first')
    expect(ends).toHaveLength(1)
  })

  it('gives what was found last while a new look takes long, and the new after it', async () => {
    const { ends, look } = slowLooks()
    const answer = look.fresh()
    ends[0]?.('first')
    await answer
    vi.advanceTimersByTime(1000)
    const impatient = look.recent()
    const patient = look.fresh()
    await vi.advanceTimersByTimeAsync(25)
    expect(await impatient).toBe('first')
    expect(ends).toHaveLength(2)
    ends[1]?.('second')
    expect(await patient).toBe('second')
    expect(await look.recent()).toBe('second')
    expect(vi.getTimerCount()).toBe(0)
  })

  it('gives what a quick new look finds, also for lists', async () => {
    const { ends, look } = slowLooks()
    const answer = look.fresh()
    ends[0]?.('first')
    await answer
    vi.advanceTimersByTime(1000)
    const next = look.recent()
    ends[1]?.('second')
    expect(await next).toBe('second')
    expect(vi.getTimerCount()).toBe(0)
  })

  it('waits for a new look once what was found is stale', async () => {
    const { ends, look } = slowLooks()
    const answer = look.fresh()
    ends[0]?.('first')
    await answer
    vi.advanceTimersByTime(60_001)
    const next = look.recent()
    await vi.advanceTimersByTimeAsync(1000)
    ends[1]?.('second')
    expect(await next).toBe('second')
  })

  it('forgets what was found, and what a look finds that began before', async () => {
    const { ends, look } = slowLooks()
    const before = look.fresh()
    look.forget()
    const after = look.fresh()
    ends[1]?.('after')
    ends[0]?.('before')
    expect(await Promise.all([before, after])).toEqual(['before', 'after'])
    vi.advanceTimersByTime(1000)
    const next = look.recent()
    await vi.advanceTimersByTimeAsync(25)
    expect(await next).toBe('after')
  })

  it('tells who decides what went wrong, and shows lists what was found before', async () => {
    const { ends, look } = slowLooks()
    const answer = look.fresh()
    ends[0]?.('first')
    await answer
    vi.advanceTimersByTime(1000)
    const list = look.recent()
    await vi.advanceTimersByTimeAsync(25)
    expect(await list).toBe('first')
    const decision = look.fresh()
    ends[1]?.(new Error('no disk'))
    await expect(decision).rejects.toThrow('no disk')
  })
})

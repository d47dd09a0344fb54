import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { ImagePool, type SlotLoan } from '../../engine/core/image-pool.ts'
import type { ImageSpec, PooledImage } from '../../engine/core/packet.ts'

const spec: ImageSpec = { width: 2, height: 2, format: 'rgb', bytes: 16 }
const never = new AbortController().signal

function fill(pool: ImagePool, borrower = 'camera#1'): PooledImage {
  const image = pool.filled((pool.lend(borrower) as SlotLoan).loan, spec)
  if (image === undefined) throw new Error('a fresh loan is stale')
  return image
}

describe('ImagePool', () => {
  it('lends a slot, takes it back filled, and frees it with the last release', () => {
    const pool = new ImagePool({ slots: 2, reserve: 0 })
    const lent = pool.lend('camera#1') as SlotLoan
    expect(pool.stats()).toMatchObject({ free: 1, lent: 1, held: 0 })
    const image = pool.filled(lent.loan, spec) as PooledImage
    expect(image).toMatchObject({ ...spec, slot: lent.slot })
    image.hold()
    image.release()
    expect(pool.stats()).toMatchObject({ free: 1, lent: 0, held: 1 })
    image.release()
    expect(pool.stats()).toMatchObject({ free: 2, lent: 0, held: 0 })
  })

  it('throws on a hold or a release after the last one', () => {
    const pool = new ImagePool({ slots: 1, reserve: 0 })
    const image = fill(pool)
    image.release()
    expect(() => image.release()).toThrow(/once too often/)
    expect(() => image.hold()).toThrow(/after its last release/)
    expect(() => pool.lendFilled(image, 'vision#1')).toThrow(/after its release/)
    expect(pool.stats()).toMatchObject({ free: 1 })
  })

  it('keeps the reserve from sources and gives it to requests', () => {
    const pool = new ImagePool({ slots: 6, reserve: 4 })
    expect(pool.lend('camera#1')).toBeDefined()
    expect(pool.lend('camera#1')).toBeDefined()
    expect(pool.lend('camera#1')).toBeUndefined()
    expect(pool.lend('request', { fromReserve: true })).toBeDefined()
    expect(pool.stats()).toMatchObject({ free: 3, lent: 3 })
  })

  it('holds a slot that a host reads until the loan is settled, whoever released it before', () => {
    const pool = new ImagePool({ slots: 1, reserve: 0 })
    const image = fill(pool)
    const read = pool.lendFilled(image, 'vision#1')
    image.release()
    expect(pool.lend('camera#1')).toBeUndefined()
    pool.settle(read.loan)
    expect(pool.lend('camera#1')).toBeDefined()
  })

  it('ignores and counts stale loans', () => {
    const pool = new ImagePool({ slots: 2, reserve: 0 })
    const lent = pool.lend('camera#1') as SlotLoan
    pool.reap('camera#1')
    expect(pool.filled(lent.loan, spec)).toBeUndefined()
    pool.settle(lent.loan)
    const image = fill(pool, 'camera#2')
    const read = pool.lendFilled(image, 'vision#1')
    expect(pool.filled(read.loan, spec)).toBeUndefined()
    expect(pool.stats()).toMatchObject({ free: 1, held: 1, staleLoans: 3 })
  })

  it('ends all loans of a reaped borrower, and lends to that name no more', async () => {
    const pool = new ImagePool({ slots: 4, reserve: 0 })
    const image = fill(pool)
    pool.lendFilled(image, 'vision#1')
    pool.lend('vision#1')
    pool.lend('vision#2')
    image.release()
    pool.reap('vision#1')
    expect(pool.stats()).toMatchObject({ free: 3, lent: 1, held: 0 })
    expect(pool.lend('vision#1')).toBeUndefined()
    await expect(pool.acquire('vision#1', 1, never, 1000)).rejects.toMatchObject({ code: 'unavailable' })
    const other = fill(pool)
    expect(() => pool.lendFilled(other, 'vision#1')).toThrow(/vision#1 has exited/)
  })

  it('tells listeners of free slots in turns', () => {
    const pool = new ImagePool({ slots: 1, reserve: 0 })
    const got: string[] = []
    const lend = (name: string) => () => {
      const lent = pool.lend(name)
      if (lent !== undefined) got.push(name)
      return lent
    }
    const first = lend('a#1')() as SlotLoan
    pool.onFree(lend('a#1'))
    const remove = pool.onFree(lend('b#1'))
    let loan = first.loan
    for (let i = 0; i < 3; i++) pool.settle(loan++)
    remove()
    pool.settle(loan)
    expect(got).toEqual(['a#1', 'a#1', 'b#1', 'a#1', 'a#1'])
  })

  it('refuses a pool without slots beyond its reserve', () => {
    expect(() => new ImagePool({ slots: 4 })).toThrow(/Expected more slots than the 4 in reserve, received 4/)
  })
})

describe('ImagePool.acquire', () => {
  beforeEach(() => {
    vi.useFakeTimers()
  })
  afterEach(() => {
    expect(vi.getTimerCount()).toBe(0)
    vi.useRealTimers()
  })

  it('lends all at once when they are free', async () => {
    const pool = new ImagePool({ slots: 4, reserve: 2 })
    const loans = await pool.acquire('request', 3, never, 1000)
    expect(new Set(loans.map(({ slot }) => slot)).size).toBe(3)
    expect(pool.stats()).toMatchObject({ free: 1, lent: 3 })
  })

  it('serves first come first, also when a later one needs less, and before any source', async () => {
    const pool = new ImagePool({ slots: 3, reserve: 0 })
    const held = [fill(pool), fill(pool), fill(pool)]
    const order: string[] = []
    const first = pool.acquire('a', 2, never, 1000).then((loans) => order.push('a') && loans)
    const second = pool.acquire('b', 1, never, 1000).then((loans) => order.push('b') && loans)
    held[0]?.release()
    expect(pool.lend('camera#1')).toBeUndefined()
    expect(pool.lend('other', { fromReserve: true })).toBeUndefined()
    held[1]?.release()
    held[2]?.release()
    await Promise.all([first, second])
    expect(order).toEqual(['a', 'b'])
    expect(pool.stats()).toMatchObject({ free: 0, lent: 3 })
  })

  it('times out, and gives the next one its turn', async () => {
    const pool = new ImagePool({ slots: 2, reserve: 0 })
    const image = fill(pool)
    const large = expect(pool.acquire('a', 2, never, 50)).rejects.toMatchObject({ code: 'timeout' })
    const small = pool.acquire('b', 1, never, 1000)
    await vi.advanceTimersByTimeAsync(50)
    await large
    await expect(small).resolves.toHaveLength(1)
    image.release()
  })

  it('is cancelled by the signal, before and while it waits', async () => {
    const pool = new ImagePool({ slots: 1, reserve: 0 })
    const image = fill(pool)
    await expect(pool.acquire('a', 1, AbortSignal.abort(), 50)).rejects.toMatchObject({ code: 'cancelled' })
    const controller = new AbortController()
    const waiting = pool.acquire('a', 1, controller.signal, 50)
    controller.abort()
    await expect(waiting).rejects.toMatchObject({ code: 'cancelled' })
    image.release()
    expect(pool.stats()).toMatchObject({ free: 1 })
  })

  it('is busy when 16 wait, and invalid for more slots than there are', async () => {
    const pool = new ImagePool({ slots: 1, reserve: 0 })
    const image = fill(pool)
    const waiting = Array.from({ length: 16 }, (_, i) =>
      pool.acquire(`r#${i}`, 1, new AbortController().signal, 1000).catch(() => 'left'),
    )
    await expect(pool.acquire('late', 1, never, 1000)).rejects.toMatchObject({ code: 'busy' })
    await expect(pool.acquire('large', 2, never, 1000)).rejects.toMatchObject({ code: 'invalid' })
    await vi.advanceTimersByTimeAsync(1000)
    expect(await Promise.all(waiting)).toEqual(Array(16).fill('left'))
    image.release()
  })

  it('fails as unavailable when its borrower is reaped', async () => {
    const pool = new ImagePool({ slots: 1, reserve: 0 })
    const image = fill(pool)
    const waiting = expect(pool.acquire('vision#1', 1, never, 1000)).rejects.toMatchObject({ code: 'unavailable' })
    pool.reap('vision#1')
    await waiting
    image.release()
    expect(pool.stats()).toMatchObject({ free: 1 })
  })
})

describe('ImagePool and the garbage collector', () => {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void

  async function collectUntil(done: () => boolean, rounds = 100): Promise<void> {
    for (let i = 0; i < rounds && !done(); i++) {
      collect()
      await new Promise((resolve) => setImmediate(resolve))
    }
  }

  it('takes back the slot of a lost image and counts it', async () => {
    const pool = new ImagePool({ slots: 2, reserve: 0 })
    const kept = fill(pool)
    ;(() => void fill(pool).hold())()
    await collectUntil(() => pool.stats().leaked > 0)
    expect(pool.stats()).toMatchObject({ free: 1, held: 1, leaked: 1 })
    kept.release()
    expect(pool.stats()).toMatchObject({ free: 2, leaked: 1 })
  })

  it('leaves a lost image to the host that reads it', async () => {
    const pool = new ImagePool({ slots: 1, reserve: 0 })
    const read = (() => pool.lendFilled(fill(pool), 'vision#1'))()
    await collectUntil(() => pool.stats().leaked > 0)
    expect(pool.stats()).toMatchObject({ free: 0, held: 1, leaked: 1 })
    pool.settle(read.loan)
    expect(pool.stats()).toMatchObject({ free: 1, held: 0 })
  })

  it('counts no image that was released', async () => {
    const pool = new ImagePool({ slots: 1, reserve: 0 })
    ;(() => fill(pool).release())()
    await collectUntil(() => false, 5)
    expect(pool.stats()).toMatchObject({ free: 1, leaked: 0 })
  })
})

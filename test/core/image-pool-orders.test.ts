import { describe, expect, it } from 'vitest'
import { ImagePool, type SlotLoan } from '../../engine/core/image-pool.ts'
import type { ImageSpec, PooledImage } from '../../engine/core/packet.ts'
import { seededPick } from '../support/random.ts'

const spec: ImageSpec = { width: 2, height: 2, format: 'rgb', bytes: 16 }

/** Plays a random order against the pool and against a plain model of who owns which slot. */
async function playRandomOrder(seed: number): Promise<void> {
  const pick = seededPick(seed)
  const slots = 3 + pick(6)
  const pool = new ImagePool({ slots, reserve: pick(3) })
  const writes = new Map<number, { slot: number; borrower: string }>()
  const reads = new Map<number, { image: PooledImage; borrower: string }>()
  const holds = new Map<PooledImage, number>()
  const ended: number[] = []
  const controllers: AbortController[] = []
  const requests: Promise<void>[] = []
  let generation = 0
  const borrower = () => `host${pick(3)}#${generation}`
  const any = <T>(items: Iterable<T>): T | undefined => {
    const all = [...items]
    return all[pick(Math.max(1, all.length))]
  }
  const take = (name: string, loan: SlotLoan | undefined) => {
    if (loan !== undefined) writes.set(loan.loan, { slot: loan.slot, borrower: name })
  }
  const end = (loan: number | undefined, from: Map<number, unknown>) => {
    if (loan === undefined) return
    from.delete(loan)
    ended.push(loan)
    pool.settle(loan)
  }
  const change = (image: PooledImage | undefined, by: 1 | -1) => {
    if (image === undefined) return
    const count = (holds.get(image) as number) + by
    if (count === 0) holds.delete(image)
    else holds.set(image, count)
    if (by === 1) image.hold()
    else image.release()
  }
  const actions: (() => void)[] = [
    () => {
      const name = borrower()
      take(name, pool.lend(name, { fromReserve: pick(2) === 0 }))
    },
    () => {
      const loan = any(writes.keys())
      if (loan === undefined) return
      writes.delete(loan)
      ended.push(loan)
      const image = pool.filled(loan, spec)
      expect(image, `seed ${seed}`).toBeDefined()
      holds.set(image as PooledImage, 1)
    },
    () => change(any(holds.keys()), 1),
    () => change(any(holds.keys()), -1),
    () => {
      const image = any(holds.keys())
      const name = borrower()
      if (image !== undefined) reads.set(pool.lendFilled(image, name).loan, { image, borrower: name })
    },
    () => end(any(reads.keys()), reads),
    () => end(any(writes.keys()), writes),
    () => {
      const before = pool.stats().staleLoans
      const loan = any(ended)
      if (loan === undefined) return
      if (pick(2) === 0) pool.settle(loan)
      else expect(pool.filled(loan, spec)).toBeUndefined()
      expect(pool.stats().staleLoans).toBe(before + 1)
    },
    () => {
      const name = borrower()
      for (const from of [writes, reads])
        for (const [loan, lent] of [...from]) if (lent.borrower === name && from.delete(loan)) ended.push(loan)
      pool.reap(name)
      generation++
    },
    () => {
      const controller = new AbortController()
      controllers.push(controller)
      const name = borrower()
      const acquired = pool.acquire(name, 1 + pick(slots), controller.signal, 60_000)
      requests.push(
        acquired.then(
          (loans) => {
            for (const loan of loans) take(name, loan)
          },
          () => undefined,
        ),
      )
    },
    () => any(controllers)?.abort(),
  ]
  for (let step = 0; step < 60; step++) {
    actions[pick(actions.length)]?.()
    // Loans of a request that was served are known to its caller one turn later.
    await Promise.resolve().then(() => undefined)
    await Promise.resolve().then(() => undefined)
    await Promise.resolve().then(() => undefined)
    const lent = [...writes.values()].map(({ slot }) => slot)
    const held = new Set([...holds.keys(), ...[...reads.values()].map(({ image }) => image)].map(({ slot }) => slot))
    const owned = [...lent, ...held]
    expect(new Set(owned).size, `seed ${seed}: a slot has two owners`).toBe(owned.length)
    const expected = { free: slots - owned.length, lent: lent.length, held: held.size, leaked: 0 }
    expect(pool.stats(), `seed ${seed}, step ${step}`).toMatchObject(expected)
  }
  for (const controller of controllers) controller.abort()
  await Promise.all(requests)
  for (const loan of [...writes.keys()]) end(loan, writes)
  for (const loan of [...reads.keys()]) end(loan, reads)
  for (const [image, count] of [...holds]) for (let i = 0; i < count; i++) image.release()
  expect(pool.stats(), `seed ${seed}: slots were lost`).toMatchObject({ free: slots, lent: 0, held: 0 })
}

describe('ImagePool', () => {
  it('in any order never loses a slot and never gives one to two owners', async () => {
    for (let seed = 1; seed <= 2000; seed++) await playRandomOrder(seed)
  })
})

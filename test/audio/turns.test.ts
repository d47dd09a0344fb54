import { expect, it } from 'vitest'
import { Turns } from '../../engine/audio/turns.ts'

const never = new AbortController().signal

it('lets so many run at once, and the others in the order in which they came', async () => {
  const turns = new Turns(2, 10)
  const order: number[] = []
  const ends = await Promise.all([turns.take(never), turns.take(never)])
  const waiting = [1, 2, 3].map(async (i) => {
    const end = await turns.take(never)
    order.push(i)
    return end
  })
  await Promise.resolve()
  expect(order).toEqual([])
  ends[0]?.()
  ends[0]?.() // twice is once
  const first = await waiting[0]
  expect(order).toEqual([1])
  first?.()
  ends[1]?.()
  for (const end of await Promise.all(waiting)) end()
  expect(order).toEqual([1, 2, 3])
})

it('refuses more than may wait, and forgets who has left', async () => {
  const turns = new Turns(1, 1)
  const end = await turns.take(never)
  const leaving = new AbortController()
  const left = turns.take(leaving.signal)
  await expect(turns.take(never)).rejects.toMatchObject({ code: 'busy' })
  leaving.abort(new Error('left'))
  await expect(left).rejects.toThrow('left')
  const next = turns.take(never)
  end()
  ;(await next)()
  ;(await turns.take(never))()
  await expect(turns.take(leaving.signal)).rejects.toThrow('left')
})

import { expect, it } from 'vitest'
import { StillPicture } from '../../engine/core/still-picture.ts'

/** One packet a second for that many seconds; gives those at which the source was to be opened anew. */
function show(picture: StillPicture, unchanged: boolean, seconds: number, from: number): number[] {
  const reopenings: number[] = []
  for (let second = from; second < from + seconds; second++) {
    picture.saw(unchanged, BigInt(second) * 1_000_000_000n)
    if (!picture.takeReopening()) continue
    reopenings.push(second)
    picture.open()
    picture.saw(false, BigInt(second) * 1_000_000_000n)
  }
  return reopenings
}

it('is frozen after 5 s of the same picture, and no longer when it moves', () => {
  const picture = new StillPicture()
  show(picture, false, 10, 0)
  expect(picture.frozen).toBe(false)
  show(picture, true, 5, 10)
  expect(picture).toMatchObject({ frozen: false, stillMs: 4000 })
  show(picture, true, 1, 15)
  expect(picture).toMatchObject({ frozen: true, stillMs: 5000 })
  show(picture, false, 1, 16)
  expect(picture).toMatchObject({ frozen: false, stillMs: 0 })
})

it('does not take a silent source for a frozen one', () => {
  const picture = new StillPicture()
  show(picture, true, 2, 0)
  expect(picture.stillMs).toBe(1000)
})

it('asks for a reopening after 30 s, then later and later, at most 16 min apart, and at once anew after a move', () => {
  const picture = new StillPicture()
  const reopenings = show(picture, true, 3000, 0)
  const gaps = reopenings.map((second, i) => second - (reopenings[i - 1] ?? -1) - 1)
  expect(gaps).toEqual([30, 60, 120, 240, 480, 960, 960])
  show(picture, false, 2, 3000)
  expect(show(picture, true, 31, 3002)).toEqual([3032])
})

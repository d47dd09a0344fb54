import { describe, expect, it } from 'vitest'
import type { Box } from '../../engine/geometry/box.ts'
import { BoxFilter } from '../../engine/tracking/box-filter.ts'

const start: Box = [100, 100, 40, 80]

/** A box that goes right at 60 px/s, seen so often, so many times. */
function follow(rate: number, frames: number): BoxFilter {
  const filter = new BoxFilter(start)
  for (let frame = 1; frame <= frames; frame++) {
    filter.predict(1 / rate)
    filter.correct([100 + (60 * frame) / rate, 100, 40, 80])
  }
  return filter
}

describe('BoxFilter', () => {
  it('begins with the box that it was given, at rest', () => {
    const filter = new BoxFilter(start)
    expect(filter.box.map((value) => Math.round(value * 1e6) / 1e6)).toEqual(start)
    expect(filter.velocity).toEqual([0, 0])
  })

  it.each([5, 10, 30])('learns the velocity at %i frames a second, and goes on with it unseen', (rate) => {
    const filter = follow(rate, 3 * rate)
    expect(filter.velocity[0]).toBeCloseTo(60, 0)
    expect(filter.velocity[1]).toBeCloseTo(0, 6)
    const { box } = filter
    filter.predict(1)
    expect(filter.box[0] - box[0]).toBeCloseTo(60, 0)
    expect(filter.box[2]).toBeCloseTo(40, 1)
  })

  it('is the same after one long step as after two short ones, and what it then sees weighs the same', () => {
    const [once, twice] = [follow(10, 5), follow(10, 5)]
    once.predict(0.5)
    twice.predict(0.2)
    twice.predict(0.3)
    for (const filter of [once, twice]) filter.correct([170, 110, 44, 84])
    for (const [i, value] of once.box.entries()) expect(twice.box[i]).toBeCloseTo(value, 9)
    for (const [i, value] of once.velocity.entries()) expect(twice.velocity[i]).toBeCloseTo(value, 9)
  })

  it('takes the mean of what it believes and what it sees, weighted by their variances', () => {
    // At once after the start: position 2 × 80 / 20 = 8 px, measurement 4 px: the gain is 64 / (64 + 16).
    const filter = new BoxFilter(start)
    filter.correct([110, 100, 40, 80])
    expect(filter.box[0]).toBeCloseTo(108, 9)
  })

  it('keeps the size of a box that is not seen', () => {
    const filter = new BoxFilter(start)
    for (let frame = 1; frame < 10; frame++) {
      filter.predict(0.1)
      filter.correct([100, 100, 40, 80 + 4 * frame])
    }
    filter.keepSize()
    const { box } = filter
    filter.predict(2)
    expect(filter.box[3]).toBeCloseTo(box[3], 9)
  })
})

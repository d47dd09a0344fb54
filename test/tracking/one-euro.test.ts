import { describe, expect, it } from 'vitest'
import { OneEuroFilter } from '../../engine/tracking/one-euro.ts'
import { randomNumbers } from '../support/random.ts'

const options = { minCutoff: 1, beta: 0, dCutoff: 1 }

describe('OneEuroFilter', () => {
  it('takes the first value as it is, and then a share that follows from the cutoff and the time passed', () => {
    const filter = new OneEuroFilter(options)
    expect(filter.next(10, 5)).toBe(10)
    const share = (2 * Math.PI * 0.1) / (2 * Math.PI * 0.1 + 1)
    expect(filter.next(20, 5.1)).toBeCloseTo(10 + share * 10, 12)
  })

  it('raises the cutoff with the smoothed speed', () => {
    const filter = new OneEuroFilter({ ...options, beta: 0.5 })
    filter.next(0, 0)
    const slow = (2 * Math.PI * 0.1) / (2 * Math.PI * 0.1 + 1)
    const r = 2 * Math.PI * (1 + 0.5 * slow * 100) * 0.1
    expect(filter.next(10, 0.1)).toBeCloseTo((10 * r) / (r + 1), 12)
  })

  it('lags the less in motion the larger beta is, and trembles the less at rest the smaller the cutoff is', () => {
    const lag = (beta: number) => {
      const filter = new OneEuroFilter({ ...options, beta })
      let last = 0
      for (let i = 0; i <= 60; i++) last = filter.next(200 * (i / 30), i / 30)
      return 400 - last
    }
    expect(lag(0.1)).toBeLessThan(lag(0) / 3)
    const spread = (minCutoff: number) => {
      const random = randomNumbers(31)
      const filter = new OneEuroFilter({ ...options, minCutoff })
      const values = Array.from({ length: 300 }, (_, i) => filter.next(100 + random() - 0.5, i / 30)).slice(100)
      return Math.max(...values) - Math.min(...values)
    }
    expect(spread(0.2)).toBeLessThan(spread(2) / 2)
  })

  it('stays as it is at a time that is not after the last', () => {
    const filter = new OneEuroFilter(options)
    filter.next(10, 1)
    expect([filter.next(99, 1), filter.next(99, 0.5)]).toEqual([10, 10])
  })
})

import { describe, expect, it } from 'vitest'
import { parseKeepAlive } from '../../engine/inference/keep-alive.ts'

describe('parseKeepAlive', () => {
  it.each([
    [300, 300],
    [0, 0],
    [-1, -1],
    [-5, -1],
    ['300', 300],
    ['-1', -1],
    ['5m', 300],
    ['1h30m', 5400],
    ['10s', 10],
    ['500ms', 0.5],
    ['1.5h', 5400],
    ['-1m', -1],
    [' 24h ', 86_400],
  ])('reads %j as %d seconds', (value, seconds) => {
    expect(parseKeepAlive(value)).toBe(seconds)
  })

  it.each(['', 'soon', '5 m', '5d', 'm', true, null, Number.NaN, Number.POSITIVE_INFINITY, [], {}])(
    'refuses %j',
    (value) => {
      expect(() => parseKeepAlive(value)).toThrow(/^Expected keep_alive to be seconds or a time such as 5m/)
    },
  )
})

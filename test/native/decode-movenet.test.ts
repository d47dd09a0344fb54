import { describe, expect, it } from 'vitest'
import { addon, type DecodeOptions, type Tensor } from '../../engine/native/addon.ts'
import { randomNumbers } from '../support/random.ts'
import { plainOptions } from '../support/raw-heads.ts'

describe('movenet', () => {
  const side = 48
  const options: DecodeOptions = {
    ...plainOptions('movenet'),
    minScore: 0,
    inputWidth: 192,
    inputHeight: 192,
    toSource: [2, 0, 10, 0, 2, 20],
    sourceWidth: 500,
    sourceHeight: 500,
  }

  it('decodes as the tail of its graph does', () => {
    for (const seed of [1, 2, 3, 4]) {
      const heads = randomHeads(randomNumbers(seed))
      const rows = addon().decode(heads, options)
      const expected = graphTail(heads).flatMap(([y = 0, x = 0, score = 0]) => [
        Math.min(500, Math.max(0, x * 192 * 2 + 10)),
        Math.min(500, Math.max(0, y * 192 * 2 + 20)),
        score,
      ])
      expect(rows.length).toBe(51)
      for (const [i, value] of expected.entries()) expect(Math.abs((rows[i] ?? NaN) - value)).toBeLessThan(1e-3)
    }
  })

  it('gives no row when no joint reaches the score, and none of a head without a finite value', () => {
    const heads = randomHeads(randomNumbers(5))
    expect(addon().decode(heads, { ...options, minScore: 1 }).length).toBe(0)
    const empty = heads.map(({ data, shape }) => ({ data: new Float32Array(data.length).fill(NaN), shape }))
    expect(addon().decode(empty, options).length).toBe(0)
  })

  function randomHeads(random: () => number): Tensor[] {
    const head = (channels: number, value: () => number): Tensor => ({
      data: Float32Array.from({ length: side * side * channels }, value),
      shape: [1, side, side, channels],
    })
    return [head(1, random), head(34, () => random() * 30 - 15), head(17, random), head(34, () => random() * 2 - 1)]
  }

  /** The nodes of movenet-lightning.json from truediv_2 to the output, one after another: 17 × (y x score), 0 to 1. */
  function graphTail([centre, regression, heat, offset]: readonly Tensor[]): number[][] {
    const cells = Array.from({ length: side * side }, (_, i) => [Math.floor(i / side), i % side] as const)
    const argMax = (value: (cell: number) => number) =>
      cells.reduce((best, _, cell) => (value(cell) > value(best) ? cell : best), 0)
    const at = (tensor: Tensor | undefined, cell: number, channel: number) =>
      tensor?.data[cell * (tensor.shape[3] ?? 0) + channel] ?? NaN
    const middle = argMax(
      (i) => at(centre, i, 0) / (Math.hypot((cells[i]?.[0] ?? 0) - 24, (cells[i]?.[1] ?? 0) - 24) + 1.8),
    )
    const [middleY = 0, middleX = 0] = cells[middle] ?? []
    return Array.from({ length: 17 }, (_, joint) => {
      const y = middleY + at(regression, middle, 2 * joint)
      const x = middleX + at(regression, middle, 2 * joint + 1)
      const peak = argMax(
        (i) => at(heat, i, joint) / (Math.hypot((cells[i]?.[0] ?? 0) - y, (cells[i]?.[1] ?? 0) - x) + 1.8),
      )
      const [peakY = 0, peakX = 0] = cells[peak] ?? []
      const place = [peakY + at(offset, peak, 2 * joint), peakX + at(offset, peak, 2 * joint + 1)]
      return [...place.map((value) => value / side), at(heat, peak, joint)]
    })
  }
})

import { describe, expect, it } from 'vitest'
import { assign } from '../../engine/tracking/assignment.ts'
import { associate } from '../../engine/tracking/associate.ts'
import { randomNumbers, seededPick } from '../support/random.ts'

const total = (cost: number[][], columnOf: number[]) =>
  columnOf.reduce((sum, column, row) => (column < 0 ? sum : sum + cost[row]![column]!), 0)

/** The least cost of giving min(rows, columns) rows a column, by trying all. */
function leastCost(cost: number[][], row = 0, used: ReadonlySet<number> = new Set()): number {
  const columns = cost[0]?.length ?? 0
  if (row === cost.length) return 0
  const mustSkip = cost.length - row > columns - used.size
  const skipped = mustSkip ? leastCost(cost, row + 1, used) : Number.POSITIVE_INFINITY
  const taken = Array.from({ length: columns }, (_, column) =>
    used.has(column)
      ? Number.POSITIVE_INFINITY
      : cost[row]![column]! + leastCost(cost, row + 1, new Set([...used, column])),
  )
  return Math.min(skipped, ...taken)
}

/** The largest sum of (similarity − least) over pairs, by trying all. */
function mostGain(gains: number[][], row = 0, used: ReadonlySet<number> = new Set()): number {
  if (row === gains.length) return 0
  const taken = gains[row]!.map((gain, column) =>
    used.has(column) ? 0 : gain + mostGain(gains, row + 1, new Set([...used, column])),
  )
  return Math.max(mostGain(gains, row + 1, used), ...taken)
}

function randomMatrix(random: () => number, rows: number, columns: number): number[][] {
  return Array.from({ length: rows }, () => Array.from({ length: columns }, random))
}

describe('assign', () => {
  it('takes the cheapest whole, not the cheapest first', () => {
    expect(assign([[1, 2], [1, 10]])).toEqual([1, 0]) // biome-ignore format: a matrix
  })

  it('leaves the dearer rows without a column where there are more rows, and nothing without columns', () => {
    expect(assign([[5], [1], [3]])).toEqual([-1, 0, -1])
    expect(assign([[], []])).toEqual([-1, -1])
    expect(assign([])).toEqual([])
  })

  it('costs what the best of all ways costs, in 300 seeded matrices of up to 6 × 6, negative and equal costs among them', () => {
    const random = randomNumbers(1)
    const pick = seededPick(2)
    for (let round = 0; round < 300; round++) {
      const values = round % 2 === 0 ? () => random() * 2 - 1 : () => pick(4)
      const cost = randomMatrix(values, 1 + pick(6), 1 + pick(6))
      const columnOf = assign(cost)
      const taken = columnOf.filter((column) => column >= 0)
      expect(new Set(taken).size).toBe(taken.length)
      expect(taken).toHaveLength(Math.min(cost.length, cost[0]!.length))
      expect(total(cost, columnOf)).toBeCloseTo(leastCost(cost), 9)
    }
  })
})

describe('associate', () => {
  it('gains what the best of all pairings gains, in 200 seeded cases, and pairs nothing below the least', () => {
    const random = randomNumbers(3)
    const pick = seededPick(4)
    for (let round = 0; round < 200; round++) {
      const similarities = randomMatrix(random, pick(6), 1 + pick(6))
      const least = 0.3 + random() * 0.6
      const columns = Array.from({ length: similarities[0]?.length ?? 1 }, (_, column) => column)
      const matches = associate([...similarities.keys()], columns, (row, column) => similarities[row]![column]!, least)
      const gain = (row: number, column: number) => similarities[row]![column]! - least
      for (const [row, column] of matches) expect(gain(row, column)).toBeGreaterThan(0)
      expect(new Set(matches.map(([row]) => row)).size).toBe(matches.length)
      expect(new Set(matches.map(([, column]) => column)).size).toBe(matches.length)
      const gains = similarities.map((line) => line.map((similarity) => Math.max(0, similarity - least)))
      expect(matches.reduce((sum, match) => sum + gain(...match), 0)).toBeCloseTo(mostGain(gains), 9)
    }
  })
})

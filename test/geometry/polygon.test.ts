import { describe, expect, it } from 'vitest'
import { anchorOf, iou, type Point } from '../../engine/geometry/box.ts'
import { areaOf, contains, crosses, distanceToBorder, signedDistance } from '../../engine/geometry/polygon.ts'
import { randomNumbers } from '../support/random.ts'

/** An L: the square of 10 without its upper right quarter. */
const corner: Point[] = [[0, 0], [5, 0], [5, 5], [10, 5], [10, 10], [0, 10]] // biome-ignore format: corners

describe('polygons', () => {
  it('contain what lies inside, also where they are not convex, whichever way their corners go', () => {
    for (const polygon of [corner, [...corner].reverse()]) {
      expect([[1, 1], [4, 9], [9, 6]].every((at) => contains(polygon, at as unknown as Point))).toBe(true) // biome-ignore format: points
      expect([[9, 1], [-1, 5], [5, 11], [11, 7]].some((at) => contains(polygon, at as unknown as Point))).toBe(false) // biome-ignore format: points
    }
    expect(areaOf(corner)).toBe(75)
    expect(areaOf([[0, 0], [1, 1], [2, 2]])).toBe(0) // biome-ignore format: corners
  })

  it('contain a point just when its angles to the corners add up to a full turn, for 2000 seeded points', () => {
    const random = randomNumbers(21)
    for (let i = 0; i < 2000; i++) {
      const at: Point = [random() * 14 - 2, random() * 14 - 2]
      const turns = corner.reduce((sum, [x, y], j) => {
        const [nextX, nextY] = corner[(j + 1) % corner.length]!
        const [ax, ay, bx, by] = [x - at[0], y - at[1], nextX - at[0], nextY - at[1]]
        return sum + Math.atan2(ax * by - ay * bx, ax * bx + ay * by)
      }, 0)
      expect(contains(corner, at)).toBe(Math.abs(turns) > Math.PI)
    }
  })

  it('are as far as their nearest edge', () => {
    expect(distanceToBorder(corner, [-3, 5])).toBe(3)
    expect(distanceToBorder(corner, [13, 1])).toBe(5)
    expect(distanceToBorder(corner, [1, 5])).toBe(1)
  })
})

describe('lines', () => {
  it('have their right-hand side where the distance is positive', () => {
    expect(signedDistance([0, 0], [10, 0], [3, 2])).toBe(2)
    expect(signedDistance([0, 0], [10, 0], [3, -2])).toBe(-2)
  })

  it('are crossed between their ends, not beyond them', () => {
    const line: [Point, Point] = [[0, 0], [10, 0]] // biome-ignore format: ends
    expect(crosses(line, [[3, -2], [4, 2]])).toBe(true) // biome-ignore format: ends
    expect(crosses(line, [[12, -2], [13, 2]])).toBe(false) // biome-ignore format: ends
    expect(crosses(line, [[3, 1], [4, 2]])).toBe(false) // biome-ignore format: ends
  })
})

describe('boxes', () => {
  it('overlap by their common share', () => {
    expect(iou([0, 0, 10, 10], [5, 0, 10, 10])).toBeCloseTo(1 / 3, 12)
    expect(iou([0, 0, 10, 10], [10, 0, 10, 10])).toBe(0)
    expect(iou([0, 0, 0, 0], [0, 0, 0, 0])).toBe(0)
  })

  it('stand on the middle of their lower edge', () => {
    expect(anchorOf([10, 20, 30, 40], 'bottom')).toEqual([25, 60])
    expect(anchorOf([10, 20, 30, 40], 'centre')).toEqual([25, 40])
  })
})

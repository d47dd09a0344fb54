import { describe, expect, it } from 'vitest'
import type { Point } from '../../engine/geometry/box.ts'
import { Homography } from '../../engine/geometry/homography.ts'
import { symmetricEigen } from '../../engine/geometry/symmetric-eigen.ts'
import { randomNumbers } from '../support/random.ts'

type Rows = readonly (readonly [number, number, number])[]
const project = (rows: Rows, [x, y]: Point): Point => {
  const [a, b, w] = rows.map(([p, q, r]) => p * x + q * y + r) as [number, number, number]
  return [a / w, b / w]
}
/** A camera that looks at a floor: image (640 × 480 px) to metres. */
const camera: Rows = [
  [0.012, 0.001, -4],
  [0.0005, -0.011, 9],
  [0.00001, 0.0021, 0.2],
]
const corners: Point[] = [
  [40, 470],
  [600, 460],
  [420, 210],
  [200, 220],
]
const pairsOf = (images: readonly Point[], rows = camera) =>
  images.map((image) => ({ image, floor: project(rows, image) }))

describe('Homography', () => {
  it('meets four pairs, and every other point of the same plane', () => {
    const plane = new Homography(pairsOf(corners))
    for (const point of [...corners, [320, 300], [10, 400], [700, 500]] as Point[]) {
      const [x, y] = plane.map(point)!
      expect(x).toBeCloseTo(project(camera, point)[0], 8)
      expect(y).toBeCloseTo(project(camera, point)[1], 8)
    }
  })

  it('goes back from the floor to where it came from, for 100 seeded cameras and four to twelve points, in pixels and in fractions', () => {
    const random = randomNumbers(11)
    for (let round = 0; round < 100; round++) {
      const size = round % 2 === 0 ? 1000 : 1
      const jitter = () => (random() - 0.5) * 0.1 * size
      const square: Point[] = [[0, 0], [size, 0], [size, size], [0, size]] // biome-ignore format: corners
      const image = square.map(([x, y]): Point => [x + jitter(), y + jitter()])
      const more = Array.from({ length: round % 9 }, (): Point => [random() * size, random() * size])
      const rows: Rows = [
        [1 + random(), random() - 0.5, random() * size],
        [random() - 0.5, 1 + random(), random() * size],
        [(random() * 0.5) / size, (random() * 0.5) / size, 1],
      ]
      const pairs = pairsOf([...image, ...more], rows)
      const there = new Homography(pairs)
      const back = new Homography(pairs.map(({ image, floor }) => ({ image: floor, floor: image })))
      const point: Point = [random() * size, random() * size]
      const [x, y] = back.map(there.map(point)!)!
      expect(Math.hypot(x - point[0], y - point[1]) / size).toBeLessThan(1e-6)
    }
  })

  it('lets many uneven pairs agree on a plane better than four of them do', () => {
    const random = randomNumbers(12)
    const images = Array.from({ length: 100 }, (): Point => [random() * 640, 200 + random() * 280])
    const uneven = pairsOf(images).map(({ image, floor }) => ({
      image,
      floor: [floor[0] + (random() - 0.5) * 0.05, floor[1] + (random() - 0.5) * 0.05] as const,
    }))
    const error = (plane: Homography) =>
      Math.max(
        ...corners.map((point) => Math.hypot(...[0, 1].map((i) => plane.map(point)![i]! - project(camera, point)[i]!))),
      )
    expect(error(new Homography(uneven))).toBeLessThan(0.04)
    expect(error(new Homography(uneven))).toBeLessThan(error(new Homography(uneven.slice(0, 4))))
  })

  it('has no floor at the horizon and above it', () => {
    const plane = new Homography(pairsOf(corners))
    const horizon = (x: number) => -(0.00001 * x + 0.2) / 0.0021
    expect(plane.map([320, horizon(320) + 1])).toBeDefined()
    expect(plane.map([320, horizon(320) - 1])).toBeUndefined()
  })

  const floor: Point[] = [[0, 0], [4, 0], [4, 3], [0, 3]] // biome-ignore format: corners
  const withFloor = (images: Point[], floors = floor) => images.map((image, i) => ({ image, floor: floors[i]! }))
  it.each([
    ['three pairs', withFloor(corners.slice(0, 3)), /4 or more pairs of points, received 3/],
    ['one point four times', withFloor(corners.map(() => [5, 5] as const)), /one and the same on the image/],
    [
      'points on one line',
      withFloor([
        [0, 0],
        [1, 1],
        [2, 2],
        [3, 3],
      ]),
      /one line/,
    ],
    [
      'three points on one line in the image',
      withFloor([
        [0, 0],
        [1, 1],
        [2, 2],
        [0, 3],
      ]),
      /one line/,
    ],
    [
      'three points on one line on the floor',
      withFloor(corners, [
        [0, 0],
        [1, 1],
        [2, 2],
        [0, 3],
      ]),
      /one line/,
    ],
    ['one point twice', withFloor([corners[0]!, corners[0]!, corners[2]!, corners[3]!]), /one line/],
    [
      'pairs in another order',
      withFloor(corners, [floor[0]!, floor[2]!, floor[1]!, floor[3]!]),
      /both sides of the horizon/,
    ],
  ])('refuses %s', (_, pairs, message) => {
    expect(() => new Homography(pairs)).toThrow(message)
  })
})

describe('symmetricEigen', () => {
  it('knows the eigenvalues of a matrix worked out by hand, the least first', () => {
    const [least, largest] = symmetricEigen([[2, 1], [1, 2]]) // biome-ignore format: a matrix
    expect(least!.value).toBeCloseTo(1, 12)
    expect(largest!.value).toBeCloseTo(3, 12)
    expect(Math.abs(largest!.vector[0]! + largest!.vector[1]!)).toBeCloseTo(Math.SQRT2, 12)
  })

  it('gives vectors that the matrix only stretches, for 20 seeded matrices of 9 × 9', () => {
    const random = randomNumbers(13)
    for (let round = 0; round < 20; round++) {
      const raw = Array.from({ length: 9 }, () => Array.from({ length: 9 }, () => random() - 0.5))
      const matrix = raw.map((row, i) => row.map((value, j) => value + raw[j]![i]!))
      for (const { value, vector } of symmetricEigen(matrix)) {
        expect(Math.hypot(...vector)).toBeCloseTo(1, 10)
        for (const [i, row] of matrix.entries())
          expect(row.reduce((sum, entry, j) => sum + entry * vector[j]!, 0)).toBeCloseTo(value * vector[i]!, 10)
      }
    }
  })
})

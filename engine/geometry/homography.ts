import { EngineError } from '../errors.ts'
import type { Point } from './box.ts'
import { symmetricEigen } from './symmetric-eigen.ts'

/** The same place in both planes. */
export interface PointPair {
  readonly image: Point
  readonly floor: Point
}

/** Three rows. */
type Matrix = readonly [Row, Row, Row]
type Row = readonly [number, number, number]

/** Below this share of the largest eigenvalue a second solution fits as well; and below this determinant a plane is squeezed to a line. */
const minEigenvalueShare = 1e-9
const minDeterminant = 1e-6

/**
 * From one plane seen by a camera to its own coordinates. Four pairs are met exactly, more with the least algebraic error: the
 * normalised direct linear transformation (Hartley and Zisserman, Multiple View Geometry, algorithm 4.2). Throws `invalid`
 * for pairs that do not settle it: fewer than four, or too many on one line.
 */
export class Homography {
  readonly #matrix: Matrix
  /** The sign of the third coordinate on the side of the horizon where the pairs lie. */
  readonly #side: number

  constructor(pairs: readonly PointPair[]) {
    if (pairs.length < 4)
      throw new EngineError('invalid', `Expected 4 or more pairs of points, received ${pairs.length}`)
    const image = normaliserOf(
      pairs.map((pair) => pair.image),
      'image',
    )
    const floor = normaliserOf(
      pairs.map((pair) => pair.floor),
      'floor',
    )
    const rows = pairs.flatMap((pair) => equationsOf(move(image, pair.image), move(floor, pair.floor)))
    const normalised = solve(rows)
    this.#matrix = multiply(inverseOf(floor), multiply(normalised, toMatrix(image)))
    const sides = pairs.map((pair) => Math.sign(third(this.#matrix, pair.image)))
    this.#side = sides[0] as number
    if (this.#side === 0 || sides.some((side) => side !== this.#side)) throw unfit('lie on both sides of the horizon')
  }

  /** Where on the floor a point of the image is; undefined at the horizon and above it, where there is no floor. */
  map([x, y]: Point): Point | undefined {
    const w = third(this.#matrix, [x, y])
    if (w * this.#side <= 0) return undefined
    const [first, second] = this.#matrix
    return [(first[0] * x + first[1] * y + first[2]) / w, (second[0] * x + second[1] * y + second[2]) / w]
  }
}

/** Moves points to a middle of 0 and a mean distance of √2, on which the method's numbers are sound. */
interface Normaliser {
  readonly scale: number
  readonly x: number
  readonly y: number
}

function normaliserOf(points: readonly Point[], plane: string): Normaliser {
  const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length
  const [x, y] = [mean(points.map((point) => point[0])), mean(points.map((point) => point[1]))]
  const distance = mean(points.map((point) => Math.hypot(point[0] - x, point[1] - y)))
  if (!(distance > 0)) throw unfit(`are one and the same on the ${plane}`)
  return { scale: Math.SQRT2 / distance, x, y }
}

function move({ scale, x, y }: Normaliser, point: Point): Point {
  return [(point[0] - x) * scale, (point[1] - y) * scale]
}

function toMatrix({ scale, x, y }: Normaliser): Matrix {
  return [
    [scale, 0, -x * scale],
    [0, scale, -y * scale],
    [0, 0, 1],
  ]
}

function inverseOf({ scale, x, y }: Normaliser): Matrix {
  return [
    [1 / scale, 0, x],
    [0, 1 / scale, y],
    [0, 0, 1],
  ]
}

function equationsOf([x, y]: Point, [u, v]: Point): number[][] {
  return [
    [-x, -y, -1, 0, 0, 0, u * x, u * y, u],
    [0, 0, 0, -x, -y, -1, v * x, v * y, v],
  ]
}

/** The matrix h of length 1 for which |rows · h| is least. */
function solve(rows: readonly (readonly number[])[]): Matrix {
  const indices = Array.from({ length: 9 }, (_, i) => i)
  const squared = indices.map((i) => indices.map((j) => rows.reduce((sum, row) => sum + row[i]! * row[j]!, 0)))
  const eigen = symmetricEigen(squared)
  const [least, second, largest] = [eigen[0]!, eigen[1]!, eigen[8]!]
  if (second.value < minEigenvalueShare * largest.value) throw unfit('lie too much on one line')
  const h = least.vector
  const matrix: Matrix = [rowOf(h, 0), rowOf(h, 3), rowOf(h, 6)]
  if (Math.abs(determinant(matrix)) < minDeterminant) throw unfit('lie too much on one line')
  return matrix
}

function rowOf(values: readonly number[], start: number): Row {
  return [values[start]!, values[start + 1]!, values[start + 2]!]
}

function determinant([[a, b, c], [d, e, f], [g, h, i]]: Matrix): number {
  return a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g)
}

function multiply(a: Matrix, b: Matrix): Matrix {
  const times = ([x, y, z]: Row): Row => [
    x * b[0][0] + y * b[1][0] + z * b[2][0],
    x * b[0][1] + y * b[1][1] + z * b[2][1],
    x * b[0][2] + y * b[1][2] + z * b[2][2],
  ]
  return [times(a[0]), times(a[1]), times(a[2])]
}

function third(matrix: Matrix, [x, y]: Point): number {
  return matrix[2][0] * x + matrix[2][1] * y + matrix[2][2]
}

function unfit(what: string): EngineError {
  return new EngineError(
    'invalid',
    `Expected points of which no three of some four lie on one line, in the same order in image and floor; these ${what}. Measure points that span the floor`,
  )
}

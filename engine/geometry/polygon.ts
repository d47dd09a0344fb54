import type { Point } from './box.ts'

/** Whether a point lies in a polygon (even-odd rule, by a ray to the right). At least three corners. */
export function contains(polygon: readonly Point[], [x, y]: Point): boolean {
  let inside = false
  for (const [[x1, y1], [x2, y2]] of edgesOf(polygon)) {
    if (y1 > y !== y2 > y && x < x1 + ((y - y1) / (y2 - y1)) * (x2 - x1)) inside = !inside
  }
  return inside
}

/** Distance of a point to the nearest edge of a polygon, inside or outside. */
export function distanceToBorder(polygon: readonly Point[], point: Point): number {
  return Math.min(...edgesOf(polygon).map(([from, to]) => distanceToSegment(from, to, point)))
}

/** Distance of a point to the line through two others: positive on the right-hand side of who walks from `from` to `to` (y down). */
export function signedDistance([x1, y1]: Point, [x2, y2]: Point, [x, y]: Point): number {
  const [dx, dy] = [x2 - x1, y2 - y1]
  return (dx * (y - y1) - dy * (x - x1)) / Math.hypot(dx, dy)
}

/** Whether the way from `a` to `b` meets the segment from `from` to `to`, its ends among it. */
export function crosses([from, to]: readonly [Point, Point], [a, b]: readonly [Point, Point]): boolean {
  const before = turn(from, to, a)
  const after = turn(from, to, b)
  const start = turn(a, b, from)
  const end = turn(a, b, to)
  return before * after <= 0 && start * end <= 0 && (before !== 0 || after !== 0)
}

/** Area by the shoelace formula, never negative. */
export function areaOf(polygon: readonly Point[]): number {
  return Math.abs(edgesOf(polygon).reduce((sum, [[x1, y1], [x2, y2]]) => sum + x1 * y2 - x2 * y1, 0)) / 2
}

function edgesOf(polygon: readonly Point[]): (readonly [Point, Point])[] {
  return polygon.map((corner, i) => [corner, polygon[(i + 1) % polygon.length] as Point] as const)
}

function distanceToSegment([x1, y1]: Point, [x2, y2]: Point, [x, y]: Point): number {
  const [dx, dy] = [x2 - x1, y2 - y1]
  const length = dx * dx + dy * dy
  const along = length === 0 ? 0 : Math.max(0, Math.min(1, ((x - x1) * dx + (y - y1) * dy) / length))
  return Math.hypot(x - x1 - along * dx, y - y1 - along * dy)
}

/** Above 0 where c lies to the right of a → b (y down). */
function turn([ax, ay]: Point, [bx, by]: Point, [cx, cy]: Point): number {
  return (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
}

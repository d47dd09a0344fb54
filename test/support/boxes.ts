/** Intersection over union of two boxes x1 y1 x2 y2. */
export function overlap(first: readonly number[], second: readonly number[]): number {
  const [a1 = 0, b1 = 0, c1 = 0, d1 = 0] = first
  const [a2 = 0, b2 = 0, c2 = 0, d2 = 0] = second
  const shared = Math.max(0, Math.min(c1, c2) - Math.max(a1, a2)) * Math.max(0, Math.min(d1, d2) - Math.max(b1, b2))
  return shared / ((c1 - a1) * (d1 - b1) + (c2 - a2) * (d2 - b2) - shared)
}

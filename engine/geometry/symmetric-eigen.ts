/** Sweeps of the Jacobi method at most; a 9 × 9 matrix takes about 8. */
const maxSweeps = 60

/** Eigenvalues of a symmetric matrix, the least first, each with its vector of length 1. */
export interface Eigen {
  readonly value: number
  readonly vector: readonly number[]
}

/** All eigenvalues and vectors of a small symmetric matrix by the cyclic Jacobi method (Golub and Van Loan, section 8.5). */
export function symmetricEigen(matrix: readonly (readonly number[])[]): Eigen[] {
  const a = matrix.map((row) => [...row])
  const vectors = matrix.map((_, i) => matrix.map((__, j) => (i === j ? 1 : 0)))
  const scale = Math.hypot(...a.flat())
  for (let sweep = 0; sweep < maxSweeps && offDiagonal(a) > 1e-15 * scale; sweep++) {
    for (let p = 0; p < a.length - 1; p++) for (let q = p + 1; q < a.length; q++) rotate(a, vectors, [p, q])
  }
  return a
    .map((row, i) => ({ value: row[i] as number, vector: vectors.map((line) => line[i] as number) }))
    .sort((one, other) => one.value - other.value)
}

function offDiagonal(a: readonly (readonly number[])[]): number {
  return Math.hypot(...a.flatMap((row, i) => row.filter((_, j) => j !== i)))
}

/** Makes a[p][q] zero by a rotation in the plane of p and q. */
function rotate(a: number[][], vectors: number[][], [p, q]: readonly [number, number]): void {
  const off = a[p]![q]!
  if (off === 0) return
  const theta = (a[q]![q]! - a[p]![p]!) / (2 * off)
  const tangent = (theta < 0 ? -1 : 1) / (Math.abs(theta) + Math.hypot(theta, 1))
  const cosine = 1 / Math.hypot(tangent, 1)
  const sine = tangent * cosine
  for (const row of [...a, ...vectors]) {
    const [left, right] = [row[p]!, row[q]!]
    row[p] = cosine * left - sine * right
    row[q] = sine * left + cosine * right
  }
  for (let k = 0; k < a.length; k++) {
    const [upper, lower] = [a[p]![k]!, a[q]![k]!]
    a[p]![k] = cosine * upper - sine * lower
    a[q]![k] = sine * upper + cosine * lower
  }
}

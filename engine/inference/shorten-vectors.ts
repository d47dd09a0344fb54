import { EngineError } from '../errors.ts'

/** The first `dimensions` values of each vector, of length 1 again; all of them when undefined. Throws `invalid` when there are fewer. */
export function shortenVectors(
  vectors: readonly Float32Array[],
  dimensions: number | undefined,
): readonly Float32Array[] {
  if (dimensions === undefined) return vectors
  return vectors.map((vector) => {
    if (dimensions > vector.length)
      throw new EngineError('invalid', `Expected dimensions to be at most ${vector.length}, received ${dimensions}`)
    const part = vector.subarray(0, dimensions)
    const length = Math.hypot(...part)
    return length === 0 ? part : part.map((value) => value / length)
  })
}

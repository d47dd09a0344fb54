/**
 * The assignment of rows to columns with the least total cost: for each row its column, or -1. `cost` is finite, rows of equal
 * length; min(rows, columns) rows get a column, each another. Exact, O(rows² × columns): the Hungarian method by shortest augmenting
 * paths with potentials (Kuhn 1955; Jonker and Volgenant 1987).
 */
export function assign(cost: readonly (readonly number[])[]): number[] {
  const rows = cost.length
  const columns = cost[0]?.length ?? 0
  if (columns === 0) return cost.map(() => -1)
  if (rows <= columns) return assignRows(cost, columns)
  const turned = Array.from({ length: columns }, (_, column) => cost.map((row) => row[column] as number))
  const columnOf = new Array<number>(rows).fill(-1)
  for (const [column, row] of assignRows(turned, rows).entries()) columnOf[row] = column
  return columnOf
}

/** For at most as many rows as columns. Column 0 of the arrays stands for "none yet"; rows and columns count from 1. */
function assignRows(cost: readonly (readonly number[])[], columns: number): number[] {
  const search: Search = {
    cost,
    rowPotential: new Float64Array(cost.length + 1),
    columnPotential: new Float64Array(columns + 1),
    rowOf: new Int32Array(columns + 1),
  }
  for (let row = 1; row <= cost.length; row++) augment(search, row)
  const columnOf = new Array<number>(cost.length).fill(-1)
  for (let column = 1; column <= columns; column++) {
    const row = search.rowOf[column] as number
    if (row > 0) columnOf[row - 1] = column - 1
  }
  return columnOf
}

interface Search {
  readonly cost: readonly (readonly number[])[]
  readonly rowPotential: Float64Array
  readonly columnPotential: Float64Array
  /** By column; 0 while it is free. */
  readonly rowOf: Int32Array
}

/** Gives one more row its column along the cheapest path of exchanges. */
function augment({ cost, rowPotential, columnPotential, rowOf }: Search, newRow: number): void {
  const length = rowOf.length
  const least = new Float64Array(length).fill(Number.POSITIVE_INFINITY)
  const from = new Int32Array(length)
  const visited = new Uint8Array(length)
  rowOf[0] = newRow
  let column = 0
  while (rowOf[column] !== 0) {
    visited[column] = 1
    const row = rowOf[column] as number
    const costs = cost[row - 1] as readonly number[]
    let step = Number.POSITIVE_INFINITY
    let next = 0
    for (let j = 1; j < length; j++) {
      if (visited[j]) continue
      const reduced = (costs[j - 1] as number) - rowPotential[row]! - columnPotential[j]!
      if (reduced < least[j]!) {
        least[j] = reduced
        from[j] = column
      }
      if (least[j]! < step) {
        step = least[j]!
        next = j
      }
    }
    for (let j = 0; j < length; j++) {
      if (visited[j]) {
        rowPotential[rowOf[j]!]! += step
        columnPotential[j]! -= step
      } else least[j]! -= step
    }
    column = next
  }
  for (; column !== 0; column = from[column] as number) rowOf[column] = rowOf[from[column] as number] as number
}

import { assign } from './assignment.ts'

/** A pair of an index of the one list and an index of the other. */
export type Match = readonly [left: number, right: number]

/**
 * Pairs the things of two lists so that the sum of (similarity − `least`) is largest; pairs below `least` are none. Exact:
 * the lists fall apart into groups that no allowed pair links, and each group is an assignment of its own, so that a crowd
 * whose members do not touch costs little.
 */
export function associate<L, R>(
  lefts: readonly L[],
  rights: readonly R[],
  similarity: (left: L, right: R) => number,
  least: number,
): Match[] {
  const gains = lefts.map((left) => rights.map((right) => Math.max(0, similarity(left, right) - least)))
  return groupsOf(gains, rights.length).flatMap(({ rows, columns }) => {
    const cost = rows.map((row) => columns.map((column) => -gainAt(gains, row, column)))
    return assign(cost).flatMap((column, row): Match[] => {
      const match: Match = [rows[row] as number, columns[column] ?? -1]
      return column >= 0 && gainAt(gains, ...match) > 0 ? [match] : []
    })
  })
}

function gainAt(gains: readonly (readonly number[])[], row: number, column: number): number {
  return gains[row]?.[column] ?? 0
}

interface Group {
  readonly rows: number[]
  readonly columns: number[]
}

/** Rows and columns that gains above 0 link, directly or by others; those that nothing links are in no group. */
function groupsOf(gains: readonly (readonly number[])[], columnCount: number): Group[] {
  const rowsLeft = new Set(gains.keys())
  const columnsLeft = new Set(Array.from({ length: columnCount }, (_, column) => column))
  const groups: Group[] = []
  for (const first of rowsLeft) {
    rowsLeft.delete(first)
    const group: Group = { rows: [first], columns: [] }
    for (const row of group.rows) {
      const linked = [...columnsLeft].filter((column) => gainAt(gains, row, column) > 0)
      for (const column of linked) {
        columnsLeft.delete(column)
        group.columns.push(column)
        const others = [...rowsLeft].filter((other) => gainAt(gains, other, column) > 0)
        for (const other of others) rowsLeft.delete(other)
        group.rows.push(...others)
      }
    }
    if (group.columns.length > 0) groups.push(group)
  }
  return groups
}

import { type ColumnRun, columnsOf, type RunMask } from './mask-runs.ts'

/** A closed line: x and y by turns, in pixels, where pixel 0 spans 0 to 1. */
export type Outline = readonly number[]

/** Corners nearer than this to the line without them are left out, in pixels: the steps of a slanted edge are. */
const tolerance = 0.75
/** A loop that would keep fewer is left as it is: it is a few pixels large. */
const fewestCorners = 4

interface Corner {
  readonly x: number
  readonly y: number
}

/** The outer borders of a mask's parts, clockwise as one sees them; holes are not told. */
export function outlinesOf(mask: RunMask): Outline[] {
  const columns = columnsOf(mask)
  const loops = traceLoops(bordersOf(columns, mask.size[0] + 1), mask.size[0] + 1)
  return loops.filter((loop) => areaOf(loop) > 0).map((loop) => simplify(loop).flatMap(({ x, y }) => [x, y]))
}

/** Where a border leads from each corner: one way, or two where parts touch by their corners. Corners by number: x · high + y. */
type Borders = Map<number, number[]>

/** All borders, the mask on their right. */
function bordersOf(columns: readonly (readonly ColumnRun[])[], high: number): Borders {
  const borders: Borders = new Map()
  const add = (from: number, to: number) => {
    const ways = borders.get(from)
    if (ways) ways.push(to)
    else borders.set(from, [to])
  }
  for (let x = 0; x <= columns.length; x++) {
    const [left, right] = [columns[x - 1] ?? [], columns[x] ?? []]
    const here = x * high
    for (const { begin, end } of right) {
      add(here + begin, here + high + begin)
      add(here + high + end, here + end)
    }
    for (const { begin, end } of without(right, left)) add(here + end, here + begin)
    for (const { begin, end } of without(left, right)) add(here + begin, here + end)
  }
  return borders
}

/** Parts of the first runs that none of the others covers. Both go from top to bottom. */
function without(runs: readonly ColumnRun[], others: readonly ColumnRun[]): ColumnRun[] {
  return runs.flatMap(({ begin, end }) => {
    const parts: ColumnRun[] = []
    let from = begin
    for (const other of others) {
      if (other.end <= from || other.begin >= end) continue
      if (other.begin > from) parts.push({ begin: from, end: other.begin })
      from = other.end
    }
    if (from < end) parts.push({ begin: from, end })
    return parts
  })
}

/** Follows every border once. Where two ways leave a corner the sharper right turn is taken, which keeps parts apart that touch there. */
function traceLoops(borders: Borders, high: number): Corner[][] {
  const loops: Corner[][] = []
  const toCorner = (number: number): Corner => ({ x: Math.floor(number / high), y: number % high })
  for (const start of borders.keys()) {
    while ((borders.get(start)?.length ?? 0) > 0) {
      const loop: Corner[] = []
      let [before, at] = [start, start]
      do {
        const next = takeWay(borders.get(at)!, before, at, high)
        loop.push(toCorner(at))
        ;[before, at] = [at, next]
      } while (at !== start)
      loops.push(loop)
    }
  }
  return loops
}

/** Takes the way on out of those that are left. */
function takeWay(ways: number[], before: number, at: number, high: number): number {
  if (ways.length === 1 || before === at) return ways.pop()!
  const direction = (from: number, to: number): Corner => ({
    x: Math.sign(Math.floor(to / high) - Math.floor(from / high)),
    y: Math.sign((to % high) - (from % high)),
  })
  const came = direction(before, at)
  const turn = (to: number) => came.x * direction(at, to).y - came.y * direction(at, to).x
  const [first, second] = ways as [number, number]
  const taken = turn(first) > turn(second) ? 0 : 1
  return ways.splice(taken, 1)[0] ?? second
}

/** Of a loop that goes clockwise above 0, in square pixels. */
function areaOf(loop: readonly Corner[]): number {
  return loop.reduce((sum, { x, y }, i) => {
    const next = loop[(i + 1) % loop.length]!
    return sum + (x * next.y - next.x * y) / 2
  }, 0)
}

/** Douglas and Peucker 1973, on the loop's two halves between its first corner and the one that is farthest from it. */
function simplify(loop: readonly Corner[]): readonly Corner[] {
  const first = loop[0]!
  const distances = loop.map(({ x, y }) => Math.hypot(x - first.x, y - first.y))
  const far = distances.indexOf(Math.max(...distances))
  const kept = [...keepCorners([...loop.slice(0, far + 1)]), ...keepCorners([...loop.slice(far), first])]
  return kept.length < fewestCorners ? loop : kept
}

/** What is to be kept of an open line, but for its last corner. */
function keepCorners(line: readonly Corner[]): Corner[] {
  const kept = new Set([0])
  const parts: [number, number][] = [[0, line.length - 1]]
  for (let part = parts.pop(); part; part = parts.pop()) {
    const [from, to] = part
    const [far, distance] = farthest(line, from, to)
    if (distance <= tolerance) continue
    kept.add(far)
    parts.push([from, far], [far, to])
  }
  return [...kept].sort((a, b) => a - b).map((i) => line[i]!)
}

/** The corner between two others that is farthest from the straight line between them, and how far it is. */
function farthest(line: readonly Corner[], from: number, to: number): [number, number] {
  const [a, b] = [line[from]!, line[to]!]
  const length = Math.hypot(b.x - a.x, b.y - a.y)
  let [found, most] = [from, 0]
  for (let i = from + 1; i < to; i++) {
    const { x, y } = line[i]!
    const distance =
      length === 0 ? Math.hypot(x - a.x, y - a.y) : Math.abs((b.x - a.x) * (a.y - y) - (a.x - x) * (b.y - a.y)) / length
    if (distance > most) [found, most] = [i, distance]
  }
  return [found, most]
}

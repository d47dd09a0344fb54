import { EngineError } from '../errors.ts'

/** A mask as COCO has it: `size` is height and width, `counts` its compressed runs (cocoapi, `rleToString`). */
export interface RunMask {
  readonly size: readonly [height: number, width: number]
  readonly counts: string
}

/** Pixels of one column that belong to a mask: from `begin` to `end`, which is excluded. */
export interface ColumnRun {
  readonly begin: number
  readonly end: number
}

const offset = 48
const moreBit = 0x20
const signBit = 0x10
const valueBits = 0x1f

/** Lengths of the runs, down the columns from left to right, the first of pixels outside. Throws `invalid` when they do not fill the mask's size exactly. */
export function parseRuns({ size: [height, width], counts }: RunMask): number[] {
  const runs: number[] = []
  let [at, filled] = [0, 0]
  while (at < counts.length) {
    let [value, shift, bits] = [0, 0, moreBit]
    while ((bits & moreBit) !== 0 && at < counts.length) {
      bits = counts.charCodeAt(at++) - offset
      value |= (bits & valueBits) << shift
      shift += 5
    }
    if ((bits & signBit) !== 0 && shift < 32) value |= -1 << shift
    const run = runs.length > 2 ? value + runs[runs.length - 2]! : value
    runs.push(run)
    filled += run
    if (run < 0) break
  }
  if (filled === height * width && runs.every((run) => run >= 0)) return runs
  throw new EngineError('invalid', `Expected runs of ${height} × ${width} pixels in all, received ${filled}`)
}

/** The opposite of `parseRuns`. */
export function formatRuns(runs: readonly number[]): string {
  return runs.map((run, i) => formatCount(i > 2 ? run - runs[i - 2]! : run)).join('')
}

function formatCount(count: number): string {
  let [value, text, more] = [count, '', true]
  while (more) {
    const bits = value & valueBits
    value >>= 5
    more = (bits & signBit) === 0 ? value !== 0 : value !== -1
    text += String.fromCharCode(offset + bits + (more ? moreBit : 0))
  }
  return text
}

/** For each column of the mask the runs in it, from top to bottom. */
export function columnsOf(mask: RunMask): ColumnRun[][] {
  const [height, width] = mask.size
  const columns = Array.from({ length: width }, (): ColumnRun[] => [])
  let at = 0
  for (const [i, run] of parseRuns(mask).entries()) {
    for (let from = at; i % 2 === 1 && from < at + run; ) {
      const column = Math.floor(from / height)
      const to = Math.min(at + run, (column + 1) * height)
      columns[column]!.push({ begin: from - column * height, end: to - column * height })
      from = to
    }
    at += run
  }
  return columns
}

/** The mask on a picture of another size: each pixel is the one that lies under its middle. */
export function scaleMask(mask: RunMask, [height, width]: RunMask['size']): RunMask {
  const [oldHeight, oldWidth] = mask.size
  if (height === oldHeight && width === oldWidth) return mask
  const columns = columnsOf(mask)
  const toRow = (row: number) => Math.min(height, Math.max(0, Math.ceil((row * height) / oldHeight - 0.5)))
  const runs = [0]
  let end = 0
  for (let x = 0; x < width; x++) {
    for (const run of columns[Math.min(oldWidth - 1, Math.floor(((x + 0.5) * oldWidth) / width))]!) {
      const [from, to] = [x * height + toRow(run.begin), x * height + toRow(run.end)]
      if (from === to) continue
      if (from > end || runs.length === 1) {
        runs[runs.length - 1] = from - end
        runs.push(0, 0)
      }
      runs[runs.length - 2]! += to - from
      end = to
    }
  }
  runs[runs.length - 1] = height * width - end
  return { size: [height, width], counts: formatRuns(runs.at(-1) === 0 && runs.length > 1 ? runs.slice(0, -1) : runs) }
}

import { readdirSync, writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import type { BenchRow, Spread } from './row.ts'

/**
 * Runs every `*.bench` file beside this one, or those whose name contains one of the arguments, one after the other, and
 * prints one table. `--json FILE` writes the rows too. A missed goal is a row, not a failure; a benchmark that throws is.
 */
const { values, positionals } = parseArgs({ allowPositionals: true, options: { json: { type: 'string' } } })
const rows: BenchRow[] = []
let failures = 0

for (const file of readdirSync(new URL('.', import.meta.url)).sort()) {
  const name = /^(.+)\.bench\.(js|ts)$/.exec(file)?.[1]
  if (name === undefined || (positionals.length > 0 && !positionals.some((wanted) => name.includes(wanted)))) continue
  console.error(`bench: ${name} …`)
  try {
    const { default: bench } = (await import(new URL(file, import.meta.url).href)) as {
      default: () => Promise<BenchRow[]>
    }
    rows.push(...(await bench()))
  } catch (error) {
    failures++
    console.error(`bench: ${name} failed:`, error)
  }
}

console.log(toTable(rows))
if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(rows, null, 2)}\n`)
process.exit(failures === 0 ? 0 : 1)

function toTable(rows: readonly BenchRow[]): string {
  const heads = ['name', 'ours (min–max)', 'peer (min–max)', 'peer is', 'unit', 'ratio', 'goal', 'met']
  const cells = [heads, ...rows.map(toCells)]
  const widths = heads.map((_, column) => Math.max(...cells.map((line) => line[column]?.length ?? 0)))
  return cells.map((line) => line.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ')).join('\n')
}

function toCells(row: BenchRow): string[] {
  return [
    row.name,
    toFigure(row.ours, row.oursSpread),
    toFigure(row.peer, row.peerSpread),
    row.peerName,
    row.unit,
    row.ratio === null ? '' : row.ratio.toFixed(2),
    row.goal === null ? '' : row.goal.toFixed(2),
    row.met === null ? '' : row.met ? 'yes' : 'NO',
  ]
}

/** `12.34 (12.01–12.70)`: the median, and the least and the greatest of the runs. */
function toFigure(value: number | null, spread: Spread | null): string {
  if (value === null || spread === null) return ''
  return `${toText(value)} (${toText(spread.min)}–${toText(spread.max)})`
}

/** Four digits that count, and no exponent. */
function toText(value: number): string {
  return Math.abs(value) >= 1000 ? value.toFixed(0) : String(Number(value.toPrecision(4)))
}

import { readdirSync, writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import type { BenchRow } from './row.ts'

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
  const cells = [['name', 'ours', 'peer', 'peer is', 'unit', 'ratio', 'goal', 'met'], ...rows.map(toCells)]
  const widths = cells[0]?.map((_, column) => Math.max(...cells.map((line) => line[column]?.length ?? 0))) ?? []
  return cells.map((line) => line.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ')).join('\n')
}

function toCells(row: BenchRow): string[] {
  const met = row.met === null ? '' : row.met ? 'yes' : 'NO'
  const figures = [row.ours, row.peer].map((value) => value.toPrecision(4))
  return [
    row.name,
    ...figures,
    row.peerName,
    row.unit,
    row.ratio.toFixed(2),
    row.goal === null ? '' : String(row.goal),
    met,
  ]
}

import { setTimeout as wait } from 'node:timers/promises'
import { nowMs } from '../support/built-engine.ts'
import { type HailoLoad, startHailoLoad } from '../support/hailo-load.ts'
import { type BenchRow, toRow } from './row.ts'

const runs = 3
const goalMs = 3000
/** Between two faults: what was lost is loaded again. */
const restMs = 4000

type Act = (load: HailoLoad) => Promise<unknown>
const signal =
  (name: NodeJS.Signals): Act =>
  async ({ engine }) =>
    process.kill(await engine.hostPid('hailo-vision'), name)
const command =
  (name: string, more = {}): Act =>
  (load) =>
    load.command(name, more)

/** A fault, and what mends it once the streams go on. */
const faults: readonly (readonly [name: string, inflict: Act, mend?: Act])[] = [
  ['host killed', signal('SIGKILL')],
  ['host stopped', signal('SIGSTOP')],
  ['device gone, and back', command('die')],
  ['link broken', command('disconnect')],
  ['device hung', command('hang'), command('resume')],
  ['inference not started', command('fail-run')],
]

/** How long 4 live streams are without results after a fault of the device, while 20 clients ask all the time: the longest of the four. */
export default async function bench(): Promise<BenchRow[]> {
  await using load = await startHailoLoad()
  const rows: BenchRow[] = []
  for (const [name, inflict, mend] of faults) {
    const times: number[] = []
    for (let i = 0; i < runs; i++) times.push(await timeOf(load, inflict, mend))
    const met = (ms: number) => ms <= goalMs
    rows.push(toRow({ name: `${name}: streams back (≤ ${goalMs})`, unit: 'ms', ours: times, better: 'less', met }))
  }
  return rows
}

async function timeOf(load: HailoLoad, inflict: Act, mend?: Act): Promise<number> {
  const moment = nowMs()
  await inflict(load)
  const ms = await load.resumedAfter(moment)
  await mend?.(load)
  await load.resumedAfter(nowMs(), 'hailo')
  await wait(restMs)
  return ms
}

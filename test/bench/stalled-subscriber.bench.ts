import { readFileSync } from 'node:fs'
import { setTimeout as wait } from 'node:timers/promises'
import { Child } from './child.ts'
import { topicPath } from './publishers.ts'
import { type BenchRow, toRow } from './row.ts'
import type { Phase, StalledFigures, StalledOrder } from './stalled-clients.ts'

const runs = 3
const credits = 2
const warmUpMs = 1500
/** How long a stall lasts, and the calm that it is compared with. */
const windowMs = 5000
const wakeMs = 1500
/** Before the stall, where only memory is looked at. */
const settleMs = 2000
/** Stalls per run: the 99th percentile of one has little to stand on. */
const cycles = 2

const latencyGoal = 10
const memoryGoalMb = 5

/** Who is compared. `server` and the query as `stalled-server.ts` and the contract name them. */
const subjects = {
  credits: { server: 'ours', query: `?credits=${credits}`, acknowledge: true },
  plain: { server: 'ours', query: '', acknowledge: false },
  naive: { server: 'naive', query: '', acknowledge: false },
  checked: { server: 'checked', query: '', acknowledge: false },
}
type Subject = keyof typeof subjects
const names = Object.keys(subjects) as Subject[]
const peerNames = { naive: 'ws, sends all', checked: 'ws, sends if bufferedAmount is 0' }

/**
 * One of 100 subscribers of a topic of 30 results of 4 KB a second stops reading for 5 s: what it gets when it wakes, what the
 * others notice, and, with 100 of 200 stalled, what the server's memory holds for them; also for 10 pictures of 100 KB a second.
 */
export default async function bench(): Promise<BenchRow[]> {
  const seen = await perSubject((subject) => measureLatency(subject))
  const memory = {
    results: await perSubject((subject) => measureMemory(subject, 'results')),
    pictures: await perSubject((subject) => measureMemory(subject, 'pictures')),
  }
  return [
    ...staleRows(seen),
    ...latencyRows(seen),
    ...memoryRows('4 KB', memory.results),
    ...memoryRows('100 KB', memory.pictures),
  ]
}

/** One figure of every run, by subject; the runs alternate. */
async function perSubject<T>(measure: (subject: Subject) => Promise<T>): Promise<Record<Subject, T[]>> {
  const all: Record<Subject, T[]> = { credits: [], plain: [], naive: [], checked: [] }
  for (let run = 0; run < runs; run++) for (const name of names) all[name].push(await measure(name))
  return all
}

type Seen = Record<Subject, StalledFigures[]>

function staleRows(seen: Seen): BenchRow[] {
  const stale = (subject: Subject) => seen[subject].map((one) => one.stale)
  const common = { unit: 'messages', better: 'less' } as const
  const row = (ours: 'credits' | 'plain', peer: 'naive' | 'checked') => {
    const what = ours === 'credits' ? `${credits} credits (≤ ${credits})` : 'no credits'
    const beside = { peer: stale(peer), peerName: peerNames[peer] }
    const goal = ours === 'credits' ? { met: (count: number) => count <= credits } : {}
    return toRow({ ...common, name: `stale at the wake, ${what}`, ours: stale(ours), ...beside, ...goal })
  }
  return [row('credits', 'naive'), row('credits', 'checked'), row('plain', 'naive')]
}

function latencyRows(seen: Seen): BenchRow[] {
  const rise = (subject: Subject) => seen[subject].map(({ calm, stall }) => 100 * (stall / calm - 1))
  const beside = { peerName: peerNames.checked, better: 'less' } as const
  const during = (ours: 'credits' | 'plain', phase: 'calm' | 'stall') => {
    const what = ours === 'credits' ? `${credits} credits` : 'no credits'
    const when = phase === 'calm' ? 'before' : 'during'
    const figures = { ours: seen[ours].map((one) => one[phase]), peer: seen.checked.map((one) => one[phase]) }
    return toRow({ ...beside, ...figures, name: `the others' p99 ${when} the stall, ${what}`, unit: 'ms' })
  }
  const risen = (ours: 'credits' | 'plain') => {
    const what = ours === 'credits' ? `${credits} credits` : 'no credits'
    const name = `rise of the others' p99, ${what} (< ${latencyGoal})`
    const met = (percent: number) => percent < latencyGoal
    // A quotient of two changes says nothing.
    return { ...toRow({ ...beside, name, unit: '%', ours: rise(ours), peer: rise('checked'), met }), ratio: null }
  }
  return (['credits', 'plain'] as const).flatMap((ours) => [during(ours, 'calm'), during(ours, 'stall'), risen(ours)])
}

function memoryRows(size: string, grown: Record<Subject, number[]>): BenchRow[] {
  const common = { unit: 'MB', better: 'less' } as const
  const row = (ours: 'credits' | 'plain', peer: 'naive' | 'checked') => {
    const what = ours === 'credits' ? `${credits} credits (≤ ${memoryGoalMb})` : 'no credits'
    const goal = ours === 'credits' ? { met: (mb: number) => mb <= memoryGoalMb } : {}
    const figures = { ours: grown[ours], peer: grown[peer], peerName: peerNames[peer] }
    // Growth may be 0, or less.
    return {
      ...toRow({ ...common, ...figures, ...goal, name: `memory for 100 stalled, ${size}, ${what}` }),
      ratio: null,
    }
  }
  return [row('credits', 'naive'), row('credits', 'checked'), row('plain', 'naive')]
}

async function measureLatency(subject: Subject): Promise<StalledFigures> {
  await using trial = await startTrial(subject, 'results', { clients: 100, stalled: 1 })
  for (let cycle = 0; cycle < cycles; cycle++) {
    await trial.pass('calm', windowMs)
    await trial.pass('stall', windowMs)
    await trial.pass('wake', wakeMs)
  }
  const { stale, calm, stall } = await trial.pass('idle', 0)
  console.error(
    `bench: stalled-subscriber: ${subject}: ${stale} stale, p99 of the others ${calm.toFixed(2)} and ${stall.toFixed(2)} ms`,
  )
  return { stale, calm, stall }
}

/** By how much the server grows while 100 of its 200 subscribers stall, in MB. */
async function measureMemory(subject: Subject, content: 'results' | 'pictures'): Promise<number> {
  await using trial = await startTrial(subject, content, { clients: 200, stalled: 100 })
  await trial.pass('calm', settleMs)
  const calm = { resident: await trial.residentMb(), kernel: kernelPages() }
  await trial.pass('stall', windowMs)
  const stalled = { resident: await trial.residentMb(), kernel: kernelPages() }
  console.error(
    `bench: stalled-subscriber: ${subject}, ${content}: ${calm.resident.toFixed(1)} MB before and ${stalled.resident.toFixed(1)} MB after the stall; pages in the kernel's TCP buffers ${calm.kernel} and ${stalled.kernel}`,
  )
  return stalled.resident - calm.resident
}

/** Of the whole machine: what a client that does not read leaves in the kernel is no process's memory. */
function kernelPages(): number {
  return Number(/^TCP: .* mem (\d+)/m.exec(readFileSync('/proc/net/sockstat', 'utf8'))?.[1])
}

interface RunningTrial extends AsyncDisposable {
  /** The figures so far, after the phase has lasted. */
  pass(phase: Phase, ms: number): Promise<StalledFigures>
  residentMb(): Promise<number>
}

async function startTrial(
  subject: Subject,
  content: 'results' | 'pictures',
  counts: Pick<StalledOrder, 'clients' | 'stalled'>,
): Promise<RunningTrial> {
  const { server: kind, query, acknowledge } = subjects[subject]
  const server = new Child('stalled-server', [kind, content], ['--expose-gc'])
  const clients = new Child('stalled-clients')
  const close = async () => {
    await clients[Symbol.asyncDispose]()
    await server[Symbol.asyncDispose]()
  }
  const order = { port: await server.hear<number>('port'), path: topicPath + query, acknowledge, ...counts }
  await clients.ask({ open: order }, 'open')
  await wait(warmUpMs)
  return {
    pass: async (phase, ms) => {
      const figures = await clients.ask<StalledFigures>({ phase }, 'figures')
      await wait(ms)
      return figures
    },
    residentMb: async () => (await server.ask<number>({}, 'resident')) / 1e6,
    [Symbol.asyncDispose]: close,
  }
}

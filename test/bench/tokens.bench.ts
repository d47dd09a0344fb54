import { availableParallelism, getPriority } from 'node:os'
import { hasTestData, testData } from '../support/data.ts'
import { Child } from './child.ts'
import { EngineProcess } from './engine-process.ts'
import { quantile } from './figures.ts'
import { cpuSeconds } from './process-cpu.ts'
import { type BenchRow, toRow } from './row.ts'

const model = 'stories260K'
const order = { prompt: 'Once upon a time, there was a little girl named Lily.', tokens: 400, count: 4 }
const runs = 3
/** What streaming may add to a token, in ms. */
const mostAdded = 1

/**
 * Tokens of a real model as a client of the engine gets them, by Ollama's stream, against the library asked directly in a process of
 * its own: same model, prompt, threads and priority, in turn. The model is so small that what is around it shows. On a machine with
 * other work the times between tokens also tell who waits for a core; the CPU time of a token does not.
 */
export default async function bench(): Promise<BenchRow[]> {
  if (!hasTestData) throw new Error('Expected the test data with stories260K.gguf')
  const threads = Math.max(1, availableParallelism() - 1)
  const settings = { 'models.paths': [testData('models')], 'hosts.threads': threads }
  await using engine = await EngineProcess.start({ pipelines: [], settings })
  await using ours = new Child('tokens-client', [String(engine.port), model])
  await ours.hear('ready')
  await ours.ask(order, 'arrivals') // loads the model, and so starts its host; compiles what is around it
  const host = await engine.hostPid('llama')
  // A host gives way to the engine; a peer that did not would be asked what else runs on this machine.
  await using peer = new Child('tokens-peer', [
    testData(`models/${model}.gguf`),
    String(threads),
    String(getPriority(host)),
  ])
  await peer.hear('ready')
  await peer.ask(order, 'arrivals')
  const all: Run[] = []
  for (let run = 0; run < runs; run++)
    all.push({ ours: await measure(ours, [engine.pid, host]), peer: await measure(peer, [peer.pid]) })
  return toRows(all)
}

interface Run {
  readonly ours: Gaps
  readonly peer: Gaps
}

/** Times between tokens, and the CPU time of one in the processes that make it, in ms. */
interface Gaps {
  readonly mean: number
  readonly p50: number
  readonly p99: number
  readonly cpu: number
}

async function measure(side: Child, pids: readonly number[]): Promise<Gaps> {
  const spent = () => pids.reduce((sum, pid) => sum + cpuSeconds(pid), 0)
  const before = spent()
  const arrivals = await side.ask<number[][]>(order, 'arrivals')
  const gaps = arrivals.flatMap((times) => times.slice(1).map((at, i) => at - (times[i] ?? at)))
  const mean = gaps.reduce((sum, gap) => sum + gap, 0) / gaps.length
  const cpu = (1000 * (spent() - before)) / (order.count * order.tokens)
  return { mean, p50: quantile(gaps, 0.5), p99: quantile(gaps, 0.99), cpu }
}

function toRows(all: readonly Run[]): BenchRow[] {
  const names = {
    mean: 'time between tokens mean',
    p50: 'time between tokens p50',
    p99: 'time between tokens p99',
    cpu: 'CPU time of a token',
  }
  const figures = (['mean', 'p50', 'p99', 'cpu'] as const).map((figure) =>
    toRow({
      ...{ name: names[figure], unit: 'ms', peerName: 'node-llama-cpp directly', better: 'less' },
      ours: all.map((run) => run.ours[figure]),
      peer: all.map((run) => run.peer[figure]),
    }),
  )
  const added = toRow({
    ...{ name: `added to a token by streaming (≤ ${mostAdded})`, unit: 'ms', better: 'less' },
    ours: all.map((run) => run.ours.mean - run.peer.mean),
    met: (more) => more <= mostAdded,
  })
  const work = toRow({
    ...{ name: 'CPU time added to a token', unit: 'ms', better: 'less' },
    ours: all.map((run) => run.ours.cpu - run.peer.cpu),
  })
  return [...figures, added, work]
}

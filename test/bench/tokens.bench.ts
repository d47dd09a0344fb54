import { availableParallelism } from 'node:os'
import { hasTestData, testData } from '../support/data.ts'
import { Child } from './child.ts'
import { EngineProcess } from './engine-process.ts'
import { quantile } from './figures.ts'
import { type BenchRow, toRow } from './row.ts'

const model = 'stories260K'
const order = { prompt: 'Once upon a time, there was a little girl named Lily.', tokens: 400, count: 4 }
const runs = 3
/** What streaming may add to a token, in ms. */
const mostAdded = 1

/**
 * Tokens of a real model as a client of the engine gets them, by Ollama's stream, against the library asked directly in a process of
 * its own: same model, prompt and threads, in turn. The model is so small that what is around it shows.
 */
export default async function bench(): Promise<BenchRow[]> {
  if (!hasTestData) throw new Error('Expected the test data with stories260K.gguf')
  const threads = Math.max(1, availableParallelism() - 1)
  const settings = { 'models.paths': [testData('models')], 'hosts.threads': threads }
  await using engine = await EngineProcess.start({ pipelines: [], settings })
  await using ours = new Child('tokens-client', [String(engine.port), model])
  await ours.hear('ready')
  await using peer = new Child('tokens-peer', [testData(`models/${model}.gguf`), String(threads)])
  await peer.hear('ready')
  const all: { ours: Gaps; peer: Gaps }[] = []
  for (let run = 0; run <= runs; run++) {
    const both = { ours: await measure(ours), peer: await measure(peer) }
    if (run > 0) all.push(both) // the first loads the model
  }
  return toRows(all)
}

/** Times between tokens, in ms. */
interface Gaps {
  readonly mean: number
  readonly p50: number
  readonly p99: number
}

async function measure(side: Child): Promise<Gaps> {
  const arrivals = await side.ask<number[][]>(order, 'arrivals')
  const gaps = arrivals.flatMap((times) => times.slice(1).map((at, i) => at - (times[i] ?? at)))
  const mean = gaps.reduce((sum, gap) => sum + gap, 0) / gaps.length
  return { mean, p50: quantile(gaps, 0.5), p99: quantile(gaps, 0.99) }
}

function toRows(all: readonly { readonly ours: Gaps; readonly peer: Gaps }[]): BenchRow[] {
  const figures = (['mean', 'p50', 'p99'] as const).map((figure) =>
    toRow({
      ...{ name: `time between tokens ${figure}`, unit: 'ms', peerName: 'node-llama-cpp directly', better: 'less' },
      ours: all.map((run) => run.ours[figure]),
      peer: all.map((run) => run.peer[figure]),
    }),
  )
  const added = toRow({
    ...{ name: `added to a token by streaming (≤ ${mostAdded})`, unit: 'ms', better: 'less' },
    ours: all.map((run) => run.ours.mean - run.peer.mean),
    met: (more) => more <= mostAdded,
  })
  return [...figures, added]
}

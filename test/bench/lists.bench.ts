import { once } from 'node:events'
import { Agent, type IncomingMessage, request } from 'node:http'
import { buffer } from 'node:stream/consumers'
import { setTimeout as wait } from 'node:timers/promises'
import { hasTestData, testData } from '../support/data.ts'
import { Child } from './child.ts'
import { EngineProcess } from './engine-process.ts'
import { quantile } from './figures.ts'
import { type BenchRow, toRow } from './row.ts'

const paths = ['/api/health', '/api/ps', '/api/tags'] as const
const model = 'stories260K'
const order = { prompt: 'Once upon a time', tokens: 400, count: 20 }
const runs = 3
const pauseMs = 20
/** The bound of the issue. */
const mostMs = 100

/** How long lists and health take while a model generates without a pause. */
export default async function bench(): Promise<BenchRow[]> {
  if (!hasTestData) throw new Error('Expected the test data with stories260K.gguf')
  const settings = { 'models.paths': [testData('models')] }
  await using engine = await EngineProcess.start({ pipelines: [], settings })
  await using client = new Child('tokens-client', [String(engine.port), model])
  await client.hear('ready')
  await client.ask({ ...order, count: 1 }, 'arrivals')
  const all: Record<string, number[]>[] = []
  for (let run = 0; run < runs; run++) all.push(await measure(engine.url, client))
  return paths.flatMap((path) => {
    const row = (name: string, share: number, met?: (ms: number) => boolean) =>
      toRow({
        ...{ name: `${path} while a model generates, ${name}`, unit: 'ms', better: 'less', ...(met ? { met } : {}) },
        ours: all.map((run) => quantile(run[path] ?? [], share)),
      })
    return [row('p50', 0.5), row('p99', 0.99), row(`most (≤ ${mostMs})`, 1, (ms) => ms <= mostMs)]
  })
}

/** Times of each path's answers, in ms, until the answers of the model have ended. */
async function measure(url: string, client: Child): Promise<Record<string, number[]>> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  const times: Record<string, number[]> = Object.fromEntries(paths.map((path) => [path, []]))
  let generates = true
  const answers = client.ask<number[][]>(order, 'arrivals').finally(() => {
    generates = false
  })
  while (generates)
    for (const path of paths) {
      times[path]?.push(await timeAnswer(`${url}${path}`, agent))
      await wait(pauseMs)
    }
  await answers
  agent.destroy()
  return times
}

async function timeAnswer(url: string, agent: Agent): Promise<number> {
  const startedAt = performance.now()
  const [answer] = (await once(request(url, { agent }).end(), 'response')) as [IncomingMessage]
  const { length } = await buffer(answer)
  if (answer.statusCode !== 200 || length === 0) throw new Error(`Expected an answer of ${url}`)
  return performance.now() - startedAt
}

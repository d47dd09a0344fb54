import { Agent, get } from 'node:http'
import { availableParallelism } from 'node:os'
import { setTimeout as wait } from 'node:timers/promises'
import { type Sample, sampleOf } from '../support/metrics.ts'
import { until } from '../support/wait.ts'
import { Child, fileOf } from './child.ts'
import { detectorFile, detectorPaths, EngineProcess, resultsOf } from './engine-process.ts'
import { quantile } from './figures.ts'
import type { LoopDelay } from './loop-probe.ts'
import { cpuSeconds } from './process-cpu.ts'
import { type BenchRow, toRow } from './row.ts'

const runs = 3
const threads = availableParallelism()
const warmUpMs = 2000
const measureMs = 20_000
const requestsPerSecond = 20
const subscribers = 20
const probe = ['--import', fileOf('loop-probe').href]

const delayGoalMs = 5
const healthGoalMs = 20

/** Two cameras, each before a detector that takes every core and is never slowed, and one seen by people. */
const pipeline = {
  name: 'bench',
  streams: {
    door: { source: 'test', size: '1280x720', rate: 30 },
    yard: { source: 'test', pattern: 'ball', size: '1280x720', rate: 30 },
    visitors: { from: 'door', node: 'detect', priority: 31 },
    cars: { from: 'yard', node: 'detect', priority: 31 },
  },
  publish: ['door', 'visitors', 'cars'],
}
const detectors = ['visitors', 'cars']

/**
 * The engine with detectors that saturate every core, 60 subscribers, and 20 requests a second: how late its event loop is, and
 * how long health takes. Beside it a plain Node server that runs the same network in its main thread.
 */
export default async function bench(): Promise<BenchRow[]> {
  const ours: Figures[] = []
  const peer: Figures[] = []
  for (let run = 0; run < runs; run++) {
    ours.push(await measureOurs())
    peer.push(await measurePeer())
  }
  const row = (name: string, figure: keyof Figures, limit: number) => {
    const figures = { ours: ours.map((one) => one[figure]), peer: peer.map((one) => one[figure]) }
    return toRow({ ...common, ...figures, name: `${name} (≤ ${limit})`, met: (ms) => ms <= limit })
  }
  const common = { unit: 'ms', peerName: 'onnxruntime-node in the main thread', better: 'less' } as const
  const rates = { ours: ours.map(({ rate }) => rate), peer: peer.map(({ rate }) => rate) }
  return [
    row('event-loop delay p99, as /metrics tells', 'monitor', delayGoalMs),
    row('event-loop delay p99, by a timer of 5 ms', 'timer', delayGoalMs),
    toRow({
      ...common,
      name: 'the same, less waits for a core',
      ours: ours.map(({ own }) => own),
      peer: peer.map(({ own }) => own),
    }),
    row('GET /api/health p99', 'health', healthGoalMs),
    toRow({ ...common, ...rates, name: `results with ${threads} threads`, unit: 'frames/s', better: 'more' }),
  ]
}

interface Figures extends LoopDelay {
  /** 99th percentile of a request, in ms. */
  readonly health: number
  /** Frames answered by the network a second. */
  readonly rate: number
}

async function measureOurs(): Promise<Figures> {
  const settings = { 'hosts.threads': threads, 'models.paths': detectorPaths }
  await using engine = await EngineProcess.start({ pipelines: [pipeline], settings, flags: probe })
  const watchers: Child[] = []
  try {
    for (const stream of pipeline.publish) watchers.push(await engine.watch(`bench/${stream}`, subscribers))
    for (const stream of detectors)
      await until('a result', async () => resultsOf(await engine.metrics(), stream) > 0, 60_000)
    await wait(warmUpMs)
    return await measureEngine(engine)
  } finally {
    for (const child of watchers) await child[Symbol.asyncDispose]()
  }
}

/** Results of all detectors so far. */
function answered(samples: readonly Sample[]): number {
  return detectors.reduce((sum, stream) => sum + resultsOf(samples, stream), 0)
}

async function measureEngine(engine: EngineProcess): Promise<Figures> {
  await using idle = new Child('idle-process', [], probe)
  const vision = await engine.hostPid('vision')
  // Both look from here on: each scrape begins a new time.
  const before = answered(await engine.metrics())
  await engine.ask<LoopDelay>({ probe: true })
  await idle.askWhole<LoopDelay>({ probe: true })
  const cpu = [cpuSeconds(vision), cpuSeconds(engine.pid)]
  const health = await askHealth(`${engine.url}/api/health`)
  const [visionCpu = 0, engineCpu = 0] = [cpuSeconds(vision), cpuSeconds(engine.pid)].map((now, i) => now - cpu[i]!)
  const { timer, own } = await engine.ask<LoopDelay>({ probe: true })
  const nothing = await idle.askWhole<LoopDelay>({ probe: true })
  const samples = await engine.metrics()
  const cores = (seconds: number) => ((1000 * seconds) / measureMs).toFixed(2)
  console.error(
    `bench: event-loop: ${cores(visionCpu)} cores for the vision host, ${cores(engineCpu)} for the engine; a process with nothing to do was ${nothing.timer.toFixed(1)} ms late`,
  )
  const monitor = 1000 * (sampleOf(samples, 'hailstream_event_loop_delay_seconds', { quantile: '0.99' }) ?? NaN)
  return { timer, own, monitor, health, rate: (answered(samples) - before) / (measureMs / 1000) }
}

async function measurePeer(): Promise<Figures> {
  await using peer = new Child('event-loop-peer', [detectorFile(), String(threads)], probe)
  const port = await peer.hear<number>('port')
  await wait(warmUpMs)
  const before = await peer.ask<number>({ frames: true }, 'frames')
  await peer.ask({ probe: true }, 'timer')
  const health = await askHealth(`http://127.0.0.1:${port}/`)
  const frames = (await peer.ask<number>({ frames: true }, 'frames')) - before
  const delay = await peer.askWhole<LoopDelay>({ probe: true })
  return { ...delay, health, rate: frames / (measureMs / 1000) }
}

/** Requests at a steady pace, whether or not the one before was answered: the 99th percentile of their times in ms. */
async function askHealth(url: string): Promise<number> {
  const agent = new Agent({ keepAlive: true })
  const times: Promise<number>[] = []
  const startedAt = performance.now()
  const count = (measureMs / 1000) * requestsPerSecond
  for (let i = 0; i < count; i++) {
    const time = timeRequest(url, agent)
    // It is told below, when all are there.
    time.catch(() => undefined)
    times.push(time)
    await wait(Math.max(0, startedAt + ((i + 1) * 1000) / requestsPerSecond - performance.now()))
  }
  const all = await Promise.all(times)
  agent.destroy()
  return quantile(all, 0.99)
}

async function timeRequest(url: string, agent: Agent): Promise<number> {
  const startedAt = performance.now()
  while (!(await ask(url, agent)));
  return performance.now() - startedAt
}

/** False when the server closed an idle connection just as it was used again: then one asks anew. */
function ask(url: string, agent: Agent): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const request = get(url, { agent }, (response) => {
      response.resume()
      response.on('end', () => {
        if (response.statusCode === 200) resolve(true)
        else reject(new Error(`Expected 200 from ${url}, received ${response.statusCode}`))
      })
    })
    request.on('error', (error) => (request.reusedSocket ? resolve(false) : reject(error)))
  })
}

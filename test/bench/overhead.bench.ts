import { setTimeout as wait } from 'node:timers/promises'
import { AnchoredClock } from '../../engine/core/clock.ts'
import { fileLaunch, testLaunch } from '../../engine/hosts/launch.ts'
import type { OnWorked } from '../../engine/inference/scheduler.ts'
import { visionNodes } from '../../engine/inference/vision-task.ts'
import testSource from '../../engine/sources/test.ts'
import { hasTestData, testData } from '../support/data.ts'
import { createVision } from '../support/vision.ts'
import { until } from '../support/wait.ts'
import { Child } from './child.ts'
import { EngineParts } from './engine-parts.ts'
import { detectorFile, detectorPaths, EngineProcess, resultsOf } from './engine-process.ts'
import type { FanOutOrder } from './fan-out-clients.ts'
import { median, quantile } from './figures.ts'
import type { Receipt } from './freshness-client.ts'
import { writeLightNetwork } from './light-network.ts'
import type { LoopFigures, LoopOptions } from './overhead-peer.ts'
import { cpuSeconds } from './process-cpu.ts'
import { type BenchRow, toRow } from './row.ts'

const runs = 3
const warmUpMs = 2000
const measureMs = 12_000
const cameraRate = 30
const size = { width: 1280, height: 720 }

const goals = { p50: 2, p99: 5, fps: 0.95 }
const peerName = 'one loop: appsink, fit, bare ONNX Runtime'

/**
 * What the engine adds to a network's own time: from a camera frame's capture to its result at a subscriber, and in frames a
 * second of a file read as fast as it goes; and the CPU that a frame takes. Beside it one process that does no more than it must.
 */
export default async function bench(): Promise<BenchRow[]> {
  await using light = await writeLightNetwork()
  const fast = await alternate({ model: light.file, paths: [light.path], rate: cameraRate })
  const rows = [
    ageRow(`beyond the network at ${cameraRate} fps, light one, p50 (≤ ${goals.p50})`, fast, 'p50', goals.p50),
    ageRow(`beyond the network at ${cameraRate} fps, light one, p99 (≤ ${goals.p99})`, fast, 'p99', goals.p99),
    ageRow(`beyond fit, network, decode at ${cameraRate} fps, p50 (≤ ${goals.p50})`, fast, 'engineP50', goals.p50),
    ageRow(`beyond fit, network, decode at ${cameraRate} fps, p99 (≤ ${goals.p99})`, fast, 'engineP99', goals.p99),
    ageRow(`beyond the node's call at ${cameraRate} fps, p50 (≤ ${goals.p50})`, fast, 'graphP50', goals.p50),
    ageRow(`beyond the node's call at ${cameraRate} fps, p99 (≤ ${goals.p99})`, fast, 'graphP99', goals.p99),
    cpuRow('CPU per frame, camera to result, light network', fast),
  ]
  if (hasTestData) return [...rows, ...(await detectorRows())]
  console.error('bench: overhead: no YOLOv8n and no film without HAILSTREAM_TEST_DATA: their rows are left out')
  return rows
}

interface Camera {
  readonly model: string
  readonly paths: readonly string[]
  readonly rate: number
}

interface Overhead {
  /** In ms, the network's own time taken off. */
  readonly p50: number
  readonly p99: number
  /** In ms, the times of fit, network and decoding taken off: what is left is moving pixels and messages. */
  readonly engineP50: number
  readonly engineP99: number
  /** In ms, the node's whole call of its model taken off, waiting and messages to the host included: what is left is capture, graph and topic. */
  readonly graphP50: number
  readonly graphP99: number
  /** In ms per frame, all processes. */
  readonly cpu: number
}

interface Both<T> {
  readonly ours: T[]
  readonly peer: T[]
}

function ageRow(
  name: string,
  { ours, peer }: Both<Overhead>,
  figure: Exclude<keyof Overhead, 'cpu'>,
  limit: number,
): BenchRow {
  const figures = { ours: ours.map((one) => one[figure]), peer: peer.map((one) => one[figure]) }
  return toRow({ name, unit: 'ms', ...figures, peerName, better: 'less', met: (ms: number) => ms <= limit })
}

function cpuRow(name: string, { ours, peer }: Both<{ readonly cpu: number }>): BenchRow {
  const figures = { ours: ours.map(({ cpu }) => cpu), peer: peer.map(({ cpu }) => cpu) }
  return toRow({ name, unit: 'ms CPU/frame', ...figures, peerName, better: 'less' })
}

/** What the network takes, and its fit and decoding, is the peer's in the same run: nothing stands between the peer and its network. */
async function alternate(camera: Camera): Promise<Both<Overhead>> {
  const both: Both<Overhead> = { ours: [], peer: [] }
  for (let run = 0; run < runs; run++) {
    const peer = await runLoop(camera)
    const ours = await runEngine(camera)
    const without = ({ ages, cpu }: Seen, callMs: number): Overhead => {
      const [p50, p99] = [median(ages), quantile(ages, 0.99)]
      const [engineP50, engineP99] = [p50 - peer.answerMs, p99 - peer.answerMs]
      const [graphP50, graphP99] = [p50 - callMs, p99 - callMs]
      return { p50: p50 - peer.runMs, p99: p99 - peer.runMs, engineP50, engineP99, graphP50, graphP99, cpu }
    }
    both.ours.push(without(ours, median(ours.calls)))
    both.peer.push(without(peer, peer.answerMs))
    const [network, all] = [peer.runMs.toFixed(2), peer.answerMs.toFixed(2)]
    console.error(`bench: overhead: the network alone took ${network} ms, with fit and decoding ${all} ms`)
  }
  return both
}

interface Seen {
  /** Of every result when the subscriber has it, in ms. */
  readonly ages: readonly number[]
  readonly cpu: number
}

async function runEngine({ paths, rate }: Camera): Promise<Seen & { readonly calls: readonly number[] }> {
  const clock = new AnchoredClock()
  const streams = {
    camera: { source: 'test', pattern: 'ball', size: `${size.width}x${size.height}`, rate },
    objects: { from: 'camera', node: 'detect' },
  }
  const pipeline = { name: 'bench', streams, publish: ['objects'] }
  const calls: number[] = []
  const onWorked: OnWorked = (_, { waitedMs, tookMs }) => void calls.push(waitedMs + tookMs)
  await using setup = await createVision({ paths: [...paths], slots: 16, threads: 1, onWorked })
  const { pool, vision } = setup
  const plugins = [testSource, ...visionNodes(setup.tasks)]
  await using engine = await EngineParts.start({ clock, pool, pipeline, plugins, vision })
  const ageOf = ({ receivedAt, capturedAt }: Receipt) => clock.toUnixMs(receivedAt) - capturedAt
  const pids = () => ({ engine: process.pid, capture: engine.capturePids[0]!, vision: vision.hosts()[0]!.pid! })
  return { ...(await listen({ url: engine.topicUrl, ageOf, pids })), calls }
}

async function runLoop({ model, rate }: Camera): Promise<Seen & { runMs: number; answerMs: number }> {
  const launch = withoutGdp(testLaunch('ball', size, rate, 'i420'))
  const options: LoopOptions = { launch, model, threads: 1, results: true }
  await using loop = new Child('overhead-peer', [JSON.stringify(options)])
  const url = `ws://127.0.0.1:${await loop.hear<number>('port')}`
  const ageOf = ({ receivedAt, capturedAt }: Receipt) => Number(receivedAt) / 1e6 - capturedAt
  const seen = await listen({ url, ageOf, pids: () => ({ loop: loop.pid }) })
  const { runs, answers } = await loop.askWhole<LoopFigures>({})
  return { ...seen, runMs: median(runs), answerMs: median(answers) }
}

interface Listening {
  readonly url: string
  readonly ageOf: (receipt: Receipt) => number
  /** Processes whose CPU time is counted, by what they do. */
  readonly pids: () => Readonly<Record<string, number>>
}

/** One subscriber, for the time measured. */
async function listen({ url, ageOf, pids }: Listening): Promise<Seen> {
  await using child = new Child('freshness-client', [url])
  const ages: number[] = []
  child.onMessage<Receipt>((receipt) => void ages.push(ageOf(receipt)))
  await until('a result', () => ages.length > 0, 60_000)
  await wait(warmUpMs)
  const meter = new CpuMeter(pids())
  ages.length = 0
  await wait(measureMs)
  return { ages: [...ages], cpu: meter.perFrame(ages.length) }
}

/** CPU time of some processes from its making on. */
class CpuMeter {
  readonly #pids: Readonly<Record<string, number>>
  readonly #before: Readonly<Record<string, number>>

  constructor(pids: Readonly<Record<string, number>>) {
    this.#pids = pids
    this.#before = this.#read()
  }

  /** In ms, all processes together; also says each one's share. */
  perFrame(frames: number): number {
    const now = this.#read()
    const used = Object.entries(this.#before).map(([name, before]) => ({
      name,
      ms: (1000 * ((now[name] ?? 0) - before)) / frames,
    }))
    const text = used.map(({ name, ms }) => `${name} ${ms.toFixed(2)}`).join(', ')
    console.error(`bench: overhead: ${frames} frames; ms of CPU per frame: ${text}`)
    return used.reduce((sum, { ms }) => sum + ms, 0)
  }

  #read(): Record<string, number> {
    return Object.fromEntries(Object.entries(this.#pids).map(([name, pid]) => [name, cpuSeconds(pid)]))
  }
}

interface Speed {
  /** Frames a second. */
  readonly fps: number
  readonly cpu: number
}

async function detectorRows(): Promise<BenchRow[]> {
  const ours: Speed[] = []
  const peer: Speed[] = []
  for (let run = 0; run < runs; run++) {
    ours.push(await readByEngine())
    peer.push(await readByLoop())
  }
  const rates = { ours: ours.map(({ fps }) => fps), peer: peer.map(({ fps }) => fps) }
  return [
    toRow({
      name: 'film at full speed, YOLOv8n',
      unit: 'frames/s',
      ...rates,
      peerName,
      better: 'more',
      goal: goals.fps,
    }),
    cpuRow('CPU per frame, film to result, YOLOv8n', { ours, peer }),
  ]
}

function film(): string {
  return testData('media/one-by-one-person-detection.mp4')
}

async function readByEngine(): Promise<Speed> {
  const streams = {
    film: { source: 'file', path: film(), pace: 'max', loop: true },
    // What is never slowed, however busy the machine is.
    objects: { from: 'film', node: 'detect', priority: 31, edge: { queue: 1, full: 'block' } },
  }
  const pipelines = [{ name: 'bench', streams, publish: ['objects'] }]
  const settings = { 'hosts.threads': 1, 'models.paths': detectorPaths }
  await using engine = await EngineProcess.start({ pipelines, settings })
  await using _ = await engine.watch('bench/objects', 1)
  await until('a result', async () => resultsOf(await engine.metrics(), 'objects') > 0, 60_000)
  await using child = new Child('fan-out-clients')
  const counting = { clients: 1, acknowledge: false, warmUpMs, measureMs }
  const order: FanOutOrder = { port: engine.port, path: '/ws/bench/objects', ...counting }
  await child.ask(order, 'ready')
  await child.hear('started')
  const [vision, capture] = [await engine.hostPid('vision'), await engine.hostPid('capture:bench/film')]
  const meter = new CpuMeter({ engine: engine.pid, capture, vision })
  const frames = await child.hear<number>('messages')
  return { fps: frames / (measureMs / 1000), cpu: meter.perFrame(frames) }
}

async function readByLoop(): Promise<Speed> {
  const launch = withoutGdp(fileLaunch(film(), 'max', {}, { width: 1920, height: 1080 }))
  const options: LoopOptions = { launch, model: detectorFile(), threads: 1, results: false }
  await using loop = new Child('overhead-peer', [JSON.stringify(options)])
  await loop.hear('port')
  await until('a frame', async () => (await loop.askWhole<LoopFigures>({})).frames > 0)
  await wait(warmUpMs)
  const before = (await loop.askWhole<LoopFigures>({})).frames
  const [startedAt, meter] = [performance.now(), new CpuMeter({ loop: loop.pid })]
  await wait(measureMs)
  const frames = (await loop.askWhole<LoopFigures>({})).frames - before
  return { fps: (1000 * frames) / (performance.now() - startedAt), cpu: meter.perFrame(frames) }
}

/** The plain loop needs no timestamps. */
function withoutGdp(launch: string): string {
  return launch.replace('gdppay ! ', '')
}

import { execFile, fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { promisify } from 'node:util'
import sharp from 'sharp'
import { addonFile, variantVariable } from '../../engine/native/addon.ts'
import { projectRoot } from '../../engine/root.ts'
import { watchTopic } from '../support/built-engine.ts'
import { hasTestData, testData } from '../support/data.ts'
import { standinSocket } from '../support/standin-control.ts'
import { until } from '../support/wait.ts'
import { EngineProcess } from './engine-process.ts'
import { quantile } from './figures.ts'
import { cpuSeconds } from './process-cpu.ts'
import { type BenchRow, toRow } from './row.ts'

const run = promisify(execFile)
const runs = 3
const measureMs = 8000
const cameraRate = 30
const loopFile = join(projectRoot, 'addon/build/standin-OFF/hailort-standin-loop')
/** By the vendor's table; the stand-in takes as long. */
const yolov8mMs = 1000 / 75.1
const goals = { alone: 0.95, beside: 0.9, requests: 3 }
const peerName = 'a bare C++ loop on the same device'

/** Which cameras go into which networks. */
interface Scene {
  readonly name: string
  /** Frames a second that are offered to each of the networks. */
  readonly offered: number
  readonly streams: Readonly<Record<string, object>>
  readonly topics: readonly string[]
}

const camera = { source: 'test', pattern: 'ball', size: '640x480', rate: cameraRate }
const detect = { node: 'detect', model: 'yolov8m', priority: 31 }
const pose = { node: 'pose', model: 'yolov8s-pose', priority: 31 }
const scenes: readonly Scene[] = [
  {
    name: 'one camera on each',
    offered: cameraRate,
    streams: { a: camera, b: camera, detect: { from: 'a', ...detect }, pose: { from: 'b', ...pose } },
    topics: ['detect', 'pose'],
  },
  {
    name: 'both cameras on both',
    offered: 2 * cameraRate,
    streams: {
      ...{ a: camera, b: camera, detect: { from: 'a', ...detect }, pose: { from: 'b', ...pose } },
      ...{ detect2: { from: 'b', ...detect }, pose2: { from: 'a', ...pose } },
    },
    topics: ['detect', 'detect2', 'pose', 'pose2'],
  },
]

/**
 * Two cameras at 30 fps through yolov8m and yolov8s_pose on the simulated device, which takes the vendor's times: inferences a second
 * beside those of a bare C++ loop that is offered as many, alone and while a vision-language model answers, Whisper transcribes and a
 * client asks for detections; those requests' time; and the CPU of the engine and its hosts for an inference.
 */
export default async function bench(): Promise<BenchRow[]> {
  const rows: BenchRow[] = []
  for (const scene of scenes) rows.push(...(await benchScene(scene)))
  return rows
}

interface Figures {
  readonly bare: number[]
  readonly alone: number[]
  readonly beside: number[]
  readonly requestP99: number[]
  readonly cpuMs: number[]
}

async function benchScene(scene: Scene): Promise<BenchRow[]> {
  const { name, streams, topics } = scene
  const pipelines = [{ name: 'bench', streams, publish: topics }]
  await using engine = await EngineProcess.start({ pipelines, settings: { 'hailo.standIn': true } })
  const figures: Figures = { bare: [], alone: [], beside: [], requestP99: [], cpuMs: [] }
  for (let i = 0; i < runs; i++) await measureOnce(engine, scene, figures)
  const ratio = (ours: number[], goal: number, what: string) =>
    toRow({ name: `${name}, ${what}`, unit: 'inferences/s', ours, peer: figures.bare, peerName, better: 'more', goal })
  return [
    ratio(figures.alone, goals.alone, 'alone'),
    ratio(figures.beside, goals.beside, 'beside VLM, Whisper, requests'),
    toRow({
      name: `${name}, POST /api/detect meanwhile, p99 (≤ ${goals.requests} × ${yolov8mMs.toFixed(1)})`,
      ...{ unit: 'ms', ours: figures.requestP99, better: 'less' },
      met: (ms) => ms <= goals.requests * yolov8mMs,
    }),
    toRow({
      name: `${name}, CPU of the engine and its hosts`,
      unit: 'ms/inference',
      ours: figures.cpuMs,
      better: 'less',
    }),
  ]
}

async function measureOnce(engine: EngineProcess, scene: Scene, figures: Figures): Promise<void> {
  figures.bare.push(await runBare(engine, scene))
  const viewers = scene.topics.map((topic) => watchTopic(engine.url.replace('http', 'ws'), `bench/${topic}`))
  const total = () => viewers.reduce((sum, { arrivals }) => sum + arrivals.length, 0)
  await until('results', () => viewers.every(({ arrivals }) => arrivals.length > cameraRate), 30_000)
  const pids = (await engine.health()).hosts.flatMap(({ pid }) => pid ?? [])
  const cpu = () => [engine.pid, ...pids].reduce((sum, pid) => sum + cpuSeconds(pid), 0)
  const [cpuBefore, before] = [cpu(), total()]
  const alone = await rateOf(total)
  figures.alone.push(alone)
  figures.cpuMs.push((1000 * (cpu() - cpuBefore)) / (total() - before))
  await using companion = await startCompanion(engine)
  const asking = new AbortController()
  const asked = askAllTheTime(`${engine.url}/api/detect?model=yolov8m`, asking.signal)
  await wait(1000)
  figures.beside.push(await rateOf(total))
  asking.abort()
  figures.requestP99.push(quantile(await asked, 0.99))
  if (companion.tokens() === 0) throw new Error('Expected the language model to answer meanwhile')
  await Promise.all(viewers.map((viewer) => viewer.leave()))
  await wait(3000)
}

async function rateOf(total: () => number): Promise<number> {
  const [before, startedAt] = [total(), performance.now()]
  await wait(measureMs)
  return (1000 * (total() - before)) / (performance.now() - startedAt)
}

function environment(engine: EngineProcess): NodeJS.ProcessEnv {
  return { ...process.env, HAILORT_STANDIN_SOCKET: standinSocket(engine.pid), HAILORT_LOGGER_PATH: 'NONE' }
}

const hefs = () => join(process.env.HAILSTREAM_STATE ?? join(projectRoot, '.state'), 'stand-in')

async function runBare(engine: EngineProcess, { offered }: Scene): Promise<number> {
  const networks = ['yolov8m', 'yolov8s_pose'].flatMap((network) => [join(hefs(), `${network}.hef`), `${offered}`])
  const { stdout } = await run(loopFile, [`${measureMs / 1000}`, ...networks], { env: environment(engine) })
  return (JSON.parse(stdout) as { rates: number[] }).rates.reduce((sum, rate) => sum + rate, 0)
}

interface Companion extends AsyncDisposable {
  tokens(): number
}

async function startCompanion(engine: EngineProcess): Promise<Companion> {
  const media = hasTestData ? testData('media/jfk.wav') : ''
  const env = { ...environment(engine), [variantVariable]: 'standin' }
  const child = fork(new URL('./hailo-companion.js', import.meta.url), [hefs(), media], { env })
  const ended = once(child, 'exit')
  let tokens = 0
  child.on('message', (message: { tokens?: number }) => {
    tokens = message.tokens ?? tokens
  })
  await Promise.race([once(child, 'message'), ended])
  if (child.exitCode !== null) throw new Error(`Expected ${addonFile('standin')} to serve a language model`)
  return {
    tokens: () => tokens,
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGKILL')
      await ended
    },
  }
}

/** One client that asks again as soon as it was answered. Times in ms. */
async function askAllTheTime(url: string, signal: AbortSignal): Promise<number[]> {
  const box = {
    input: { create: { width: 80, height: 160, channels: 3 as const, background: '#f00' } },
    left: 200,
    top: 100,
  }
  const grey = { width: 640, height: 480, channels: 3 as const, background: { r: 114, g: 114, b: 114 } }
  const body = await sharp({ create: grey }).composite([box]).jpeg().toBuffer()
  const times: number[] = []
  while (!signal.aborted) {
    const askedAt = performance.now()
    const response = await fetch(url, { method: 'POST', body, headers: { 'content-type': 'image/jpeg' } })
    await response.arrayBuffer()
    if (response.status !== 200) throw new Error(`Expected 200, received ${response.status}`)
    times.push(performance.now() - askedAt)
  }
  return times
}

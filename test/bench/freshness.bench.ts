import { type ChildProcess, execFile, fork } from 'node:child_process'
import { join } from 'node:path'
import { setImmediate as nextTurn, setTimeout as wait } from 'node:timers/promises'
import { promisify } from 'node:util'
import { z } from 'zod'
import { AnchoredClock } from '../../engine/core/clock.ts'
import { type Edge, runEach } from '../../engine/core/edge.ts'
import { toPipelineSpec } from '../../engine/core/graph.ts'
import { ImagePool } from '../../engine/core/image-pool.ts'
import { derivePacket, type ObjectsPayload, type PacketOf } from '../../engine/core/packet.ts'
import { byName } from '../../engine/core/registry.ts'
import { buildPipeline } from '../../engine/core/runner.ts'
import { GstCaptureHosts } from '../../engine/hosts/capture-hosts.ts'
import { addon } from '../../engine/native/addon.ts'
import { projectRoot } from '../../engine/root.ts'
import { Server } from '../../engine/server/server.ts'
import testSource from '../../engine/sources/test.ts'
import { BrowserSourceRegistry } from '../../engine/streams/browser-sources.ts'
import { Hub } from '../../engine/streams/hub.ts'
import { defineNode, type Tools } from '../../engine/tools.ts'
import { FakeVision } from '../support/fake-vision.ts'
import { openRules } from '../support/server.ts'
import { silentLog } from '../support/topic-packets.ts'
import { median, quantile, slope } from './figures.ts'
import type { BenchRow } from './row.ts'

const holdMs = 100
const warmUpSeconds = 2
/** One long run where the time is given, as 600; else three short ones. */
const longSeconds = Number(process.env.HAILSTREAM_BENCH_SECONDS ?? 0)
const seconds = longSeconds > 0 ? longSeconds : 10
const runs = longSeconds > 0 ? 1 : 3
/** A drift of under 1 ms a minute shows no sooner. */
const slopeSeconds = 120

/** When a result came, in seconds, and how old its frame was then, in ms. */
type Sample = readonly [atSeconds: number, ageMs: number]

/**
 * A live source of 30 frames a second before a node of 100 ms: how old its results are when a subscriber has them, against
 * GStreamer's leaky queue of one buffer at the same time.
 */
export default async function bench(): Promise<BenchRow[]> {
  const all: { ours: Figures; peer: Figures }[] = []
  for (let run = 0; run < runs; run++) {
    const [ours, peer] = await Promise.all([runOurs(), runPeer()])
    all.push({ ours: toFigures(ours), peer: toFigures(peer) })
  }
  const row = (name: string, figure: keyof Figures, met: (ours: number) => boolean): BenchRow => {
    const ours = median(all.map((one) => one.ours[figure]))
    const peer = median(all.map((one) => one.peer[figure]))
    const peerName = 'GStreamer leaky queue'
    return { name, ours, peer, peerName, unit: 'ms', ratio: peer / ours, goal: null, met: met(ours) }
  }
  const rows = [
    row('age of results p50 (≤ 120)', 'p50', (ours) => ours <= 120),
    row('age of results p99 (≤ 136)', 'p99', (ours) => ours <= 136),
    row('smallest age of any second (≥ 100)', 'smallest', (ours) => ours >= holdMs),
  ]
  if (seconds < slopeSeconds) return rows
  return [...rows, row('rise of the age a minute (< 1)', 'slope', (ours) => Math.abs(ours) < 1)]
}

interface Figures {
  readonly p50: number
  readonly p99: number
  readonly smallest: number
  /** ms per minute. */
  readonly slope: number
}

function toFigures(samples: readonly Sample[]): Figures {
  const ages = samples.map(([, age]) => age)
  return {
    p50: median(ages),
    p99: quantile(ages, 0.99),
    smallest: Math.min(...ages),
    slope: 60 * slope(samples),
  }
}

async function runPeer(): Promise<Sample[]> {
  const script = join(projectRoot, 'test/bench/freshness-peer.py')
  const { stdout } = await promisify(execFile)('/usr/bin/python3', [script, String(seconds), String(warmUpSeconds)])
  return stdout
    .trim()
    .split('\n')
    .map((line) => line.split(' ').map(Number) as [number, number])
}

async function runOurs(): Promise<Sample[]> {
  const clock = new AnchoredClock()
  await using engine = await startEngine(clock)
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
  const child = fork(new URL(`./freshness-client.${extension}`, import.meta.url), [engine.topicUrl])
  try {
    return await listen(child, clock, () => expectBalance(engine.edges))
  } finally {
    child.kill()
  }
}

/** Samples of the time after the warm-up; the counters are looked at after every message. */
async function listen(child: ChildProcess, clock: AnchoredClock, check: () => void): Promise<Sample[]> {
  const samples: Sample[] = []
  let failure: unknown
  child.on('message', ({ receivedAt, capturedAt }: { receivedAt: string; capturedAt: number }) => {
    const received = BigInt(receivedAt)
    samples.push([Number(received) / 1e9, clock.toUnixMs(received) - capturedAt])
    try {
      check()
    } catch (error) {
      failure = error
    }
  })
  await wait(1000 * (seconds + warmUpSeconds))
  if (failure !== undefined) throw failure
  const [first] = samples
  if (first === undefined) throw new Error('Expected results, received none')
  return samples.filter(([at]) => at > first[0] + warmUpSeconds)
}

function expectBalance(edges: readonly Edge[]): void {
  for (const { name, counts } of edges) {
    const { in: arrived, out, dropped, failed, waiting } = counts
    if (arrived !== out + dropped + failed + waiting || waiting < 0 || waiting > 2 || failed > 0)
      throw new Error(`Expected in = out + dropped + waiting at ${name}, found ${JSON.stringify(counts)}`)
  }
}

const payload: ObjectsPayload = {
  kind: 'objects',
  objects: [],
  frame: { width: 1280, height: 720 },
  model: 'none',
  backend: 'none',
  simulated: false,
}

/** Holds each picture for 100 ms, as an inference does. */
const hold = defineNode({
  name: 'hold',
  summary: 'Takes 100 ms for each picture.',
  options: z.strictObject({}),
  accepts: 'image',
  emits: 'objects',
  create: (_, tools: Tools) =>
    runEach(tools.edge, async (packet: PacketOf<'image'>) => {
      const end = tools.clock.now() + BigInt(holdMs) * 1_000_000n
      await wait(holdMs - 1)
      // A timer's milliseconds are too coarse, and may end early.
      while (tools.clock.now() < end) await nextTurn()
      return derivePacket(packet, tools.stream, payload)
    }),
})

interface RunningEngine extends AsyncDisposable {
  readonly topicUrl: string
  readonly edges: readonly Edge[]
}

/** The parts of the engine between camera and socket, as `app.ts` connects them. */
async function startEngine(clock: AnchoredClock): Promise<RunningEngine> {
  const slots = 16
  const memory = addon().createPool(slots, 1280 * 720 * 3)
  const capture = new GstCaptureHosts({
    pool: { memory, ledger: new ImagePool({ slots }) },
    maxSize: { width: 1280, height: 720 },
  })
  const hub = new Hub({ clock, log: silentLog, readImage: ({ slot, bytes }) => memory.read(slot, 0, bytes) })
  const browser = new BrowserSourceRegistry(clock)
  const edges: Edge[] = []
  const spec = toPipelineSpec(
    {
      name: 'bench',
      streams: {
        camera: { source: 'test', pattern: 'ball', size: '1280x720', rate: 30 },
        results: { from: 'camera', node: 'hold' },
      },
      publish: ['results'],
    },
    'bench',
  )
  const tools = (stream: string, edge: Edge, nextSeq: () => number): Tools => {
    edges.push(edge)
    const shared = { clock, capture, vision: new FakeVision(), browser, media: '', log: silentLog }
    return { ...shared, pipeline: 'bench', stream, edge, nextSeq }
  }
  const pipeline = buildPipeline(spec, { plugins: byName([testSource, hold]), tools, clock, log: silentLog })
  const packets = pipeline.streams.get('results')!.packets
  hub.offer('bench/results', { kind: 'objects', packets })
  const fetch = () => new Response('no routes here')
  const needs = { hub, browserSources: browser, fetch, page: null, log: silentLog, rules: openRules }
  const server = await Server.listen({ host: '127.0.0.1', port: 0, ...needs })
  return {
    topicUrl: `ws://127.0.0.1:${server.port}/ws/bench/results`,
    edges,
    [Symbol.asyncDispose]: async () => {
      await server.close()
      await pipeline[Symbol.asyncDispose]()
      await capture[Symbol.asyncDispose]()
      memory.close()
    },
  }
}

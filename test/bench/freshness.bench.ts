import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { setImmediate as nextTurn, setTimeout as wait } from 'node:timers/promises'
import { promisify } from 'node:util'
import { z } from 'zod'
import { AnchoredClock } from '../../engine/core/clock.ts'
import { type Edge, runEach } from '../../engine/core/edge.ts'
import { ImagePool } from '../../engine/core/image-pool.ts'
import { derivePacket, type ObjectsPayload, type PacketOf } from '../../engine/core/packet.ts'
import { addon } from '../../engine/native/addon.ts'
import { projectRoot } from '../../engine/root.ts'
import testSource from '../../engine/sources/test.ts'
import { defineNode, type Tools } from '../../engine/tools.ts'
import { FakeVision } from '../support/fake-vision.ts'
import { Child } from './child.ts'
import { EngineParts } from './engine-parts.ts'
import { median, quantile, slope } from './figures.ts'
import type { Receipt } from './freshness-client.ts'
import { type BenchRow, toRow } from './row.ts'

const holdMs = 100
const warmUpSeconds = 2
/** One long run where the time is given, as 600; else three short ones. */
const longSeconds = Number(process.env.HAILSTREAM_BENCH_SECONDS ?? 0)
const seconds = longSeconds > 0 ? longSeconds : 10
const runs = longSeconds > 0 ? 1 : 3
/** The peer's figures need no more. */
const peerSeconds = 120
/** A drift of under 1 ms a minute shows no sooner. */
const slopeSeconds = 120

/** When a result came, in seconds, and how old its frame was then, in ms. */
type Sample = readonly [atSeconds: number, ageMs: number]

/**
 * A live source of 30 frames a second before a node of 100 ms: how old its results are when a subscriber has them, against
 * GStreamer's leaky queue of one buffer in the same run.
 */
export default async function bench(): Promise<BenchRow[]> {
  const all: { ours: Figures; peer: Figures }[] = []
  for (let run = 0; run < runs; run++) {
    // One after the other: two sources of test pictures at once would measure each other.
    all.push({ ours: toFigures(await runOurs()), peer: toFigures(await runPeer()) })
  }
  const row = (name: string, figure: keyof Figures, met: (ours: number) => boolean): BenchRow => {
    const ours = all.map((one) => one.ours[figure])
    const peer = all.map((one) => one.peer[figure])
    return toRow({ name, unit: 'ms', ours, peer, peerName: 'GStreamer leaky queue', better: 'less', met })
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
  const { stdout } = await promisify(execFile)('/usr/bin/python3', [
    script,
    String(Math.min(seconds, peerSeconds)),
    String(warmUpSeconds),
  ])
  return stdout
    .trim()
    .split('\n')
    .map((line) => line.split(' ').map(Number) as [number, number])
}

async function runOurs(): Promise<Sample[]> {
  const clock = new AnchoredClock()
  const { slots, slotBytes } = { slots: 16, slotBytes: 1280 * 720 * 3 }
  const pool = { memory: addon().createPool(slots, slotBytes), ledger: new ImagePool({ slots }) }
  try {
    await using engine = await EngineParts.start({ clock, pool, pipeline, plugins, vision: new FakeVision() })
    await using child = new Child('freshness-client', [engine.topicUrl])
    return await listen(child, clock, () => expectBalance(engine.edges))
  } finally {
    pool.memory.close()
  }
}

/** Samples of the time after the warm-up; the counters are looked at after every message. */
async function listen(child: Child, clock: AnchoredClock, check: () => void): Promise<Sample[]> {
  const samples: Sample[] = []
  let failure: unknown
  child.onMessage<Receipt>(({ receivedAt, capturedAt }) => {
    samples.push([Number(receivedAt) / 1e9, clock.toUnixMs(receivedAt) - capturedAt])
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

const pipeline = {
  name: 'bench',
  streams: {
    camera: { source: 'test', pattern: 'ball', size: '1280x720', rate: 30 },
    results: { from: 'camera', node: 'hold' },
  },
  publish: ['results'],
}

const plugins = [testSource, hold]

import { afterEach, beforeEach, expect, vi } from 'vitest'
import type { Edge } from '../../engine/core/edge.ts'
import { parsePipeline } from '../../engine/core/graph.ts'
import type { Plugin } from '../../engine/core/plugin.ts'
import { buildPipeline, type Pipeline, type RunningStream } from '../../engine/core/runner.ts'
import { PacketMaker } from './packets.ts'
import { detector, HandSource, KeepingSink, passer, pluginsByName, poser, teller } from './plugins.ts'

/** How long a stream stays open without anybody, when its pipeline does not say. */
export const lingerMs = 2000
const clock = { now: () => BigInt(Date.now()) * 1_000_000n, toUnixMs: (at: bigint) => Number(at) / 1e6, steps: 0 }

let maker: PacketMaker
/** The source of the pipelines of this test. */
export let camera: HandSource
/** Where its sinks put what they are given. */
export let sink: KeepingSink
/** By stream: what stands before it. */
export let edges: Map<string, Edge>
export let logged: [string, object][]

beforeEach(() => {
  vi.useFakeTimers()
  maker = new PacketMaker()
  camera = new HandSource(maker)
  sink = new KeepingSink()
  edges = new Map()
  logged = []
})
afterEach(() => {
  maker.expectNoneHeld()
  expect(vi.getTimerCount()).toBe(0)
  vi.useRealTimers()
})

/** A pipeline of these streams, written as in its file, whose source the test drives. Time is faked; each test must end without a timer and an image. */
export function build(streams: string, source: Plugin = camera.plugin('camera'), publish = '', voice = ''): Pipeline {
  const write = (fields: object, message: string) => void logged.push([message, fields])
  const tools = (stream: string, edge: Edge, nextSeq: () => number) => {
    edges.set(stream, edge)
    return { stream, edge, nextSeq }
  }
  const spec = parsePipeline(`name: p\nstreams: { ${streams} }\npublish: [${publish}]\nvoice: [${voice}]`, 'p.yaml')
  const plugins = pluginsByName(source, detector, poser, passer, teller, sink.plugin())
  return buildPipeline(spec, { plugins, tools, clock, log: { debug: write, info: write, warn: write } })
}

/** Subscribes, and lets go of each packet at once. */
export function watch(pipeline: Pipeline, name: string) {
  const stream = pipeline.streams.get(name) as RunningStream
  const seqs: number[] = []
  const ends: unknown[] = []
  const subscription = stream.packets.subscribe({
    next: (packet) => {
      seqs.push(packet.seq)
      packet[Symbol.dispose]()
    },
    error: (error) => ends.push(error),
    complete: () => ends.push('complete'),
  })
  return { seqs, ends, status: () => stream.status(), leave: () => subscription.unsubscribe() }
}

/** Sends frames at a steady rate. */
export function play(count: number, gapMs: number): void {
  for (let i = 0; i < count; i++) {
    camera.send()
    vi.advanceTimersByTime(gapMs)
  }
}

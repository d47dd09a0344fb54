import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Edge } from '../../engine/core/edge.ts'
import { parsePipeline } from '../../engine/core/graph.ts'
import type { Plugin } from '../../engine/core/plugin.ts'
import { buildPipeline, type Pipeline, type RunningStream } from '../../engine/core/runner.ts'
import { EngineError } from '../../engine/errors.ts'
import { PacketMaker } from '../support/packets.ts'
import { detector, HandSource, passer, pluginsByName, poser } from '../support/plugins.ts'

const lingerMs = 2000
const clock = { now: () => BigInt(Date.now()) * 1_000_000n, toUnixMs: (at: bigint) => Number(at) / 1e6, steps: 0 }

let maker: PacketMaker
let camera: HandSource
let edges: Map<string, Edge>
let logged: [string, object][]

beforeEach(() => {
  vi.useFakeTimers()
  maker = new PacketMaker()
  camera = new HandSource(maker)
  edges = new Map()
  logged = []
})
afterEach(() => {
  maker.expectNoneHeld()
  expect(vi.getTimerCount()).toBe(0)
  vi.useRealTimers()
})

function build(streams: string, source: Plugin = camera.plugin('camera')): Pipeline {
  const write = (fields: object, message: string) => void logged.push([message, fields])
  const tools = (stream: string, edge: Edge, nextSeq: () => number) => {
    edges.set(stream, edge)
    return { stream, edge, nextSeq }
  }
  const spec = parsePipeline(`name: p\nstreams: { ${streams} }`, 'p.yaml')
  const plugins = pluginsByName(source, detector, poser, passer)
  return buildPipeline(spec, { plugins, tools, clock, log: { debug: write, info: write, warn: write } })
}

function watch(pipeline: Pipeline, name: string) {
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
function play(count: number, gapMs: number): void {
  for (let i = 0; i < count; i++) {
    camera.send()
    vi.advanceTimersByTime(gapMs)
  }
}

const chain = 'camera: { source: camera }, people: { node: detect, from: camera }, near: { node: pass, from: people }'

describe('buildPipeline', () => {
  it('names the stream whose source refuses its options', () => {
    const open = () => {
      throw new EngineError('too-large', 'Expected size to be at most 1920x1080')
    }
    const picky = { ...camera.plugin('camera'), open }
    expect(() => build('front: { source: camera }', picky)).toThrow('p.yaml: streams.front: Expected size')
  })

  it('opens nothing before somebody subscribes, and everything below a stream once', () => {
    const pipeline = build(`${chain}, unused: { node: detect, from: camera }`)
    expect(camera.opened).toBe(0)
    const [near, people] = [watch(pipeline, 'near'), watch(pipeline, 'people')]
    expect(camera.opened).toBe(1)
    camera.send()
    expect([near.seqs, people.seqs]).toEqual([[0], [0]])
    expect(edges.get('unused')?.counts.in).toBe(0)
    near.leave()
    people.leave()
    vi.advanceTimersByTime(3 * lingerMs)
    expect(camera.closed).toBe(1)
  })

  it('checks all before anything is made', () => {
    expect(() => build(`${chain}, bad: { node: detect, from: people }`)).toThrow(
      'p.yaml: streams.bad.from: Expected image for detect, received objects from people',
    )
    expect(edges.size).toBe(0)
  })

  it('gives edges the name and the policy of their stream', () => {
    build('camera: { source: camera }, people: { node: detect, from: camera, edge: { queue: 3 } }')
    expect(edges.get('people')).toMatchObject({ name: 'p/people', policy: { queue: 3, full: 'oldest' } })
  })

  it('joins the inputs of a node, and counts at the stream what the join dropped', () => {
    const pipeline = build(
      'c: { source: camera }, o: { node: detect, from: c, fails: [1] }, poses: { node: pose, from: { image: c, objects: o } }',
    )
    const poses = watch(pipeline, 'poses')
    for (let i = 0; i < 3; i++) camera.send()
    expect(poses.seqs).toEqual([0, 2])
    expect(poses.status()).toMatchObject({ in: 3, out: 2, dropped: 1, failed: 0 })
    poses.leave()
    vi.advanceTimersByTime(3 * lingerMs)
  })

  it('takes a node with an optional input without it', () => {
    const pipeline = build('c: { source: camera }, poses: { node: pose, from: c }')
    const poses = watch(pipeline, 'poses')
    camera.send()
    expect(poses.seqs).toEqual([0])
    poses.leave()
    vi.advanceTimersByTime(2 * lingerMs)
  })

  it('counts a failed packet, names it, and goes on', () => {
    const pipeline = build('c: { source: camera }, people: { node: detect, from: c, fails: [1] }')
    const people = watch(pipeline, 'people')
    play(3, 400)
    expect(people.seqs).toEqual([0, 2])
    expect(people.status()).toMatchObject({ state: 'live', in: 3, out: 2, failed: 1, error: 'frame 1 is too dark' })
    expect(logged).toContainEqual(['packets failed', { stream: 'people', packets: 1, error: 'frame 1 is too dark' }])
    play(3, 400)
    expect(people.status().error).toBeUndefined()
    people.leave()
    vi.advanceTimersByTime(2 * lingerMs)
  })
})

describe('a running stream', () => {
  it('is idle, opening, live, and idle again', () => {
    const pipeline = build('camera: { source: camera }')
    const stream = pipeline.streams.get('camera') as RunningStream
    expect(stream.status()).toEqual({
      name: 'camera',
      state: 'idle',
      fps: 0,
      lastFrameAgeMs: null,
      frozen: false,
      in: 0,
      out: 0,
      dropped: 0,
      failed: 0,
    })
    const { status, leave } = watch(pipeline, 'camera')
    expect(status().state).toBe('opening')
    play(25, 100)
    expect(status()).toMatchObject({ state: 'live', fps: 10, lastFrameAgeMs: 100, in: 25, out: 25 })
    leave()
    expect(status().state).toBe('live')
    vi.advanceTimersByTime(lingerMs)
    expect(status()).toMatchObject({ state: 'idle', fps: 0, lastFrameAgeMs: null, out: 25 })
  })

  it('restarts its source, and its seq goes on', () => {
    const { seqs, status, leave } = watch(build('camera: { source: camera }'), 'camera')
    play(2, 100)
    camera.fail(new EngineError('unavailable', 'the camera is unplugged'))
    expect(status()).toMatchObject({ state: 'restarting', error: 'the camera is unplugged' })
    vi.advanceTimersByTime(0)
    expect(camera.opened).toBe(2)
    camera.send()
    expect(seqs).toEqual([0, 1, 2])
    expect(status().state).toBe('live')
    expect(status().error).toBeUndefined()
    expect(logged.map(([message]) => message)).toEqual(['stream broke off and is opened anew', 'stream is live again'])
    camera.end()
    expect(status()).toMatchObject({ state: 'restarting', error: 'The stream ended' })
    leave()
    vi.advanceTimersByTime(lingerMs)
  })

  it('has failed, and tries on, where trying can hardly help', () => {
    const { status, leave } = watch(build('camera: { source: camera }'), 'camera')
    camera.fail(new EngineError('invalid', 'no such device'))
    expect(status()).toMatchObject({ state: 'failed', error: 'no such device' })
    vi.advanceTimersByTime(1999)
    expect(camera.opened).toBe(1)
    vi.advanceTimersByTime(1)
    expect(camera.opened).toBe(2)
    leave()
    vi.advanceTimersByTime(lingerMs)
  })

  it('is stalled when its packets stop, and opened anew', () => {
    const { status, leave, seqs } = watch(build('camera: { source: camera }'), 'camera')
    play(30, 100)
    vi.advanceTimersByTime(1500)
    expect(status().state).toBe('live')
    vi.advanceTimersByTime(1500)
    expect(status().state).toBe('stalled')
    expect(status().error).toMatch(/Expected a packet within 2000 ms, received none for/)
    expect(camera).toMatchObject({ opened: 2, closed: 1 })
    camera.fail(new Error('still gone'))
    expect(status().state).toBe('restarting')
    vi.advanceTimersByTime(500)
    camera.send()
    expect(status().state).toBe('live')
    expect(seqs.at(-1)).toBe(30)
    leave()
    vi.advanceTimersByTime(lingerMs)
  })

  it('is patient with a source whose packets are far apart', () => {
    const { leave } = watch(build('camera: { source: camera }'), 'camera')
    play(5, 3000)
    vi.advanceTimersByTime(11_000)
    expect(camera.opened).toBe(1)
    vi.advanceTimersByTime(5000)
    expect(camera.opened).toBe(2)
    leave()
    vi.advanceTimersByTime(lingerMs)
  })

  it('is opened anew when no first packet comes', () => {
    const { leave } = watch(build('camera: { source: camera }'), 'camera')
    vi.advanceTimersByTime(14_000)
    expect(camera.opened).toBe(1)
    vi.advanceTimersByTime(2000)
    expect(camera.opened).toBe(2)
    leave()
    vi.advanceTimersByTime(lingerMs)
  })

  it('waits for ever for a source that may be silent, and shows the silence', () => {
    const { leave, status } = watch(
      build('page: { source: camera }', camera.plugin('camera', { mayBeSilent: true })),
      'page',
    )
    vi.advanceTimersByTime(60_000)
    expect(status().state).toBe('opening')
    play(5, 100)
    vi.advanceTimersByTime(60_000)
    expect(status().state).toBe('stalled')
    expect(camera.opened).toBe(1)
    camera.send()
    expect(status().state).toBe('live')
    leave()
    vi.advanceTimersByTime(lingerMs)
  })

  it('does not disturb its neighbours when it breaks', () => {
    const pipeline = build('camera: { source: camera }, people: { node: detect, from: camera }')
    const people = watch(pipeline, 'people')
    camera.send()
    camera.fail(new Error('unplugged'))
    expect(people.ends).toEqual([])
    vi.advanceTimersByTime(0)
    camera.send()
    expect(people.seqs).toEqual([0, 1])
    people.leave()
    vi.advanceTimersByTime(2 * lingerMs)
  })
})

describe('Pipeline', () => {
  it('ends all streams when it is disposed, leaving no timer and no image', async () => {
    const pipeline = build(chain)
    const [near, direct, left] = [watch(pipeline, 'near'), watch(pipeline, 'camera'), watch(pipeline, 'people')]
    camera.send()
    left.leave()
    await pipeline[Symbol.asyncDispose]()
    expect([near.ends, direct.ends]).toEqual([['complete'], ['complete']])
    expect(camera.closed).toBe(1)
    expect(vi.getTimerCount()).toBe(0)
    await pipeline[Symbol.asyncDispose]()
  })

  it('opens nothing any more after it was disposed', async () => {
    const pipeline = build(chain)
    await pipeline[Symbol.asyncDispose]()
    expect(watch(pipeline, 'near').ends).toEqual(['complete'])
    expect(camera.opened).toBe(0)
  })

  it('ends a stream that lingers or waits for its restart', async () => {
    const pipeline = build(chain)
    const { leave } = watch(pipeline, 'camera')
    camera.fail(new EngineError('invalid', 'no such device'))
    leave()
    await pipeline[Symbol.asyncDispose]()
    expect(vi.getTimerCount()).toBe(0)
  })
})

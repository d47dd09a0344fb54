import { describe, expect, it, vi } from 'vitest'
import { EngineError } from '../../engine/errors.ts'
import { build, camera, edges, lingerMs, logged, play, watch } from '../support/trial-pipeline.ts'

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

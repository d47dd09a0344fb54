import { describe, expect, it, vi } from 'vitest'
import type { Tuning } from '../../engine/core/tuning.ts'
import { build, camera, edges, lingerMs, watch } from '../support/trial-pipeline.ts'

const chain = 'camera: { source: camera }, people: { node: detect, from: camera }, near: { node: pass, from: people }'

describe('Tuning', () => {
  it('makes the node anew with the next packet, while source and subscribers stay', () => {
    const pipeline = build(chain)
    const near = watch(pipeline, 'near')
    camera.send()
    tuningOf(pipeline, 'people').change({ fails: [1] })
    camera.send()
    tuningOf(pipeline, 'people').change({ fails: null })
    camera.send()
    expect(near.seqs).toEqual([0, 2])
    expect([camera.opened, camera.closed]).toEqual([1, 0])
    expect(edges.get('people')?.counts).toMatchObject({ in: 3, out: 2, failed: 1, dropped: 0, waiting: 0 })
    near.leave()
    vi.advanceTimersByTime(3 * lingerMs)
    expect(camera.closed).toBe(1)
  })

  it('holds for a stream that is opened later', () => {
    const pipeline = build(chain)
    tuningOf(pipeline, 'people').change({ fails: [0] })
    const people = watch(pipeline, 'people')
    camera.send()
    camera.send()
    expect(people.seqs).toEqual([1])
    people.leave()
    vi.advanceTimersByTime(3 * lingerMs)
  })

  it('tells what can be changed as it is, and keeps what was there when a change is refused', () => {
    const tuning = tuningOf(build(chain), 'people')
    expect(tuning.values).toEqual({ fails: [] })
    tuning.change({ fails: [3] })
    expect(() => tuning.change({ fails: 'all' })).toThrow('p.yaml: streams.people.fails: Expected array')
    expect(() => tuning.change({ fails: [4], classes: ['dog'] })).toThrow(
      'p.yaml: streams.people.classes: Expected an option of detect that can be changed while it runs (fails)',
    )
    expect(tuning.values).toEqual({ fails: [3] })
  })

  it('is there for nodes that have something to change, and no others', () => {
    expect([...build(chain).tunings.keys()]).toEqual(['people'])
  })

  it('ends with its stream', async () => {
    const pipeline = build(chain)
    const near = watch(pipeline, 'near')
    await pipeline[Symbol.asyncDispose]()
    tuningOf(pipeline, 'people').change({ fails: [1] })
    expect(near.ends).toEqual(['complete'])
    expect([camera.opened, camera.closed]).toEqual([1, 1])
  })
})

describe('what a pipeline lets voices change', () => {
  it('is checked when it is built', () => {
    build(chain, undefined, '', 'people.fails')
    const wrong = ['people.classes', 'near.fails', 'nobody.fails', 'people']
    for (const name of wrong)
      expect(() => build(chain, undefined, '', `people.fails, ${name}`)).toThrow(
        `p.yaml: voice.1: Expected <stream>.<option> of one that can be changed while it runs (people.fails), received ${name}`,
      )
  })
})

function tuningOf(pipeline: ReturnType<typeof build>, stream: string): Tuning {
  return pipeline.tunings.get(stream) as Tuning
}

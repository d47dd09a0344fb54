import { describe, expect, it, vi } from 'vitest'
import { build, camera, edges, lingerMs, play, sink, watch } from '../support/trial-pipeline.ts'

const told = 'c: { source: camera }, t: { node: tell, from: c }'
const all = () => vi.advanceTimersByTime(3 * lingerMs)

describe('side outputs', () => {
  it('are streams of their own, of one node that is opened once', () => {
    const pipeline = build(told)
    expect([...pipeline.streams.keys()]).toEqual(['c', 't', 't/words', 't/signs'])
    const [words, signs] = [watch(pipeline, 't/words'), watch(pipeline, 't/signs')]
    expect(camera.opened).toBe(1)
    play(2, 100)
    expect([words.seqs, signs.seqs]).toEqual([
      [0, 1],
      [0, 1],
    ])
    expect(edges.get('t')?.counts).toMatchObject({ in: 2, out: 2 })
    expect(words.status()).toMatchObject({ name: 't/words', state: 'live' })
    words.leave()
    signs.leave()
    all()
    expect(camera.closed).toBe(1)
  })

  it('are read by nodes, and published', async () => {
    const pipeline = build(`${told}, k: { sink: keep, from: t/words }`, undefined, 't/signs')
    expect(pipeline.publish).toEqual(['t/signs'])
    await pipeline[Symbol.asyncDispose]()
  })

  it.each([
    ['k: { sink: keep, from: t }', '', 'streams.k.from: Expected one of the outputs t/words, t/signs, received t'],
    ['k: { sink: keep, from: t/other }', '', 'Expected one of the outputs t/words, t/signs, received t/other'],
    ['k: { sink: keep, from: t/signs }', '', 'streams.k.from: Expected image or text for keep, received event'],
    ['k: { sink: keep, from: c/x }', '', 'Expected another stream, for c has no outputs, received c/x'],
    ['k: { sink: keep, from: x/y }', '', 'streams.k.from: Expected one of the streams c, t, k, received x/y'],
    ['k: { sink: keep, from: c }', 'k', 'publish.0: Expected another stream, for k has no outputs, received k'],
    ['k: { sink: tell, from: c }', '', 'streams.k.sink: Expected one of the sinks keep, received the node tell'],
    ['k: { sink: keep, from: c, node: tell }', '', 'Expected either a source, or a node or sink with from'],
  ])('are named where %s is wrong', (stream, publish, message) => {
    expect(() => build(`${told}, ${stream}`, undefined, publish)).toThrow(message)
  })

  it('take the edge of their node where the pipeline does not say', () => {
    build(`${told}, u: { node: tell, from: c, edge: latest }`)
    expect(edges.get('t')?.policy).toEqual({ queue: 7, full: 'oldest' })
    expect(edges.get('u')?.policy).toBe('latest')
  })
})

describe('a sink', () => {
  it('keeps its stream open for as long as the pipeline runs', async () => {
    const pipeline = build(`${told}, k: { sink: keep, from: t/words }`)
    expect(camera.opened).toBe(0)
    pipeline.openSinks()
    expect(camera.opened).toBe(1)
    play(3, 100)
    expect(sink.kept).toEqual([0, 1, 2])
    expect(pipeline.streams.get('k')?.status()).toMatchObject({ state: 'live', in: 3, out: 3, dropped: 0 })
    await pipeline[Symbol.asyncDispose]()
    expect(camera.closed).toBe(1)
  })

  it('lets go of every picture it was given', async () => {
    const pipeline = build('c: { source: camera }, k: { sink: keep, from: c }')
    pipeline.openSinks()
    play(40, 10)
    expect(sink.kept).toHaveLength(40)
    await pipeline[Symbol.asyncDispose]()
  })

  it('is opened anew when it fails', async () => {
    const pipeline = build(`${told}, k: { sink: keep, from: t/words }`)
    pipeline.openSinks()
    sink.failure = new Error('the device is gone')
    camera.send()
    expect(pipeline.streams.get('k')?.status()).toMatchObject({ state: 'restarting', error: 'the device is gone' })
    sink.failure = undefined
    vi.advanceTimersByTime(600)
    expect(sink.opened).toBe(2)
    camera.send()
    expect(sink.kept).toEqual([1])
    expect(pipeline.streams.get('k')?.status()).toMatchObject({ state: 'live', restarts: 1 })
    await pipeline[Symbol.asyncDispose]()
  })
})

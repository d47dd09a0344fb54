import { describe, expect, it } from 'vitest'
import { parsePipeline, toPipelineSpec } from '../../engine/core/graph.ts'
import { pipeline } from '../../engine/core/pipeline-builder.ts'

const yaml = `
name: people-counter
streams:
  camera: { source: camera, device: /dev/video0, size: 1280x720, rate: 30 }
  people: { from: camera, node: detect, classes: [person], edge: { queue: 8 } }
  poses: { from: { image: camera, objects: people }, node: pose, wait: 8, toleranceMs: 20, linger: 0 }
publish: [camera, poses]
`

describe('parsePipeline', () => {
  it('reads streams, their options, edges and joins, with defaults', () => {
    expect(parsePipeline(yaml, 'people-counter.yaml')).toEqual({
      file: 'people-counter.yaml',
      name: 'people-counter',
      streams: {
        camera: {
          source: 'camera',
          options: { device: '/dev/video0', size: '1280x720', rate: 30 },
          linger: 2000,
        },
        people: {
          node: 'detect',
          from: 'camera',
          edge: { queue: 8, full: 'oldest' },
          options: { classes: ['person'] },
          linger: 0,
        },
        poses: {
          node: 'pose',
          from: { image: 'camera', objects: 'people' },
          wait: 8,
          toleranceMs: 20,
          options: {},
          linger: 0,
        },
      },
      publish: ['camera', 'poses'],
    })
  })

  it('yields what the builder yields', () => {
    const built = pipeline('people-counter')
      .stream('camera', { source: 'camera', device: '/dev/video0', size: '1280x720', rate: 30 })
      .stream('people', { from: 'camera', node: 'detect', classes: ['person'], edge: { queue: 8, full: 'oldest' } })
      .stream('poses', {
        from: { image: 'camera', objects: 'people' },
        node: 'pose',
        wait: 8,
        toleranceMs: 20,
        linger: 0,
      })
      .publish('camera', 'poses')
    expect({ ...built, file: 'people-counter.yaml' }).toEqual(parsePipeline(yaml, 'people-counter.yaml'))
  })

  it('publishes nothing where nothing is said', () => {
    expect(parsePipeline('name: p\nstreams: { a: { source: test } }', 'p.yaml').publish).toEqual([])
  })

  it.each([
    [
      'a key that it does not know',
      'name: a\nstreams: {}\ntopics: []',
      'topics: Expected one of the keys name, streams, publish, voice, received topics',
    ],
    ['no streams', 'name: a', 'streams: Expected record, received undefined'],
    [
      'a bad pipeline name',
      'name: A b\nstreams: {}',
      'name: Expected a name of a-z, 0-9 and - that begins with a letter, received A b',
    ],
    [
      'a bad stream name',
      'name: a\nstreams: { Cam: { source: x } }',
      'streams.Cam: Expected a name of a-z, 0-9 and - that begins with a letter, received Cam',
    ],
    [
      'a stream twice',
      'name: a\nstreams:\n  b: { source: x }\n  b: { source: y }',
      'streams.b: Expected each name once, received it twice',
    ],
    [
      'an option twice',
      'name: a\nstreams: { b: { source: x, rate: 1, rate: 2 } }',
      'streams.b.rate: Expected each name once, received it twice',
    ],
    ['a stream that is no map', 'name: a\nstreams: { b: camera }', 'streams.b: Expected object, received string'],
    [
      'source and node',
      'name: a\nstreams: { b: { source: x, node: y } }',
      'streams.b: Expected either a source, or a node or sink with from, received source, node',
    ],
    [
      'neither source nor node',
      'name: a\nstreams: { b: { from: b } }',
      'streams.b: Expected either a source, or a node or sink with from, received from',
    ],
    [
      'a node without from',
      'name: a\nstreams: { b: { node: x } }',
      'streams.b.from: Expected the name of a stream, or a map from inputs to streams, received none',
    ],
    [
      'from an unknown stream',
      'name: a\nstreams: { b: { node: x, from: c } }',
      'streams.b.from: Expected one of the streams b, received c',
    ],
    [
      'an input from an unknown stream',
      'name: a\nstreams: { b: { node: x, from: { image: c } } }',
      'streams.b.from.image: Expected one of the streams b, received c',
    ],
    [
      'a loop of one',
      'name: a\nstreams: { b: { node: x, from: b } }',
      'streams.b.from: Expected no loop, received b → b',
    ],
    [
      'a loop of three',
      'name: a\nstreams: { b: { node: x, from: c }, c: { node: x, from: d }, d: { node: x, from: { image: b } } }',
      'streams.d.from.image: Expected no loop, received b → d → c → b',
    ],
    [
      'an unknown edge key',
      'name: a\nstreams: { s: { source: x }, b: { node: x, from: s, edge: { queue: 2, size: 3 } } }',
      'streams.b.edge.size: Expected a known key, received size',
    ],
    [
      'an edge policy that is none',
      'name: a\nstreams: { s: { source: x }, b: { node: x, from: s, edge: newest } }',
      'streams.b.edge: Expected latest, or { queue: 1 to 1024, full: oldest, newest or block }, received "newest"',
    ],
    [
      'a wait that is too large',
      'name: a\nstreams: { s: { source: x }, b: { node: x, from: s, wait: 17 } }',
      'streams.b.wait: Expected number to be <=16, received 17',
    ],
    [
      'publishing an unknown stream',
      'name: a\nstreams: { b: { source: x } }\npublish: [b, c]',
      'publish.1: Expected one of the streams b, received c',
    ],
    [
      'publishing a stream twice',
      'name: a\nstreams: { b: { source: x } }\npublish: [b, b]',
      'publish.1: Expected each stream once, received b again',
    ],
    ['no map at all', '- a', 'Expected a map with name, streams and publish'],
  ])('names the place of %s', (_, text, message) => {
    expect(() => parsePipeline(text, 'p.yaml')).toThrow(
      expect.objectContaining({ code: 'invalid', message: `p.yaml: ${message}` }),
    )
  })

  it('names the line of a mistake in the YAML itself', () => {
    expect(() => parsePipeline('name: a\nstreams: { b: [ }', 'p.yaml')).toThrow(/^p\.yaml: .* at line 2, column/s)
  })

  it('refuses aliases that grow without end', () => {
    const bomb = `a: &a [x, x, x, x]\nb: &b [*a, *a, *a, *a]\nc: &c [*b, *b, *b, *b]\nd: &d [*c, *c, *c, *c]\ne: [*d, *d, *d, *d]`
    expect(() => parsePipeline(bomb, 'p.yaml')).toThrow(/p\.yaml: Excessive alias count/)
  })
})

describe('toPipelineSpec', () => {
  it('checks a pipeline written inline in the configuration', () => {
    expect(() => toPipelineSpec({ name: 'a', streams: { b: 1 } }, 'hailstream.yaml')).toThrow(
      'hailstream.yaml: streams.b: Expected object, received number',
    )
  })
})

import { describe, expect, it } from 'vitest'
import { checkPipeline } from '../../engine/core/check-pipeline.ts'
import { parsePipeline } from '../../engine/core/graph.ts'
import { PacketMaker } from '../support/packets.ts'
import { detector, HandSource, passer, pluginsByName, poser } from '../support/plugins.ts'

const source = new HandSource(new PacketMaker())
const plugins = pluginsByName(source.plugin('camera'), detector, poser, passer)
const check = (streams: string) => checkPipeline(parsePipeline(`name: p\nstreams: { ${streams} }`, 'p.yaml'), plugins)

describe('checkPipeline', () => {
  it('gives the streams in the order of their data, with kinds and parsed options', () => {
    const checked = check(
      'poses: { node: pose, from: camera }, same: { node: pass, from: camera }, camera: { source: camera }',
    )
    expect(checked.map(({ name, kind }) => [name, kind])).toEqual([
      ['camera', 'image'],
      ['poses', 'objects'],
      ['same', 'image'],
    ])
    expect(checked[0]?.options).toEqual({ pace: 'clock', rate: 30 })
  })

  it('takes one stream as the first required input of a node with several', () => {
    const [, poses] = check('c: { source: camera }, poses: { node: pose, from: c }')
    expect(poses).toMatchObject({ from: { image: 'c' } })
  })

  it('lets a node that emits the same have the kind of its input', () => {
    const streams =
      'c: { source: camera }, d: { node: detect, from: c }, s: { node: pass, from: d }, t: { node: pass, from: s }'
    expect(check(streams).map(({ kind }) => kind)).toEqual(['image', 'objects', 'objects', 'objects'])
  })

  it.each([
    ['an unknown source', 'c: { source: webcam }', 'c.source: Expected one of the sources camera, received webcam'],
    [
      'a node as a source',
      'c: { source: detect }',
      'c.source: Expected one of the sources camera, received the node detect',
    ],
    [
      'an unknown node',
      'c: { source: camera }, d: { node: dtect, from: c }',
      'd.node: Expected one of the nodes detect, pass, pose, received dtect',
    ],
    [
      'kinds that do not meet',
      'c: { source: camera }, d: { node: detect, from: c }, e: { node: detect, from: d }',
      'e.from: Expected image for detect, received objects from d',
    ],
    [
      'kinds that do not meet at an input',
      'c: { source: camera }, d: { node: pose, from: { image: c, objects: c } }',
      'd.from.objects: Expected objects for pose, received image from c',
    ],
    [
      'an unknown input',
      'c: { source: camera }, d: { node: pose, from: { picture: c } }',
      'd.from.picture: Expected one of the inputs image, objects of pose, received picture',
    ],
    [
      'a required input left out',
      'c: { source: camera }, d: { node: detect, from: c }, e: { node: pose, from: { objects: d } }',
      'e.from.image: Expected a stream of kind image for pose, received none',
    ],
    [
      'inputs for a node with one',
      'c: { source: camera }, d: { node: detect, from: { image: c } }',
      'd.from: Expected the name of one stream, for detect has one input, received a map',
    ],
    [
      'a wait for a node with one input',
      'c: { source: camera }, d: { node: detect, from: c, wait: 3 }',
      'd.wait: Expected a node with several inputs, received detect, which has one',
    ],
    [
      'an unknown option',
      'c: { source: camera, sise: 3 }',
      'c.sise: Expected one of the keys pace, rate, received sise',
    ],
    [
      'an unknown option, also of a schema that would ignore it',
      'c: { source: camera }, d: { node: detect, from: c, labels: [] }',
      'd.labels: Expected one of the keys classes, fails, received labels',
    ],
    [
      'an option of the wrong type',
      'c: { source: camera }, d: { node: detect, from: c, classes: person }',
      'd.classes: Expected array, received string',
    ],
    [
      'an option of the wrong type, deep inside',
      'c: { source: camera }, d: { node: detect, from: c, classes: [1] }',
      'd.classes.0: Expected string, received number',
    ],
    ['an option out of range', 'c: { source: camera, rate: 0 }', 'c.rate: Expected number to be >=1, received 0'],
    [
      'block behind a source at its own pace',
      'c: { source: camera }, d: { node: detect, from: c, edge: { queue: 1, full: block } }',
      'd.edge.full: Expected oldest or newest, for block works only directly behind a source of images or sound with pace: max, received block',
    ],
    [
      'block further down',
      'c: { source: camera, pace: max }, d: { node: pass, from: c }, e: { node: detect, from: d, edge: { queue: 1, full: block } }',
      'e.edge.full: Expected oldest or newest, for block works only directly behind a source of images or sound with pace: max, received block',
    ],
  ])('names the place of %s', (_, streams, message) => {
    expect(() => check(streams)).toThrow(
      expect.objectContaining({ code: 'invalid', message: `p.yaml: streams.${message}` }),
    )
  })

  it('allows block directly behind a file at pace max', () => {
    const checked = check(
      'c: { source: camera, pace: max }, d: { node: detect, from: c, edge: { queue: 1, full: block } }',
    )
    expect(checked).toHaveLength(2)
  })
})

import { describe, expect, it } from 'vitest'
import type { ResultObject } from '../../engine/streams/wire.ts'
import {
  choosePicture,
  overlaysFor,
  readChoice,
  stateTopicOf,
  type Topic,
  troubleOf,
  writeChoice,
} from '../../web/choice.ts'
import { boxIou, colourOf, distinctBoxes } from '../../web/overlay.ts'

function topic(name: string, kind: string): Topic {
  const [pipeline = '', stream = ''] = name.split('/')
  return { topic: name, kind, pipeline, stream }
}

const topics = [
  topic('demo/objects', 'objects'),
  topic('demo/camera', 'image'),
  topic('demo/visitor', 'image'),
  topic('demo/visitor-objects', 'objects'),
  topic('other/objects', 'objects'),
  topic('demo/captions', 'text'),
]

describe('the choice of what to watch', () => {
  it('survives the address bar, readable', () => {
    const choice = { picture: 'demo/camera', off: ['demo/objects', 'demo/a&b'] }
    expect(readChoice(writeChoice(choice))).toEqual(choice)
    expect(writeChoice(choice)).toContain('#picture=demo/camera&off=demo/objects')
  })

  it('finds the state of the source that the picture began in', () => {
    const withStates = [...topics, topic('demo/camera/state', 'event')]
    const camera = topic('demo/camera', 'image')
    expect(stateTopicOf(camera, withStates, new Map())).toBe('demo/camera/state')
    expect(stateTopicOf(camera, topics, new Map())).toBeUndefined()
    const drawn = { ...topic('demo/annotated', 'image'), source: 'camera' }
    expect(stateTopicOf(drawn, withStates, new Map())).toBe('demo/camera/state')
    expect(stateTopicOf(drawn, withStates, new Map([['demo/annotated', 'visitor']]))).toBeUndefined()
  })

  it.each([
    [{ state: 'live', frozen: true }, 'The picture stands still'],
    [{ state: 'stalled', frozen: false }, 'The camera has stopped sending'],
    [{ state: 'restarting', frozen: false }, 'Opening the camera again…'],
    [{ state: 'failed', frozen: false }, 'The camera cannot be opened'],
    [{ state: 'live', frozen: false }, undefined],
    [undefined, undefined],
  ])('says of a source that tells %j: %s', (event, words) => expect(troubleOf(event)).toBe(words))

  it('falls on the first picture when the wanted one is not there', () => {
    expect(choosePicture(topics, 'gone/camera')?.topic).toBe('demo/camera')
    expect(choosePicture(topics, 'demo/visitor')?.topic).toBe('demo/visitor')
    expect(choosePicture([], 'demo/visitor')).toBeUndefined()
  })

  it('offers the objects of the same pipeline, without those known to be of another stream', () => {
    const picture = topics[1] as Topic
    const names = (sources: [string, string][]) =>
      overlaysFor(picture, topics, new Map(sources)).map((one) => one.topic)
    expect(names([])).toEqual(['demo/objects', 'demo/visitor-objects'])
    expect(names([['demo/visitor-objects', 'visitor']])).toEqual(['demo/objects'])
    expect(
      names([
        ['demo/camera', 'lens'],
        ['demo/objects', 'lens'],
        ['demo/visitor-objects', 'visitor'],
      ]),
    ).toEqual(['demo/objects'])
  })
})

describe('boxes', () => {
  const person = (bbox: ResultObject['bbox'], more: Partial<ResultObject> = {}): ResultObject => ({
    label: 'person',
    confidence: 0.9,
    bbox,
    ...more,
  })

  it('are drawn once where a detector and a skeleton found the same person', () => {
    const found = person([10, 10, 100, 200])
    const same = person([12, 11, 100, 200], { keypoints: [] })
    const other = person([300, 10, 100, 200], { keypoints: [] })
    expect(distinctBoxes([same, found, other])).toEqual([found, other])
  })

  it('have their overlap measured as intersection over union', () => {
    expect(boxIou([0, 0, 10, 10], [5, 0, 10, 10])).toBeCloseTo(1 / 3)
    expect(boxIou([0, 0, 10, 10], [20, 0, 10, 10])).toBe(0)
  })

  it('keep the colour of their track', () => {
    expect(colourOf(person([0, 0, 1, 1], { id: 3 }))).toBe(
      colourOf({ ...person([5, 5, 1, 1], { id: 3 }), label: 'dog' }),
    )
    expect(colourOf(person([0, 0, 1, 1], { id: 3 }))).not.toBe(colourOf(person([0, 0, 1, 1], { id: 4 })))
  })
})

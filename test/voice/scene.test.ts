import { describe, expect, it } from 'vitest'
import { ageInWords, countInWords } from '../../engine/voice/counted.ts'
import { describeScene } from '../../engine/voice/scene.ts'
import { FakeTopics, seen } from '../support/voice-topics.ts'

const { signal } = new AbortController()
const tell = (topics: FakeTopics, of?: string) => describeScene(topics, { of, waitMs: 100 }, signal)

describe('countInWords', () => {
  it('counts in English, the most frequent first', () => {
    expect(countInWords([])).toBe('nothing')
    expect(countInWords(['dog', 'person', 'person'])).toBe('2 people, 1 dog')
    const labels = ['bus', 'bench', 'knife', 'mouse', 'sheep', 'cup', 'butterfly', 'toy']
    const plurals = ['buses', 'benches', 'knives', 'mice', 'sheep', 'cups', 'butterflies', 'toys']
    expect(labels.map((label) => countInWords([label, label]))).toEqual(plurals.map((many) => `2 ${many}`))
  })
})

describe('ageInWords', () => {
  it('says how long ago', () => {
    expect([0, 1400, 4200, 119_000, 200_000].map(ageInWords)).toEqual([
      'just now',
      'just now',
      '4 s ago',
      '119 s ago',
      '3 min ago',
    ])
  })
})

describe('describeScene', () => {
  it('tells a line for each camera, with who is known', async () => {
    const ann = { label: 'person', confidence: 0.9, bbox: [0, 0, 1, 1] as const, identity: 'Ann' }
    const topics = new FakeTopics({
      'hall/people': { objects: [...seen('person', 'person'), ann], source: 'front' },
      'yard/objects': { objects: [], ageMs: 5000 },
    })
    expect(await tell(topics)).toBe(
      'hall/people (front), just now: 2 people, 1 person Ann\nyard/objects (camera), 5 s ago: nothing',
    )
  })

  it('leaves out what another topic of the same camera tells too', async () => {
    const topics = new FakeTopics({
      'demo/poses': { objects: seen('person') },
      'demo/objects': { objects: seen('person', 'dog') },
      'demo/tracks': { objects: seen('dog', 'person') },
      'demo/side': { objects: seen('person'), source: 'side' },
      'other/objects': { objects: seen('person') },
    })
    expect((await tell(topics)).split('\n')).toEqual([
      'demo/objects (camera), just now: 1 person, 1 dog',
      'demo/side (side), just now: 1 person',
      'other/objects (camera), just now: 1 person',
    ])
  })

  it('may be asked of one topic, stream or pipeline', async () => {
    const topics = new FakeTopics({ 'hall/people': { objects: seen('person') }, 'yard/dogs': { objects: seen('dog') } })
    for (const of of ['yard/dogs', 'yard', 'dogs'])
      expect(await tell(topics, of)).toBe('yard/dogs (camera), just now: 1 dog')
    await expect(tell(topics, 'attic')).rejects.toThrow('Expected one of hall/people, yard/dogs, received attic')
  })

  it('tells which topic cannot be seen, and of the others all the same', async () => {
    const topics = new FakeTopics(
      { 'a/objects': { objects: seen('cat') } },
      { 'b/objects': 'objects', 'b/sound': 'audio' },
    )
    expect(await tell(topics)).toBe(
      'a/objects (camera), just now: 1 cat\nb/objects: not to be seen now (b/objects told nothing)',
    )
  })

  it('says when no camera is watched, and ends with the signal', async () => {
    expect(await tell(new FakeTopics({}))).toMatch(/^No camera is watched/)
    const topics = new FakeTopics({ 'a/objects': { objects: [] } })
    await expect(describeScene(topics, { waitMs: 1 }, AbortSignal.abort())).rejects.toMatchObject({ code: 'cancelled' })
  })
})

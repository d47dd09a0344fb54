import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import type { DetectedObject } from '../../engine/core/packet.ts'
import track from '../../engine/nodes/track.ts'
import { ByteTracker } from '../../engine/tracking/byte-tracker.ts'
import { hasTestData, testData } from '../support/data.ts'
import { runNode } from '../support/nodes.ts'
import { objectsPacket } from '../support/packets.ts'
import { randomNumbers } from '../support/random.ts'

type Frame = readonly DetectedObject[]
const person = (x: number, confidence = 0.9, label = 'person'): DetectedObject => ({
  label,
  confidence,
  bbox: [x, 100, 60, 150],
})

/** The objects that come out for each frame; frames are so many ms apart. */
function follow(frames: readonly Frame[], options: object = {}, ms = 100): Frame[] {
  const packets = frames.map((objects, seq) => objectsPacket(seq, objects, { atMs: seq * ms }))
  return runNode(track, options, packets).out.map(({ payload }) => payload.objects)
}
const idsOf = (frames: readonly Frame[]) => frames.map((objects) => objects.map(({ id }) => id))
const distinct = (frames: readonly Frame[]) => [...new Set(idsOf(frames).flat())]

describe('track', () => {
  it('gives an id at the second sight, and leaves the box and all else as they came', () => {
    const keypoints = [{ name: 'nose', x: 1, y: 2, confidence: 0.5 }]
    const frames = follow([[{ ...person(100), keypoints }], [{ ...person(104), keypoints }]])
    expect(frames).toEqual([[], [{ ...person(104), keypoints, id: 1 }]])
  })

  it('keeps moment, source and size of the frame, under its own name', () => {
    const { out } = runNode(track, {}, [objectsPacket(7, [person(0)])])
    expect(out[0]).toMatchObject({ stream: 'out', source: 'camera', seq: 7, capturedAt: 70_000_000n })
    expect(out[0]?.payload).toMatchObject({ model: 'test', frame: { width: 640, height: 480 } })
  })

  it('keeps the ids of two who cross', () => {
    const frames = follow(
      Array.from({ length: 41 }, (_, i) => [
        person(100 + 10 * i),
        { ...person(500 - 10 * i), bbox: [500 - 10 * i, 160, 60, 150] },
      ]),
    )
    const last = frames.at(-1)!
    expect(distinct(frames)).toEqual([1, 2])
    expect(last.map(({ id, bbox }) => [id, bbox[0]])).toEqual([[1, 500], [2, 100]]) // biome-ignore format: pairs
  })

  it('follows a doubtful detection where a track should be, and begins nothing with one', () => {
    const doubtful = (x: number) => person(x, 0.2)
    const frames = [[person(100)], [person(102)], [doubtful(104)], [doubtful(106), doubtful(400)], [person(108)]]
    expect(idsOf(follow(frames))).toEqual([[], [1], [1], [1], [1]])
    expect(idsOf(follow(frames, { lowScore: 0.3 }))).toEqual([[], [1], [], [], [1]])
    expect(idsOf(follow(Array.from({ length: 5 }, () => [doubtful(100)])))).toEqual([[], [], [], [], []])
  })

  it('keeps an id over lostSeconds unseen, and no longer', () => {
    const gone = (frames: number) => [
      [person(100)],
      [person(100)],
      ...Array.from({ length: frames }, () => []),
      [person(100)],
      [person(100)],
    ]
    expect(distinct(follow(gone(8), { lostSeconds: 1 }).filter(({ length }) => length > 0))).toEqual([1])
    expect(distinct(follow(gone(11), { lostSeconds: 1 }).filter(({ length }) => length > 0))).toEqual([1, 2])
  })

  it('goes by capture times where frames are missing', () => {
    const walk = Array.from({ length: 60 }, (_, i) => objectsPacket(i, [person(100 + 6 * i)], { atMs: i * 100 }))
    const some = walk.filter((_, i) => i < 20 || i % 7 === 0)
    const ids = runNode(track, {}, some).out.flatMap(({ payload }) => payload.objects.map(({ id }) => id))
    expect(new Set(ids)).toEqual(new Set([1]))
    expect(ids).toHaveLength(some.length - 1)
  })

  it('keeps a track to its label, unless it is told not to', () => {
    const frames = [
      [person(100, 0.9, 'car')],
      [person(100, 0.9, 'car')],
      [person(100, 0.9, 'truck')],
      [person(100, 0.9, 'truck')],
    ]
    expect(idsOf(follow(frames))).toEqual([[], [1], [], [2]])
    expect(idsOf(follow(frames, { perClass: false }))).toEqual([[], [1], [1], [1]])
  })

  it('calls nothing a track that is not seen minHits times in a row', () => {
    const frames = [[person(100)], [], [person(100)], [person(100)], [person(100)]]
    expect(idsOf(follow(frames, { minHits: 3 }))).toEqual([[], [], [], [], [1]])
    expect(idsOf(follow(frames, { minHits: 1 }))).toEqual([[1], [], [1], [1], [1]])
  })

  it('follows no more than maxTracks', () => {
    const crowd = Array.from({ length: 10 }, (_, i) => person(70 * i))
    expect(follow([crowd, crowd], { maxTracks: 4 }).at(-1)).toHaveLength(4)
  })

  it.each([{ highScore: 0.7 }, { lowScore: 0.6 }, { lostSeconds: -1 }, { minHits: 0 }])(
    'refuses the options %j',
    (options) => {
      expect(track.options.safeParse(options).success).toBe(false)
    },
  )
})

describe('ByteTracker', () => {
  const options = track.options.parse({ maxTracks: 20 })

  it('gives no id twice at a time or anew to another, and stays within its bound, in 600 seeded frames of noise and walkers', () => {
    const random = randomNumbers(5)
    const tracker = new ByteTracker(options)
    const lastSeen = new Map<number, number>()
    for (let frame = 0; frame < 600; frame++) {
      const walker = (i: number) => person(((frame * 3 + i * 200) % 900) - 60, 0.3 + random() * 0.7)
      const noise = Array.from({ length: Math.floor(random() * 8) }, () => person(random() * 600, random()))
      const given = tracker.update([walker(0), walker(1), walker(2), ...noise], frame / 10)
      const ids = given.filter((id) => id !== undefined)
      const highest = Math.max(0, ...lastSeen.keys())
      expect(new Set(ids).size).toBe(ids.length)
      expect(tracker.size).toBeLessThanOrEqual(20)
      for (const id of ids) {
        const seen = lastSeen.get(id)
        if (seen === undefined) expect(id).toBeGreaterThan(highest)
        else expect(frame - seen).toBeLessThanOrEqual(options.lostSeconds * 10)
        lastSeen.set(id, frame)
      }
    }
    expect(lastSeen.size).toBeGreaterThan(20)
  })

  it('begins again at 1 after the largest id of 32 bits, past those that are in use', () => {
    const tracker = new ByteTracker({ ...options, minHits: 1, firstId: 2 ** 31 - 1 })
    expect(tracker.update([person(0)], 0)).toEqual([2 ** 31 - 1])
    expect(tracker.update([person(0), person(300)], 0.1)).toEqual([2 ** 31 - 1, 1])
  })

  it('takes a time before the last for the last', () => {
    const tracker = new ByteTracker({ ...options, minHits: 1 })
    expect([5, 1, 5.1].map((seconds) => tracker.update([person(0)], seconds)[0])).toEqual([1, 1, 1])
  })
})

interface Recording {
  readonly fps: number
  /** One of so many frames of the clip is here. */
  readonly every: number
  readonly frames: readonly (readonly (readonly [number, number, number, number, number])[])[]
}

/** Persons found by YOLOv8n in the one-by-one clip; the file says how. */
const recording: Recording = JSON.parse(
  readFileSync(new URL('../fixtures/people-detections.json', import.meta.url), 'utf8'),
)
const found: Frame[] = recording.frames.map((rows) =>
  rows.map(([confidence, ...bbox]) => ({ label: 'person', confidence, bbox })),
)
const followRecording = (frames: readonly Frame[]) => follow(frames, {}, 1000 / recording.fps)

/** First and last frame of each id. */
function spansOf(frames: readonly Frame[]): Map<number, [number, number]> {
  const spans = new Map<number, [number, number]>()
  for (const [frame, objects] of frames.entries())
    for (const { id } of objects) spans.set(id!, [spans.get(id!)?.[0] ?? frame, frame])
  return spans
}

describe('track on real detections', () => {
  it.skipIf(!hasTestData)('gives as many ids to the one-by-one clip as persons appear in it, one at a time', () => {
    const truth = readTruth()
    const tracked = followRecording(found)
    const appearances = truth.filter(({ present }, i) => present && truth[i - 1]?.present !== true)
    expect(distinct(tracked.filter(({ length }) => length > 0))).toHaveLength(appearances.length)
    for (const { frame, present } of truth)
      expect(tracked[frame / recording.every]?.length, `frame ${frame}`).toBe(present ? 1 : 0)
  })

  it('keeps the id when one second of detections is deleted, wherever that is until two seconds before the person has left', () => {
    const spans = spansOf(followRecording(found))
    expect(spans.size).toBeGreaterThan(0)
    for (const [first, last] of spans.values()) {
      const appearance = found.slice(Math.max(0, first - 1), last + 1)
      for (let gap = 2; gap + 3 * recording.fps < appearance.length; gap += 3) {
        const isDeleted = (frame: number) => frame >= gap && frame < gap + recording.fps
        const ids = idsOf(followRecording(appearance.map((objects, frame) => (isDeleted(frame) ? [] : objects))))
        const place = `from frame ${recording.every * (first + gap)} on`
        expect(ids.slice(gap, gap + recording.fps).flat(), place).toEqual([])
        expect([ids[gap + recording.fps], ids.at(-1)], place).toEqual([[1], [1]])
      }
    }
  })
})

/** Whether there is a person, for every twentieth frame of what was recorded of the clip. */
function readTruth(): { readonly frame: number; readonly present: boolean }[] {
  const { frames } = JSON.parse(readFileSync(testData('truth/video_people.json'), 'utf8')) as {
    frames: { frame: number; dets: [string, ...number[]][] }[]
  }
  return frames
    .map(({ frame, dets }) => ({ frame, present: dets.some(([label]) => label === 'person') }))
    .filter(({ frame }) => frame / recording.every < found.length)
}

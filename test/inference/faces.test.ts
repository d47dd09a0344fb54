import { readFile } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { FaceGallery } from '../../engine/inference/face-gallery.ts'
import { scaleObjects } from '../../engine/inference/scale-objects.ts'
import { hasTestData, testData } from '../support/data.ts'
import { createVision, iouOf, type VisionSetup } from '../support/vision.ts'

const never = () => new AbortController().signal
const timeout = 120_000

interface Truth {
  readonly score: number
  readonly xyxy: readonly [number, number, number, number]
  readonly kps: readonly (readonly [number, number])[]
}

let setup: VisionSetup
let gallery: FaceGallery
let truth: Record<string, readonly Truth[]>
beforeAll(async () => {
  if (!hasTestData) return
  gallery = new FaceGallery({ file: ':memory:', keepsPictures: false })
  setup = await createVision({ paths: [testData('models')], knownFaces: gallery })
  truth = JSON.parse(await readFile(testData('truth/faces.json'), 'utf8')).detections
})
afterAll(async () => {
  await setup?.[Symbol.asyncDispose]()
  gallery?.[Symbol.dispose]()
})

async function find(name: string, options = {}) {
  const picture = await setup.vision.decodePicture(await readFile(testData(`media/${name}`)), never())
  const { image, originalWidth: width, originalHeight: height } = picture
  await using asked = setup.vision.openTask('faces', options, 'interactive')
  try {
    const { objects, ...by } = await asked.ask(image, never())
    return { ...by, objects: scaleObjects(objects, image, { width, height }) }
  } finally {
    image.release()
  }
}

/** The face of the truth that has that box. */
function indexOf(name: string, bbox: readonly [number, number, number, number]): number {
  return truth[name]!.findIndex(({ xyxy: [x1, y1, x2, y2] }) => iouOf(bbox, [x1, y1, x2 - x1, y2 - y1]) >= 0.9)
}

describe.skipIf(!hasTestData)('faces', () => {
  it('are found where the reference finds them, with their landmarks', { timeout }, async () => {
    for (const [name, expected] of Object.entries(truth)) {
      const { objects, ...by } = await find(name)
      expect(by).toEqual({ model: 'scrfd-500m-bnkps', backend: 'onnx', simulated: false })
      expect(objects.map(({ bbox }) => indexOf(name, bbox)).sort(), name).toEqual(expected.map((_, i) => i))
      for (const { bbox, confidence, keypoints = [] } of objects) {
        const { score, kps } = expected[indexOf(name, bbox)]!
        expect(Math.abs(confidence - score), name).toBeLessThan(0.05)
        const errors = kps.map(([x, y], i) => Math.hypot(keypoints[i]!.x - x, keypoints[i]!.y - y) / bbox[2])
        expect(Math.max(...errors), name).toBeLessThan(0.06)
      }
    }
  })

  it('of the named photos are matched to the right person, and nobody else is taken for one of them', {
    timeout,
  }, async () => {
    for (const name of ['obama', 'biden']) {
      const { objects } = await find(`${name}.jpg`, { embedding: true })
      const { model, values } = objects[0]!.embedding!
      expect([model, values.length]).toEqual(['faceres', 1024])
      expect(Math.hypot(...values)).toBeCloseTo(1, 4)
      gallery.add({ name, model, embedding: Float32Array.from(values), picture: new Uint8Array(0) }, 0)
    }
    // Who is on the photos is told by DATA.md; the order of two_people's faces by the truth.
    const people = { 'obama2.jpg': ['obama'], 'biden2.jpg': ['biden'], 'two_people.jpg': ['obama', 'biden'] }
    const printed: string[] = []
    for (const [name, names] of Object.entries(people)) {
      for (const { bbox, identity, similarity } of (await find(name)).objects) {
        printed.push(`${name} ${identity} ${similarity?.toFixed(3)}`)
        expect(identity, name).toBe(names[indexOf(name, bbox)])
        expect(similarity, name).toBeGreaterThan(0.59)
      }
    }
    for (const name of ['bus.jpg', 'zidane.jpg'])
      for (const { identity } of (await find(name)).objects) expect(identity, name).toBeUndefined()
    console.info(`faceres, threshold 0.59: ${printed.join(', ')}`)
  })

  it('are not looked at more closely than was asked for', { timeout }, async () => {
    const { objects } = await find('two_people.jpg', { recognise: false, maxFaces: 1 })
    expect(objects).toHaveLength(1)
    expect(objects[0]).not.toHaveProperty('identity')
    expect(objects[0]).not.toHaveProperty('embedding')
    const strict = await find('two_people.jpg', { threshold: 1 })
    expect(strict.objects.map(({ identity }) => identity)).toEqual([undefined, undefined])
  })
})

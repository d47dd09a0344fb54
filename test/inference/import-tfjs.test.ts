import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { InferenceSession, Tensor } from 'onnxruntime-node'
import sharp, { type Sharp } from 'sharp'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { loadCatalogue } from '../../engine/inference/catalogue.ts'
import { convertBundled, isBundled } from '../../engine/inference/import-tfjs.ts'
import { coco80, cocoKeypoints } from '../../engine/inference/labels.ts'
import { cropAround } from '../../engine/inference/vision-task.ts'
import { hasTestData, testData } from '../support/data.ts'

const catalogue = loadCatalogue()
let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hailstream-import-'))
})
afterAll(() => rm(folder, { recursive: true }))

async function convert(name: string): Promise<string> {
  const entry = catalogue.model(name)
  if (!isBundled(entry)) throw new Error(`${name} is not bundled`)
  return (await convertBundled(entry, folder)).path
}

describe('converting the bundled models', () => {
  test('writes the same bytes each time, once, and leaves no half file', async () => {
    const entry = catalogue.model('movenet-lightning')
    if (!isBundled(entry)) throw new Error('movenet-lightning is not bundled')
    const first = await convertBundled(entry, folder)
    expect(first.converted).toBe(true)
    const bytes = await readFile(first.path)
    expect(await convertBundled(entry, folder)).toEqual({ path: first.path, converted: false })
    await rm(first.path)
    await convertBundled(entry, folder)
    expect((await readFile(first.path)).equals(bytes)).toBe(true)
    expect((await readdir(folder)).filter((name) => !name.endsWith('.onnx'))).toEqual([])
  })

  test('removes what an older version of the package left', async () => {
    const old = join(folder, 'movenet-lightning-000000000000.onnx')
    await writeFile(old, 'old')
    await rm(await convert('movenet-lightning'))
    const path = await convert('movenet-lightning')
    const files = (await readdir(folder)).filter((name) => name.startsWith('movenet'))
    expect(files.map((name) => join(folder, name))).toEqual([path])
  })

  test('says what to do when the package is missing', async () => {
    const entry = catalogue.model('movenet-lightning')
    if (!isBundled(entry)) throw new Error('movenet-lightning is not bundled')
    const gone = { ...entry, onnx: { ...entry.onnx, bundled: { ...entry.onnx.bundled, package: 'not-installed' } } }
    await expect(convertBundled(gone, folder)).rejects.toThrow(/package not-installed.*npm run setup/)
  })
})

interface Box {
  label: string
  score: number
  box: number[]
}

/** Intersection over union of two boxes x1 y1 x2 y2. */
function overlap(a: readonly number[], b: readonly number[]): number {
  const [ax1 = 0, ay1 = 0, ax2 = 0, ay2 = 0] = a
  const [bx1 = 0, by1 = 0, bx2 = 0, by2 = 0] = b
  const shared =
    Math.max(0, Math.min(ax2, bx2) - Math.max(ax1, bx1)) * Math.max(0, Math.min(ay2, by2) - Math.max(ay1, by1))
  return shared / ((ax2 - ax1) * (ay2 - ay1) + (bx2 - bx1) * (by2 - by1) - shared)
}

/** CenterNet's boxes in source pixels, after class-wise NMS at IoU 0.45: the plainest decoder that can be written. */
function decodeBoxes(scores: Float32Array, sizes: Float32Array, width: number, height: number): Box[] {
  const found: Box[] = []
  for (const [at, score] of scores.entries()) {
    const cell = Math.floor(at / 80)
    const around = [-129, -128, -127, -1, 1, 127, 128, 129].map((step) => scores[at + step * 80] ?? 0)
    if (score < 0.25 || around.some((other) => other > score)) continue
    const [x, y] = [(cell % 128) * 4, Math.floor(cell / 128) * 4]
    const [left = 0, top = 0, right = 0, bottom = 0] = sizes.subarray(cell * 4, cell * 4 + 4)
    const box = [x - left, y - top, x + right, y + bottom].map(
      (value, i) => (value * (i % 2 === 0 ? width : height)) / 512,
    )
    found.push({ label: coco80[at % 80] ?? '', score, box })
  }
  found.sort((a, b) => b.score - a.score)
  return found.filter(
    (one, i) => !found.slice(0, i).some((better) => better.label === one.label && overlap(better.box, one.box) > 0.45),
  )
}

async function floats(image: Sharp): Promise<Float32Array> {
  return Float32Array.from(await image.removeAlpha().raw().toBuffer())
}

async function openModel(name: string): Promise<InferenceSession> {
  return InferenceSession.create(await convert(name), { intraOpNumThreads: 1, interOpNumThreads: 1 })
}

async function run(session: InferenceSession, pixels: Float32Array, size: number): Promise<Float32Array[]> {
  const [input = ''] = session.inputNames
  const answers = await session.run({ [input]: new Tensor('float32', pixels, [1, size, size, 3]) })
  return session.outputNames.map((output) => answers[output]!.data as Float32Array)
}

describe.skipIf(!hasTestData)('CenterNet, converted', () => {
  let session: InferenceSession
  beforeAll(async () => {
    session = await openModel('centernet-mobilenet')
  })
  afterAll(() => session.release())

  async function detect(file: string): Promise<Box[]> {
    const image = sharp(testData(`media/${file}`))
    const { width, height } = await image.metadata()
    const pixels = await floats(image.resize(512, 512, { fit: 'fill', kernel: 'linear' }))
    const [scores, sizes] = await run(session, pixels, 512)
    return decodeBoxes(scores!, sizes!, width, height)
  }

  test.each([
    [
      'bus.jpg',
      [
        { label: 'person', score: 0.78, box: [48, 393, 227, 905] },
        { label: 'person', score: 0.62, box: [685, 375, 810, 877] },
        { label: 'person', score: 0.59, box: [225, 404, 344, 863] },
        { label: 'bus', score: 0.49, box: [20, 227, 790, 754] },
      ],
    ],
    [
      'dog.jpg',
      [
        { label: 'car', score: 0.56 },
        { label: 'bicycle', score: 0.51 },
        { label: 'dog', score: 0.42 },
      ],
    ],
    [
      'zidane.jpg',
      [
        { label: 'person', score: 0.36 },
        { label: 'person', score: 0.28 },
      ],
    ],
  ] as [string, Partial<Box>[]][])('sees in %s what the same weights saw before', async (file, expected) => {
    const found = await detect(file)
    for (const { label, score, box } of expected) {
      const match = found.findIndex(
        (one) =>
          one.label === label &&
          (box === undefined ? Math.abs(one.score - score!) < 0.05 : overlap(one.box, box) > 0.9),
      )
      expect(match, `${label} ${score} in ${JSON.stringify(found)}`).toBeGreaterThanOrEqual(0)
      const [one] = found.splice(match, 1)
      expect(Math.abs(one!.score - score!)).toBeLessThan(0.05)
    }
  })
})

/** MoveNet's keypoints as x, y in crop pixels 0 to 192 and score, as the graph's own end computes them. */
function decodeKeypoints([centres, regressed, heat, offsets]: Float32Array[]): {
  x: number
  y: number
  score: number
}[] {
  const [side, stride] = [48, 4]
  const weight = (at: number) => 1 / (Math.hypot(Math.floor(at / side) - side / 2, (at % side) - side / 2) + 1.8)
  const centre = best(centres!.length, (at) => centres![at]! * weight(at))
  return cocoKeypoints.map((_, i) => {
    const y = Math.floor(centre / side) + regressed![centre * 34 + 2 * i]!
    const x = (centre % side) + regressed![centre * 34 + 2 * i + 1]!
    const cell = best(
      side * side,
      (at) => heat![at * 17 + i]! / (Math.hypot(Math.floor(at / side) - y, (at % side) - x) + 1.8),
    )
    return {
      x: ((cell % side) + offsets![cell * 34 + 2 * i + 1]!) * stride,
      y: (Math.floor(cell / side) + offsets![cell * 34 + 2 * i]!) * stride,
      score: heat![cell * 17 + i]!,
    }
  })
}

function best(count: number, value: (at: number) => number): number {
  let found = 0
  for (let at = 1; at < count; at++) if (value(at) > value(found)) found = at
  return found
}

const shortNames: Readonly<Record<string, string>> = {
  nose: 'nose',
  left_shoulder: 'l_sh',
  right_shoulder: 'r_sh',
  left_hip: 'l_hip',
  right_hip: 'r_hip',
  left_knee: 'l_kn',
  right_ankle: 'r_an',
}

describe.skipIf(!hasTestData)('MoveNet, converted', () => {
  test('finds the joints of each person in their crop within 6 % of the box height', async () => {
    const truth = JSON.parse(await readFile(testData('truth/pose.json'), 'utf8')) as Record<
      string,
      { kp: Record<string, [number, number, number]> }
    >
    const session = await openModel('movenet-lightning')
    const people = Object.entries(truth).filter(([key]) => key.startsWith('bus.jpg'))
    expect(people).toHaveLength(2)
    for (const [key, { kp }] of people) {
      const [x1 = 0, y1 = 0, x2 = 0, y2 = 0] = (key.match(/\d+/g) ?? []).map(Number)
      const [left, top, side] = cropAround([x1, y1, x2 - x1, y2 - y1], 1.25)
      const keypoints = decodeKeypoints(await run(session, await cropped('bus.jpg', left, top, side), 192))
      for (const [name, short] of Object.entries(shortNames)) {
        const { x, y, score } = keypoints[cocoKeypoints.indexOf(name as (typeof cocoKeypoints)[number])]!
        const [truthX, truthY] = kp[short]!
        const off = Math.hypot(left + (x * side) / 192 - truthX, top + (y * side) / 192 - truthY) / (y2 - y1)
        expect(off, `${key} ${name}`).toBeLessThan(0.06)
        expect(score, `${key} ${name}`).toBeGreaterThan(0.2)
      }
    }
    await session.release()
  })
})

/** A square of the image as MoveNet takes it, black outside of the image. */
async function cropped(file: string, left: number, top: number, side: number): Promise<Float32Array> {
  const padding = Math.ceil(side)
  const padded = await sharp(testData(`media/${file}`))
    .extend({ top: padding, bottom: padding, left: padding, right: padding, background: 'black' })
    .toBuffer()
  const [x, y] = [Math.round(left) + padding, Math.round(top) + padding]
  const region = { left: x, top: y, width: Math.round(side), height: Math.round(side) }
  return floats(sharp(padded).extract(region).resize(192, 192, { kernel: 'linear' }))
}

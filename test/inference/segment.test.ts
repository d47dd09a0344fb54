import { readFile } from 'node:fs/promises'
import { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-node'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { DetectedObject } from '../../engine/core/packet.ts'
import { columnsOf } from '../../engine/geometry/mask-runs.ts'
import { hasTestData, testData } from '../support/data.ts'
import { createVision, iouOf, type VisionSetup } from '../support/vision.ts'
import { letterbox } from '../support/yolo.ts'

const never = () => new AbortController().signal
const [inputSize, gridSize, coefficients] = [640, 160, 32]

interface Truth {
  readonly cls: string
  readonly score: number
  readonly xyxy: readonly [number, number, number, number]
  readonly mask_area_px: number
}

/** A head, its prototypes, and the way from the network's input to the picture. */
interface Outputs {
  readonly head: Float32Array
  readonly prototypes: Float32Array
  readonly places: number
  readonly toSource: readonly number[]
}

let setup: VisionSetup
let session: InferenceSession
let truth: Record<string, Truth[]>
beforeAll(async () => {
  if (!hasTestData) return
  setup = await createVision({ paths: [testData('models')] })
  session = await InferenceSession.create(testData('models/yolov8n-seg.onnx'))
  truth = JSON.parse(await readFile(testData('truth/segment.json'), 'utf8')).images
})
afterAll(async () => {
  await setup?.[Symbol.asyncDispose]()
  await session?.release()
})

async function segment(name: string, options = {}) {
  const { image } = await setup.vision.decodePicture(await readFile(testData(`media/${name}`)), never())
  await using asked = setup.vision.openTask('segment', options, 'interactive')
  try {
    return { ...(await asked.ask(image, never())), size: [image.height, image.width] as const }
  } finally {
    image.release()
  }
}

async function runPlainly(name: string): Promise<Outputs> {
  const { input, toSource } = await letterbox(testData(`media/${name}`))
  const feeds = { [session.inputNames[0]!]: new OrtTensor('float32', input, [1, 3, inputSize, inputSize]) }
  const { output0, output1 } = await session.run(feeds)
  const [head, prototypes] = [output0!, output1!]
  return {
    head: head.data as Float32Array,
    places: head.dims[2]!,
    prototypes: prototypes.data as Float32Array,
    toSource,
  }
}

/** The place that found the object: the one whose box in the picture is most like it. */
function placeOf({ head, places, toSource }: Outputs, { bbox, confidence }: DetectedObject): number {
  const [scale, , left, , , top] = toSource as [number, number, number, number, number, number]
  let [best, most] = [-1, 0]
  for (let place = 0; place < places; place++) {
    let score = 0
    for (let i = 4; i < 84; i++) score = Math.max(score, head[i * places + place]!)
    if (Math.abs(score - confidence) > 0.05) continue
    const [cx, cy, w, h] = [0, 1, 2, 3].map((i) => head[i * places + place]! * scale) as [
      number,
      number,
      number,
      number,
    ]
    const iou = iouOf(bbox, [cx - w / 2 + left, cy - h / 2 + top, w, h])
    if (iou > most) [best, most] = [place, iou]
  }
  return best
}

/** Pixels (x · height + y) of the object, each by itself: the logits of the four cells around it, linearly, above 0 in the box. */
function plainMask(outputs: Outputs, object: DetectedObject, [height, width]: readonly [number, number]): Set<number> {
  const { head, prototypes, places, toSource } = outputs
  const place = placeOf(outputs, object)
  const logits = new Float32Array(gridSize * gridSize)
  for (let channel = 0; channel < coefficients; channel++) {
    const coefficient = head[(84 + channel) * places + place]!
    for (let cell = 0; cell < logits.length; cell++)
      logits[cell]! += coefficient * prototypes[channel * logits.length + cell]!
  }
  const [scale, , left, , , top] = toSource as [number, number, number, number, number, number]
  const toCell = (pixel: number, offset: number) =>
    Math.min(gridSize - 1.001, Math.max(0, (((pixel + 0.5 - offset) / scale) * gridSize) / inputSize - 0.5))
  const pixels = new Set<number>()
  const [x, y, w, h] = object.bbox
  for (let column = 0; column < width; column++) {
    if (column + 0.5 < x || column + 0.5 >= x + w) continue
    const gx = toCell(column, left)
    const [cx, fx] = [Math.floor(gx), gx % 1]
    for (let row = 0; row < height; row++) {
      if (row + 0.5 < y || row + 0.5 >= y + h) continue
      const gy = toCell(row, top)
      const [cy, fy] = [Math.floor(gy), gy % 1]
      const at = (dx: number, dy: number) => logits[(cy + dy) * gridSize + cx + dx]!
      const upper = at(0, 0) * (1 - fx) + at(1, 0) * fx
      const lower = at(0, 1) * (1 - fx) + at(1, 1) * fx
      if (upper * (1 - fy) + lower * fy > 0) pixels.add(column * height + row)
    }
  }
  return pixels
}

function pixelsOf({ mask }: DetectedObject): Set<number> {
  const pixels = new Set<number>()
  const [height] = mask!.size
  for (const [x, runs] of columnsOf(mask!).entries())
    for (const { begin, end } of runs) for (let y = begin; y < end; y++) pixels.add(x * height + y)
  return pixels
}

function overlapOf(a: ReadonlySet<number>, b: ReadonlySet<number>): number {
  const common = [...a].filter((pixel) => b.has(pixel)).length
  return common / (a.size + b.size - common)
}

describe.skipIf(!hasTestData)('segment', () => {
  it.each(['bus.jpg', 'dog.jpg', 'zidane.jpg', 'coco_052891.jpg', 'coco_075612.jpg', 'coco_334371.jpg'])(
    'finds in %s what the reference finds, with its masks',
    async (name) => {
      const { objects, size, ...by } = await segment(name)
      const outputs = await runPlainly(name)
      expect(by).toEqual({ model: 'yolov8n-seg', backend: 'onnx', simulated: false })
      const expected = truth[name]!
      expect(objects).toHaveLength(expected.length)
      for (const { cls, score, xyxy, mask_area_px } of expected) {
        const [x1, y1, x2, y2] = xyxy
        const like = ({ label, bbox }: DetectedObject) =>
          label === cls && iouOf(bbox, [x1, y1, x2 - x1, y2 - y1]) >= 0.9
        const found = objects.filter(like)
        const place = `${cls} at ${xyxy}`
        expect(found, place).toHaveLength(1)
        expect(Math.abs(found[0]!.confidence - score), place).toBeLessThan(0.05)
        const pixels = pixelsOf(found[0]!)
        expect(overlapOf(pixels, plainMask(outputs, found[0]!, size)), place).toBeGreaterThanOrEqual(0.95)
        // The truth counts whole cells of the grid, also those that reach over the edges of the box.
        const cell = (outputs.toSource[0]! * inputSize) / gridSize
        const atTheEdges = cell * (x2 - x1 + y2 - y1)
        expect(Math.abs(pixels.size - mask_area_px), place).toBeLessThan(0.02 * mask_area_px + 0.75 * atTheEdges)
      }
    },
    60_000,
  )

  it('keeps to the classes and the number that were asked for', async () => {
    const { objects } = await segment('bus.jpg', { classes: ['person'], maxObjects: 2 })
    expect(objects.map(({ label }) => label)).toEqual(['person', 'person'])
    expect(objects.every(({ mask }) => mask !== undefined)).toBe(true)
  })

  it('gives masks in the size of a JPEG that lies in a slot, and finds nothing in a picture of one pixel', async () => {
    const { image } = await setup.vision.decodePicture(await readFile(testData('media/dog.jpg')), never())
    const jpeg = await setup.vision.encodeJpeg(image, { quality: 90, width: 384 }, never())
    const pixel = setup.rgb(1, 1, new Uint8Array(3))
    await using asked = setup.vision.openTask('segment', {}, 'interactive')
    const { objects } = await asked.ask(jpeg, never())
    expect(objects.length).toBeGreaterThan(1)
    for (const { mask } of objects) expect(mask!.size).toEqual([288, 384])
    expect((await asked.ask(pixel, never())).objects).toEqual([])
    for (const one of [image, jpeg, pixel]) one.release()
  })
})

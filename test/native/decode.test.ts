import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-node'
import sharp from 'sharp'
import { describe, expect, it } from 'vitest'
import { convertGraphModel } from '../../engine/inference/import-tfjs.ts'
import { coco80 } from '../../engine/inference/labels.ts'
import { addon, type DecodeOptions, type Tensor } from '../../engine/native/addon.ts'
import { projectRoot } from '../../engine/root.ts'
import { overlap } from '../support/boxes.ts'
import { hasTestData, testData } from '../support/data.ts'
import { openYolov8n } from '../support/yolo.ts'

type Corners = readonly number[]

interface Truth {
  readonly cls: string
  readonly score: number
  readonly xyxy: Corners
}

function toFindings(rows: Float32Array): Truth[] {
  return Array.from({ length: rows.length / 6 }, (_, i) => {
    const [x1 = 0, y1 = 0, x2 = 0, y2 = 0, score = 0, label = -1] = rows.subarray(i * 6, i * 6 + 6)
    return { cls: coco80[label] ?? '', score, xyxy: [x1, y1, x2, y2] }
  })
}

function expectAgreement(found: readonly Truth[], truth: readonly Truth[], least: number, tolerance: number): void {
  expect(found.map(({ cls }) => cls)).toEqual(truth.map(({ cls }) => cls))
  for (const [i, { score, xyxy }] of truth.entries()) {
    expect(overlap(found[i]?.xyxy ?? [], xyxy)).toBeGreaterThanOrEqual(least)
    expect(Math.abs((found[i]?.score ?? 0) - score)).toBeLessThanOrEqual(tolerance)
  }
}

const square: DecodeOptions = {
  kernel: 'yolo-v8',
  minScore: 0.25,
  iou: 0.45,
  maxRows: 300,
  classes: [],
  inputWidth: 640,
  inputHeight: 640,
  toSource: [1, 0, 0, 0, 1, 0],
  sourceWidth: 640,
  sourceHeight: 640,
}

const leastPlaces = 64

/** `[1, places, features]`, with places that score 0 added so that the longer axis tells which is which. */
function placesFirst(rows: readonly (readonly number[])[]): Tensor {
  const features = rows[0]?.length ?? 0
  const places = Math.max(rows.length, leastPlaces)
  const data = new Float32Array(places * features)
  data.set(rows.flat())
  return { data, shape: [1, places, features] }
}

describe.skipIf(!hasTestData)('decoders on real tensors', () => {
  it('agree with the truth of every picture within IoU 0.99 and 0.01 of score', async () => {
    const truth = JSON.parse(readFileSync(testData('truth/detect.json'), 'utf8')) as {
      yolov8n_fp32: Record<string, { dets: Truth[] }>
    }
    const run = await openYolov8n()
    expect(Object.keys(truth.yolov8n_fp32).length).toBeGreaterThanOrEqual(6)
    for (const [picture, { dets }] of Object.entries(truth.yolov8n_fp32)) {
      const { tensor, options } = await run(`media/${picture}`)
      expectAgreement(toFindings(addon().decode([tensor], options)), dets, 0.99, 0.01)
    }
  })

  it.each([['tower_0/mul_1'], ['tower_0/keypoints']])(
    'find people and bus in the heat of CenterNet at %s',
    async (cut) => {
      const { width, height, tensors } = await runCenternet(cut, testData('media/bus.jpg'))
      const rows = addon().decode(tensors, {
        ...square,
        kernel: 'centernet',
        inputWidth: 512,
        inputHeight: 512,
        toSource: [width / 512, 0, 0, 0, height / 512, 0],
        sourceWidth: width,
        sourceHeight: height,
      })
      expectAgreement(
        toFindings(rows),
        [
          { cls: 'person', score: 0.78, xyxy: [48, 393, 227, 905] },
          { cls: 'person', score: 0.62, xyxy: [685, 375, 810, 877] },
          { cls: 'person', score: 0.59, xyxy: [225, 404, 344, 863] },
          { cls: 'bus', score: 0.49, xyxy: [20, 227, 790, 754] },
          { cls: 'dog', score: 0.32, xyxy: [0, 557, 70, 868] },
        ],
        0.9,
        0.02,
      )
    },
  )
})

async function runCenternet(
  heat: string,
  picture: string,
): Promise<{ width: number; height: number; tensors: Tensor[] }> {
  const stem = join(projectRoot, 'node_modules/@vladmandic/human/models/centernet')
  const file = convertGraphModel(readFileSync(`${stem}.json`, 'utf8'), readFileSync(`${stem}.bin`), [
    heat,
    'tower_0/wh',
  ])
  const session = await InferenceSession.create(file)
  const { width, height } = await sharp(picture).metadata()
  const pixels = await sharp(picture).removeAlpha().resize(512, 512, { fit: 'fill', kernel: 'linear' }).raw().toBuffer()
  const input = new OrtTensor('float32', Float32Array.from(pixels), [1, 512, 512, 3])
  const outputs = await session.run({ [session.inputNames[0] ?? '']: input })
  const tensors = session.outputNames.map((name) => {
    const output = outputs[name]
    return { data: output?.data as Float32Array, shape: output?.dims ?? [] }
  })
  return { width, height, tensors }
}

describe('decode', () => {
  const row = (x: number, score: number, other = 0) => [x, 100, 40, 80, score, other]

  it('knows its kernels and the width of their rows', () => {
    const widths = Object.fromEntries(
      addon()
        .decodeKernels()
        .map((name) => [name, addon().decodeWidth(name)]),
    )
    expect(widths).toEqual({
      centernet: 6,
      'class-scores': 2,
      ctc: 3,
      embedding: 1,
      movenet: 51,
      scrfd: 16,
      'text-regions': 9,
      'yolo-v5': 6,
      'yolo-v5-raw': 6,
      'yolo-v5-segment-raw': 10,
      'yolo-v8': 6,
      'yolo-v8-obb': 7,
      'yolo-v8-obb-raw': 7,
      'yolo-v8-pose': 57,
      'yolo-v8-pose-raw': 57,
      'yolo-v8-raw': 6,
      'yolo-v8-segment': 10,
      'yolo-v8-segment-raw': 10,
    })
  })

  it('gives rows best first, without the weaker of two boxes of one class that overlap', () => {
    const rows = addon().decode(
      [placesFirst([row(100, 0.5), row(104, 0.75), row(102, 0, 0.625), row(300, 0.875)])],
      square,
    )
    expect([...rows]).toEqual([
      ...[280, 60, 320, 140, 0.875, 0],
      ...[84, 60, 124, 140, 0.75, 0],
      ...[82, 60, 122, 140, 0.625, 1],
    ])
  })

  it('reads the same head with features first', () => {
    const places = [row(100, 0.5), row(300, 0.875), ...Array.from({ length: 9 }, () => row(0, 0))]
    const data = Float32Array.from([0, 1, 2, 3, 4, 5].flatMap((feature) => places.map((place) => place[feature] ?? 0)))
    const turned = addon().decode([{ data, shape: [1, 6, 11] }], square)
    expect(turned.length).toBe(12)
    expect(turned).toEqual(addon().decode([placesFirst(places.slice(0, 2))], square))
  })

  it('keeps only the classes asked for, and no more rows than asked for', () => {
    const tensor = placesFirst([row(100, 0.5), row(300, 0.875), row(500, 0, 0.625)])
    expect([...addon().decode([tensor], { ...square, classes: [1, 7] })]).toEqual([480, 60, 520, 140, 0.625, 1])
    expect([...addon().decode([tensor], { ...square, maxRows: 1 })]).toEqual([280, 60, 320, 140, 0.875, 0])
    expect(addon().decode([tensor], { ...square, minScore: 0.9 }).length).toBe(0)
  })

  it('maps to source pixels and clips to the source', () => {
    const options: DecodeOptions = { ...square, toSource: [2, 0, -150, 0, 0.5, 0], sourceWidth: 80, sourceHeight: 60 }
    expect([...addon().decode([placesFirst([row(100, 0.5), row(600, 0.9)])], options)]).toEqual([
      10, 30, 80, 60, 0.5, 0,
    ])
  })

  it('drops rows that are not finite', () => {
    const bad = [NaN, Infinity, -Infinity]
    const places = bad.flatMap((value) => [0, 1, 2, 3, 4].map((at) => row(100, 0.5).with(at, value)))
    const rows = addon().decode([placesFirst([...places, row(300, 0.875)])], square)
    expect([...rows]).toEqual([280, 60, 320, 140, 0.875, 0])
  })

  it('multiplies the class by the objectness of YOLOv5', () => {
    const places = [
      [100, 100, 40, 80, 0.5, 0.25, 0.75],
      [300, 100, 40, 80, 0.5, 0.25, 0.375],
    ]
    const rows = addon().decode([placesFirst(places)], { ...square, kernel: 'yolo-v5' })
    expect([...rows]).toEqual([80, 60, 120, 140, 0.375, 1])
  })

  it('gives a pose its joints in source pixels', () => {
    const joints = Array.from({ length: 17 }, (_, i) => [i, 2 * i, 0.5])
    const options: DecodeOptions = { ...square, kernel: 'yolo-v8-pose', toSource: [2, 0, 0, 0, 2, 1] }
    const rows = addon().decode([placesFirst([[...row(100, 0.5).slice(0, 5), ...joints.flat()]])], options)
    const expected = joints.flatMap(([x = 0, y = 0, score = 0]) => [2 * x, 2 * y + 1, score])
    expect([...rows]).toEqual([160, 121, 240, 281, 0.5, 0, ...expected])
  })
})

describe('decode, asked wrongly', () => {
  const tensor = placesFirst([[100, 100, 40, 80, 0.5]])

  it('names the kernels it has when it has not the one asked for', () => {
    const ask = () => addon().decode([tensor], { ...square, kernel: 'yolo-v99' })
    expect(ask).toThrow(expect.objectContaining({ code: 'invalid', message: expect.stringContaining('yolo-v8-raw') }))
    expect(ask).toThrow('received yolo-v99')
  })

  it.each([
    ['yolo-v8', [1, 4, 8400], 'Expected for yolo-v8 one tensor [1 × 4+C × N]'],
    ['yolo-v8', [2, 84, 10], 'received [2 × 84 × 10]'],
    ['yolo-v8-pose', [1, 57, 10], 'received [1 × 57 × 10]'],
    ['yolo-v8-raw', [1, 64, 80, 80], 'received [1 × 64 × 80 × 80]'],
    ['yolo-v8-pose-raw', [1, 0, 0, 0], 'received [1 × 0 × 0 × 0]'],
    ['yolo-v5', [1, 10, 5], 'received [1 × 10 × 5]'],
    ['yolo-v5-raw', [1, 255, 80, 80], 'received [1 × 255 × 80 × 80]'],
    ['centernet', [1, 8, 8, 80], 'received [1 × 8 × 8 × 80]'],
    ['movenet', [], 'received []'],
    ['scrfd', [1, 80, 80, 2], 'received [1 × 80 × 80 × 2]'],
    ['yolo-v8-segment', [1, 116, 84], 'received [1 × 116 × 84]'],
    ['yolo-v8-segment-raw', [1, 32, 160, 160], 'received [1 × 32 × 160 × 160]'],
    ['yolo-v5-segment-raw', [1, 351, 80, 80], 'received [1 × 351 × 80 × 80]'],
    ['yolo-v8-obb', [1, 5, 8400], 'received [1 × 5 × 8400]'],
    ['yolo-v8-obb-raw', [1, 64, 80, 80], 'received [1 × 64 × 80 × 80]'],
  ])('refuses for %s the shape %j', (kernel, shape, message) => {
    const data = new Float32Array(shape.reduce((product, size) => product * size, 1))
    const ask = () => addon().decode([{ data, shape }], { ...square, kernel })
    expect(ask).toThrow(expect.objectContaining({ code: 'invalid', message: expect.stringContaining(message) }))
  })

  it('refuses data that does not fill the shape, and no tensor at all', () => {
    const data = new Float32Array(9)
    expect(() => addon().decode([{ data, shape: [1, 2, 5] }], square)).toThrow('to hold [1 × 2 × 5] values, received 9')
    expect(() => addon().decode([], square)).toThrow(expect.objectContaining({ code: 'invalid' }))
  })

  it.each([
    ['tensors', [7, square]],
    ['a tensor', [[7], square]],
    ['data', [[{ data: [1, 2], shape: [2] }], square]],
    ['data of bytes', [[{ data: new Uint8Array(2), shape: [2] }], square]],
    ['a shape', [[{ data: new Float32Array(2), shape: [-2] }], square]],
    ['options', [[tensor], 'yolo-v8']],
    ['a kernel', [[tensor], { ...square, kernel: 8 }]],
    ['a score', [[tensor], { ...square, minScore: NaN }]],
    ['an affine', [[tensor], { ...square, toSource: [1, 0, 0, 0, 1] }]],
    ['classes', [[tensor], { ...square, classes: ['person'] }]],
    ['a number of rows', [[tensor], { ...square, maxRows: 1.5 }]],
  ])('throws a TypeError for what is not %s', (_, wrong) => {
    const decode = addon().decode as (...parameters: readonly unknown[]) => unknown
    expect(() => decode(...wrong)).toThrow(TypeError)
  })
})

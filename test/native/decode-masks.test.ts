import { readFileSync } from 'node:fs'
import { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-node'
import { afterAll, describe, expect, it } from 'vitest'
import { coco80 } from '../../engine/inference/labels.ts'
import { addon, type DecodeOptions, type MaskMap, type NativePool, type Tensor } from '../../engine/native/addon.ts'
import { hasTestData, testData } from '../support/data.ts'
import { letterbox } from '../support/yolo.ts'

const inputSize = 640
const gridSize = 160
const coefficients = 32
const slotBytes = 2 * 1024 * 1024

interface Truth {
  readonly cls: string
  readonly score: number
  readonly xyxy: readonly number[]
  readonly mask_area_px: number
  readonly mask_fill_of_box: number
}

/** A row with the cells of the grid that its mask has. */
interface Segment {
  readonly label: number
  readonly cls: string
  readonly score: number
  readonly xyxy: readonly number[]
  readonly cells: ReadonlySet<number>
}

let pool: NativePool | undefined
afterAll(() => pool?.close())

function decodeMasks(tensors: readonly Tensor[], options: DecodeOptions): Segment[] {
  pool ??= addon().createPool(2, slotBytes)
  const { rows, map } = addon().decodeMasks(pool, tensors, 1, options)
  expect(map).toMatchObject({ width: gridSize, height: gridSize })
  return toSegments(rows, map, pool.read(1, 0, map.bytes))
}

function toSegments(rows: Float32Array, map: MaskMap, bytes: Buffer): Segment[] {
  let offset = 0
  const segments = Array.from({ length: rows.length / 10 }, (_, i): Segment => {
    const [x1 = 0, y1 = 0, x2 = 0, y2 = 0, score = 0, label = -1, x = 0, y = 0, width = 0, height = 0] = rows.subarray(
      i * 10,
      i * 10 + 10,
    )
    const crop = bytes.subarray(offset, offset + width * height)
    offset += width * height
    const cells = new Set<number>()
    for (const [at, value] of crop.entries())
      if (value >= 128) cells.add((y + Math.floor(at / width)) * map.width + x + (at % width))
    return { label, cls: coco80[label] ?? '', score, xyxy: [x1, y1, x2, y2], cells }
  })
  expect(offset).toBe(map.bytes)
  return segments
}

/** The recipe of truth/segment.json in plain words: sigmoid(coefficients · prototypes) > 0.5 in the box at 160 × 160. */
function plainMask(head: Tensor, prototypes: Tensor, place: number): ReadonlySet<number> {
  const [, features = 0, places = 0] = head.shape
  const value = (feature: number) => head.data[feature * places + place] ?? NaN
  const scale = gridSize / inputSize
  const [left, right] = [Math.floor((value(0) - value(2) / 2) * scale), (value(0) + value(2) / 2) * scale]
  const [top, bottom] = [Math.floor((value(1) - value(3) / 2) * scale), (value(1) + value(3) / 2) * scale]
  const cells = new Set<number>()
  for (let cell = 0; cell < gridSize * gridSize; cell++) {
    const x = cell % gridSize
    const y = Math.floor(cell / gridSize)
    if (x < left || x >= right || y < top || y >= bottom) continue
    let logit = 0
    for (let i = 0; i < coefficients; i++)
      logit += value(features - coefficients + i) * (prototypes.data[i * gridSize * gridSize + cell] ?? NaN)
    if (logit > 0) cells.add(cell)
  }
  return cells
}

/** The place that the row came from: the one of its class whose score it has. */
function placeOf(head: Tensor, { label, score }: Segment): number {
  const places = head.shape[2] ?? 0
  const first = (4 + label) * places
  return head.data.subarray(first, first + places).indexOf(score)
}

function sharedShare(first: ReadonlySet<number>, second: ReadonlySet<number>): number {
  const shared = [...first].filter((cell) => second.has(cell)).length
  return shared / (first.size + second.size - shared)
}

describe.skipIf(!hasTestData)('yolo-v8-segment on real tensors', () => {
  it('agrees with the truth of every picture: boxes to 0.15 pixels, masks within IoU 0.95 and 2 % of their area', async () => {
    const { images } = JSON.parse(readFileSync(testData('truth/segment.json'), 'utf8')) as {
      images: Record<string, Truth[]>
    }
    const session = await InferenceSession.create(testData('models/yolov8n-seg.onnx'))
    expect(Object.keys(images).length).toBeGreaterThanOrEqual(6)
    for (const [picture, truth] of Object.entries(images)) {
      const { input, ...source } = await letterbox(testData(`media/${picture}`))
      const outputs = await session.run({
        [session.inputNames[0] ?? '']: new OrtTensor('float32', input, [1, 3, inputSize, inputSize]),
      })
      const [head, prototypes] = ['output0', 'output1'].map((name): Tensor => {
        const output = outputs[name]
        return { data: output?.data as Float32Array, shape: output?.dims ?? [] }
      })
      if (head === undefined || prototypes === undefined) throw new Error('Expected two outputs of yolov8n-seg.onnx')
      const options: DecodeOptions = { ...plain, ...source }
      const found = decodeMasks([prototypes, head], options)
      expect(found.map(({ cls }) => cls)).toEqual(truth.map(({ cls }) => cls))
      for (const [i, segment] of found.entries()) {
        const expected = truth[i]
        if (expected === undefined) throw new Error('Expected as many rows as the truth has')
        expectSame(segment, expected, options)
        expect(sharedShare(segment.cells, plainMask(head, prototypes, placeOf(head, segment)))).toBeGreaterThan(0.95)
      }
    }
  })
})

const plain: DecodeOptions = {
  kernel: 'yolo-v8-segment',
  minScore: 0.25,
  iou: 0.45,
  maxRows: 300,
  classes: [],
  inputWidth: inputSize,
  inputHeight: inputSize,
  toSource: [1, 0, 0, 0, 1, 0],
  sourceWidth: inputSize,
  sourceHeight: inputSize,
}

/** The truth gives tenths of pixels, also outside of the picture; a mask of few cells may have two of them more or less at the edge of its box. */
function expectSame(found: Segment, truth: Truth, { toSource, sourceWidth, sourceHeight }: DecodeOptions): void {
  const pixelsPerCell = (toSource[0] * inputSize) / gridSize
  for (const [i, corner] of truth.xyxy.entries()) {
    const inPicture = Math.min(Math.max(corner, 0), i % 2 === 0 ? sourceWidth : sourceHeight)
    expect(Math.abs((found.xyxy[i] ?? NaN) - inPicture)).toBeLessThan(0.15)
  }
  expect(Math.abs(found.score - truth.score)).toBeLessThanOrEqual(0.01)
  const area = found.cells.size * pixelsPerCell ** 2
  expect(Math.abs(area - truth.mask_area_px)).toBeLessThanOrEqual(0.02 * truth.mask_area_px + 2 * pixelsPerCell ** 2)
}

describe('decodeMasks', () => {
  const head: Tensor = { data: new Float32Array(39 * 21), shape: [1, 39, 21] }
  const prototypes: Tensor = { data: new Float32Array(34 * 64).fill(1), shape: [1, 34, 8, 8] }
  const small = { ...plain, inputWidth: 32, inputHeight: 32, sourceWidth: 32, sourceHeight: 32 }

  it('says when the slot is too small for the masks', () => {
    const full = { ...head, data: head.data.slice() }
    for (const [feature, value] of [16, 16, 32, 32, 0.9].entries()) full.data[feature * 21] = value
    const narrow = addon().createPool(1, 1)
    const big: Tensor = { data: new Float32Array(34 * 160 * 160).fill(1), shape: [1, 34, 160, 160] }
    const head640: Tensor = { data: new Float32Array(39 * 8400), shape: [1, 39, 8400] }
    for (const [feature, value] of [320, 320, 640, 640, 0.9].entries()) head640.data[feature * 8400] = value
    try {
      expect(() => addon().decodeMasks(narrow, [head640, big], 0, plain)).toThrow(
        expect.objectContaining({ code: 'too-large', message: expect.stringContaining('25600 bytes') }),
      )
      const { rows, map } = addon().decodeMasks(narrow, [full, prototypes], 0, small)
      expect([...rows.subarray(0, 4), ...rows.subarray(6)]).toEqual([0, 0, 32, 32, 0, 0, 8, 8])
      expect(map).toEqual({ width: 8, height: 8, bytes: 64 })
      expect([...addon().decode([full, prototypes], small)]).toEqual([...rows])
    } finally {
      narrow.close()
    }
  })

  it('refuses kernels whose rows have no masks, and slots that there are not', () => {
    const narrow = addon().createPool(1, 1)
    try {
      const ask = (slot: number, kernel: string) =>
        addon().decodeMasks(narrow, [head, prototypes], slot, { ...small, kernel })
      expect(() => ask(0, 'yolo-v8')).toThrow(
        expect.objectContaining({ code: 'invalid', message: expect.stringContaining('whose rows have masks') }),
      )
      expect(() => ask(1, 'yolo-v8-segment')).toThrow()
    } finally {
      narrow.close()
    }
  })
})

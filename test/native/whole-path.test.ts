import { readFileSync } from 'node:fs'
import { InferenceSession, Tensor } from 'onnxruntime-node'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { PixelFormat } from '../../engine/core/packet.ts'
import { addon, type NativePool } from '../../engine/native/addon.ts'
import { hasTestData, testData } from '../support/data.ts'

interface Detection {
  readonly score: number
  readonly xyxy: readonly number[]
}

/**
 * Below this score the two may differ in what they find: see the limits that come with the truth. Limited range takes 36 of
 * 256 levels, which moves what the network is unsure of.
 */
const certain = { rgb: 0.3, i420: 0.5, nv12: 0.5 } as const
const side = 640

function overlap(a: readonly number[], b: readonly number[]): number {
  const [ax = 0, ay = 0, ar = 0, ab = 0] = a
  const [bx = 0, by = 0, br = 0, bb = 0] = b
  const shared = Math.max(0, Math.min(ar, br) - Math.max(ax, bx)) * Math.max(0, Math.min(ab, bb) - Math.max(ay, by))
  return shared / ((ar - ax) * (ab - ay) + (br - bx) * (bb - by) - shared)
}

describe.skipIf(!hasTestData)('from a JPEG file to rows', () => {
  let pool: NativePool
  let session: InferenceSession
  const truth: Record<string, { dets: Detection[] }> = hasTestData
    ? JSON.parse(readFileSync(testData('truth/detect.json'), 'utf8')).yolov8n_fp32
    : {}

  beforeAll(async () => {
    pool = addon().createPool(1, 1920 * 1080 * 3)
    session = await InferenceSession.create(testData('models/yolov8n.onnx'))
  })
  afterAll(() => pool.close())

  async function detect(picture: string, format: PixelFormat): Promise<Detection[]> {
    const jpeg = readFileSync(testData(`media/${picture}`))
    const spec = await addon().decodeJpeg(pool, jpeg, 0, { format, maxWidth: 1920, maxHeight: 1080 })
    const input = new Float32Array(3 * side * side)
    const toSource = addon().fit(pool, { ...spec, slot: 0 }, input, {
      width: side,
      height: side,
      mode: 'letterbox',
      layout: 'nchw',
      pad: 114,
      mean: [0, 0, 0],
      scale: [1 / 255, 1 / 255, 1 / 255],
    })
    const outputs = await session.run({ images: new Tensor('float32', input, [1, 3, side, side]) })
    const output = outputs.output0 as Tensor
    const rows = addon().decode([{ data: output.data as Float32Array, shape: output.dims }], {
      kernel: 'yolo-v8',
      minScore: 0.25,
      iou: 0.45,
      maxRows: 300,
      classes: [],
      inputWidth: side,
      inputHeight: side,
      toSource,
      sourceWidth: spec.width,
      sourceHeight: spec.height,
    })
    return Array.from({ length: rows.length / 6 }, (_, i) => ({
      xyxy: [...rows.subarray(6 * i, 6 * i + 4)],
      score: rows[6 * i + 4] ?? 0,
    }))
  }

  it.each<PixelFormat>(['rgb', 'i420', 'nv12'])(
    'finds by way of %s what the truth says, within IoU 0.9 and 0.05 of score',
    async (format) => {
      expect(Object.keys(truth)).toContain('bus.jpg')
      for (const [picture, { dets }] of Object.entries(truth)) {
        const found = await detect(picture, format)
        const expected = dets.filter((each) => each.score >= certain[format])
        expect(found.filter((each) => each.score >= 0.3).length, picture).toBe(
          dets.filter((each) => each.score >= 0.3).length,
        )
        for (const each of expected) {
          const best = found.reduce((a, b) => (overlap(b.xyxy, each.xyxy) > overlap(a.xyxy, each.xyxy) ? b : a))
          expect(overlap(best.xyxy, each.xyxy), picture).toBeGreaterThanOrEqual(0.9)
          expect(Math.abs(best.score - each.score), picture).toBeLessThanOrEqual(0.05)
        }
      }
    },
  )
})

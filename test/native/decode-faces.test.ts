import { readFileSync } from 'node:fs'
import { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-node'
import sharp from 'sharp'
import { describe, expect, it } from 'vitest'
import { addon, type DecodeOptions, type Tensor } from '../../engine/native/addon.ts'
import { overlap } from '../support/boxes.ts'
import { hasTestData, testData } from '../support/data.ts'

const inputSize = 640

interface Face {
  readonly score: number
  readonly xyxy: readonly number[]
  readonly kps: readonly (readonly number[])[]
}

/** As truth/faces.json has it: top left in the input, (RGB − 127.5) / 128, what is left over black. */
async function faceInput(file: string): Promise<{ input: Float32Array; options: DecodeOptions }> {
  const { width, height } = await sharp(file).metadata()
  const scale = Math.min(inputSize / width, inputSize / height)
  const inner = { width: Math.round(width * scale), height: Math.round(height * scale) }
  const pixels = await sharp(file)
    .removeAlpha()
    .resize({ ...inner, fit: 'fill', kernel: 'linear' })
    .extend({ right: inputSize - inner.width, bottom: inputSize - inner.height, background: '#000' })
    .raw()
    .toBuffer()
  const area = inputSize * inputSize
  const input = new Float32Array(3 * area)
  for (let i = 0; i < 3 * area; i++) input[(i % 3) * area + Math.floor(i / 3)] = ((pixels[i] ?? 0) - 127.5) / 128
  const options: DecodeOptions = {
    kernel: 'scrfd',
    minScore: 0.5,
    iou: 0.4,
    maxRows: 100,
    classes: [],
    activated: true,
    inputWidth: inputSize,
    inputHeight: inputSize,
    toSource: [1 / scale, 0, 0, 0, 1 / scale, 0],
    sourceWidth: width,
    sourceHeight: height,
  }
  return { input, options }
}

function toFaces(rows: Float32Array): Face[] {
  return Array.from({ length: rows.length / 16 }, (_, i) => {
    const row = rows.subarray(i * 16, i * 16 + 16)
    const kps = [6, 8, 10, 12, 14].map((at) => [row[at] ?? NaN, row[at + 1] ?? NaN])
    return { score: row[4] ?? NaN, xyxy: [...row.subarray(0, 4)], kps }
  })
}

describe.skipIf(!hasTestData)('scrfd on real tensors', () => {
  it('agrees with the truth of every picture within IoU 0.97, 0.02 of score and 2 % of the face', async () => {
    const { detections } = JSON.parse(readFileSync(testData('truth/faces.json'), 'utf8')) as {
      detections: Record<string, Face[]>
    }
    const session = await InferenceSession.create(testData('models/scrfd_500m_bnkps.onnx'))
    expect(Object.keys(detections).length).toBeGreaterThanOrEqual(7)
    for (const [picture, truth] of Object.entries(detections)) {
      const { input, options } = await faceInput(testData(`media/${picture}`))
      const outputs = await session.run({
        [session.inputNames[0] ?? '']: new OrtTensor('float32', input, [1, 3, inputSize, inputSize]),
      })
      const tensors = session.outputNames.map((name): Tensor => {
        const output = outputs[name]
        return { data: output?.data as Float32Array, shape: output?.dims ?? [] }
      })
      expectSameFaces(toFaces(addon().decode(tensors, options)), truth)
    }
  })
})

function expectSameFaces(found: readonly Face[], truth: readonly Face[]): void {
  expect(found).toHaveLength(truth.length)
  for (const { score, xyxy, kps } of truth) {
    const face = found.find((other) => overlap(other.xyxy, xyxy) > 0.97)
    expect(face).toBeDefined()
    expect(Math.abs((face?.score ?? 0) - score)).toBeLessThan(0.02)
    const near = 0.02 * ((xyxy[2] ?? 0) - (xyxy[0] ?? 0))
    for (const [i, [x = 0, y = 0]] of kps.entries()) {
      const [foundX = NaN, foundY = NaN] = face?.kps[i] ?? []
      expect(Math.hypot(foundX - x, foundY - y)).toBeLessThan(near)
    }
  }
}

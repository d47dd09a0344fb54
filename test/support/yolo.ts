import { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-node'
import sharp from 'sharp'
import type { Affine, DecodeOptions, Tensor } from '../../engine/native/addon.ts'
import { testData } from './data.ts'

export const inputSize = 640

/** A picture as a network's input, and the way back to its pixels. */
export interface Letterboxed {
  /** [1, 3, 640, 640], RGB, 0 to 1. */
  readonly input: Float32Array
  readonly toSource: Affine
  readonly sourceWidth: number
  readonly sourceHeight: number
}

/** What YOLOv8n says of a picture, and how to decode it: score ≥ 0.25, IoU 0.45, as in truth/detect.json. */
export interface HeadOfPicture {
  readonly tensor: Tensor
  readonly options: DecodeOptions
}

/** Exactly as truth/detect.json has it: sharp's antialiased `linear` kernel, centred on grey 114. */
export async function letterbox(file: string): Promise<Letterboxed> {
  const { width, height } = await sharp(file).metadata()
  const scale = Math.min(inputSize / width, inputSize / height)
  const inner = { width: Math.round(width * scale), height: Math.round(height * scale) }
  const left = Math.floor((inputSize - inner.width) / 2)
  const top = Math.floor((inputSize - inner.height) / 2)
  const pixels = await sharp(file)
    .removeAlpha()
    .resize({ ...inner, fit: 'fill', kernel: 'linear' })
    .extend({
      left,
      top,
      right: inputSize - inner.width - left,
      bottom: inputSize - inner.height - top,
      background: { r: 114, g: 114, b: 114 },
    })
    .raw()
    .toBuffer()
  const area = inputSize * inputSize
  const input = new Float32Array(3 * area)
  for (let i = 0; i < 3 * area; i++) input[(i % 3) * area + Math.floor(i / 3)] = (pixels[i] ?? 0) / 255
  return {
    input,
    toSource: [1 / scale, 0, -left / scale, 0, 1 / scale, -top / scale],
    sourceWidth: width,
    sourceHeight: height,
  }
}

/** Opens YOLOv8n of the test data; the answer runs it on a picture of the test data, as `media/bus.jpg`. */
export async function openYolov8n(): Promise<(picture: string) => Promise<HeadOfPicture>> {
  const session = await InferenceSession.create(testData('models/yolov8n.onnx'))
  const name = session.inputNames[0] ?? ''
  return async (picture) => {
    const { input, ...source } = await letterbox(testData(picture))
    const outputs = await session.run({ [name]: new OrtTensor('float32', input, [1, 3, inputSize, inputSize]) })
    const output = outputs[session.outputNames[0] ?? '']
    if (!(output?.data instanceof Float32Array)) throw new Error('Expected a float32 output of yolov8n.onnx')
    return {
      tensor: { data: output.data, shape: output.dims },
      options: {
        kernel: 'yolo-v8',
        minScore: 0.25,
        iou: 0.45,
        maxRows: 300,
        classes: [],
        inputWidth: inputSize,
        inputHeight: inputSize,
        ...source,
      },
    }
  }
}

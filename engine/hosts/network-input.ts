import ort from 'onnxruntime-node'
import { EngineError } from '../errors.ts'
import type { OpenSides, TensorSpec } from './protocol.ts'

/** Sides of a picture are reduced to multiples of this: what detectors of text halve five times. */
const pictureStep = 32
/** Widths of lines are multiples of this. */
const lineStep = 8

type InputArray = Float32Array | Uint8Array | Int32Array

/** Width and height in pixels. */
export interface Size {
  readonly width: number
  readonly height: number
}

/** A tensor that `fit` writes to, and what the network is run with. */
export interface FilledInput extends Size {
  /** The input itself, or bytes that `finish` widens to it. */
  readonly pixels: Float32Array | Uint8Array
  readonly feeds: Record<string, ort.Tensor>
  finish(): void
}

/** The one input of a network for images: an image of a fixed size, or of any. One call at a time may use what `ofSize` gives. */
export class NetworkInput {
  readonly layout: 'nhwc' | 'nchw'
  readonly #spec: TensorSpec
  readonly #open: boolean
  readonly #size: Size
  #last: FilledInput | undefined

  /** `spec` has the sides that are taken where the network leaves them open. Throws `invalid` for what is no image. */
  constructor(inputs: readonly TensorSpec[], metadata: readonly ort.InferenceSession.ValueMetadata[]) {
    const [spec, ...others] = inputs
    const [batch, first = 0, second = 0, last = 0, ...more] = spec?.shape ?? []
    const whole = spec && others.length === 0 && batch === 1 && more.length === 0
    if (!whole || (first !== 3 && last !== 3)) {
      const found = inputs.map(({ name, shape }) => `${name} [${shape.join(', ')}]`).join(', ')
      const expected = 'Expected one input [1, 3, height, width] or [1, height, width, 3]'
      throw new EngineError('invalid', `${expected}, found ${found}`)
    }
    this.#spec = spec
    this.layout = first === 3 ? 'nchw' : 'nhwc'
    this.#size = first === 3 ? { height: second, width: last } : { height: first, width: second }
    const [declared] = metadata
    this.#open =
      declared?.isTensor === true && declared.shape.slice(1).some((size) => typeof size !== 'number' || size <= 0)
  }

  /** The size that the plan gives to an input that is open, for an image or a crop of that size in pixels. */
  sizeFor(sides: OpenSides | undefined, source: Size): Size {
    if (!this.#open || sides === undefined) return this.#size
    if ('most' in sides) {
      const scale = Math.min(1, sides.most / Math.max(source.width, source.height))
      const toStep = (side: number) => Math.max(pictureStep, Math.round((side * scale) / pictureStep) * pictureStep)
      return { width: toStep(source.width), height: toStep(source.height) }
    }
    if ('width' in sides) return sides
    const wanted = Math.round((sides.height * source.width) / source.height / lineStep) * lineStep
    return { height: sides.height, width: Math.min(sides.widest, Math.max(sides.narrowest, wanted)) }
  }

  /** The tensor of that size; the same one as long as the size stays. */
  ofSize({ width, height }: Size = this.#size): FilledInput {
    if (this.#last?.width === width && this.#last.height === height) return this.#last
    const { name, type } = this.#spec
    const input = createInput(type, 3 * width * height)
    const pixels = input instanceof Int32Array ? new Uint8Array(input.length) : input
    const shape = this.layout === 'nchw' ? [1, 3, height, width] : [1, height, width, 3]
    const feeds = { [name]: new ort.Tensor(type, input, shape) }
    const finish = () => void (input === pixels || input.set(pixels))
    this.#last = { width, height, pixels, feeds, finish }
    return this.#last
  }
}

function createInput(type: string, length: number): InputArray {
  if (type === 'float32') return new Float32Array(length)
  if (type === 'uint8') return new Uint8Array(length)
  if (type === 'int32') return new Int32Array(length)
  throw new EngineError('invalid', `Expected a float32, uint8 or int32 input, found ${type}`)
}

import { InferenceSession, Tensor } from 'onnxruntime-node'

/** A network without an engine around it: ONNX Runtime with the options that our hosts use. */
export interface BareNetwork {
  /** `[3 × height × width]` or `[height × width × 3]`, whoever fills it. */
  readonly input: Float32Array
  readonly layout: 'nchw' | 'nhwc'
  readonly width: number
  readonly height: number
  /** Runs on what the input holds; resolves with its outputs. */
  run(): Promise<InferenceSession.OnnxValueMapType>
}

/** Side of the input where the network leaves it open. */
const openSide = 640

/** Loads a network that takes one float image. */
export async function openNetwork(file: string, threads: number): Promise<BareNetwork> {
  const session = await InferenceSession.create(file, {
    executionProviders: ['cpu'],
    graphOptimizationLevel: 'all',
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    extra: { session: { intra_op: { allow_spinning: '0' } } },
  })
  const [about] = session.inputMetadata
  if (!about?.isTensor || about.type !== 'float32') throw new Error(`Expected a float32 input in ${file}`)
  const shape = about.shape.map((size, i) => (typeof size === 'number' && size > 0 ? size : i === 0 ? 1 : openSide))
  const layout = shape[1] === 3 ? 'nchw' : 'nhwc'
  const [height = 0, width = 0] = layout === 'nchw' ? shape.slice(2) : shape.slice(1)
  const input = new Float32Array(3 * width * height)
  const feeds = { [about.name]: new Tensor('float32', input, shape) }
  return { input, layout, width, height, run: () => session.run(feeds) }
}

import { existsSync } from 'node:fs'
import ort from 'onnxruntime-node'
import { EngineError, messageOf } from '../errors.ts'
import { addon, type FitOptions, type SlotImage } from '../native/addon.ts'
import { serve } from './channel.ts'
import type { InferResult, Plan, TensorSpec } from './protocol.ts'
import type { WorkerProtocol } from './vision-model.ts'
import { mainPort } from './worker-port.ts'

/** Side of the input in pixels where the network leaves it open. */
const openSide = 640
/** A file that did not load for want of these may load later: it is no broken file. */
const lacksMeans = /bad_alloc|allocat|out of memory|too many open files/i
/** ONNX Runtime's scale: 3 is errors. */
const logErrors = 3

type InputArray = Float32Array | Uint8Array | Int32Array
type Mode = FitOptions['mode']

/** Rows of one run of the network, and their masks where these are wanted. */
type Found = Pick<InferResult, 'rows' | 'masks'>

/** What a network takes: one image of a fixed size. */
interface InputShape {
  readonly spec: TensorSpec
  readonly layout: 'nhwc' | 'nchw'
  readonly width: number
  readonly height: number
}

/** A loaded network and its input tensor, which one call at a time may use. */
class Network {
  readonly inputs: readonly TensorSpec[]
  readonly outputs: readonly TensorSpec[]
  readonly #session: ort.InferenceSession
  readonly #shape: InputShape
  readonly #input: InputArray
  /** Where `fit` writes: the input itself, or bytes that are widened to it. */
  readonly #pixels: Float32Array | Uint8Array
  readonly #feeds: Record<string, ort.Tensor>

  constructor(session: ort.InferenceSession) {
    this.#session = session
    this.inputs = session.inputMetadata.map(toSpec)
    this.outputs = session.outputMetadata.map(toSpec)
    this.#shape = imageInput(this.inputs)
    checkOutputs(this.outputs)
    const { spec, width, height } = this.#shape
    this.#input = createInput(spec.type, 3 * width * height)
    this.#pixels = this.#input instanceof Int32Array ? new Uint8Array(this.#input.length) : this.#input
    this.#feeds = { [spec.name]: new ort.Tensor(spec.type, this.#input, spec.shape) }
  }

  /** Once for the whole image, or once per crop; between two crops the signal is heeded. */
  async infer(image: SlotImage, plan: Plan, crops: Float32Array | null, signal: AbortSignal): Promise<InferResult> {
    const width = addon().decodeWidth(plan.kernel)
    const found: Found[] = []
    for (const mode of toModes(plan, crops)) {
      if (signal.aborted) throw new EngineError('cancelled', 'The caller gave up')
      found.push(await this.#inferOnce(image, plan, mode))
    }
    const rows = concat(found.map((one) => one.rows))
    const counts = found.map((one) => one.rows.length / width)
    return { rows, width, counts, ...(plan.masks && { masks: found.flatMap(({ masks = [] }) => masks) }) }
  }

  /** Runs on an empty image: the arena grows to its size, and the first real question is as fast as any other. */
  async warmUp(): Promise<void> {
    const results = await this.#session.run(this.#feeds)
    for (const { data } of Object.values(results)) addon().discard(data as Float32Array)
  }

  /** Gives the network's memory back. Nothing may run. */
  release(): Promise<void> {
    return this.#session.release()
  }

  async #inferOnce(image: SlotImage, plan: Plan, mode: Mode): Promise<Found> {
    const { width, height, layout } = this.#shape
    const { pad, mean, scale, kernel, minScore, iou, maxRows, classes } = plan
    const toSource = addon().fit(pool, image, this.#pixels, { width, height, mode, layout, pad, mean, scale })
    if (this.#input !== this.#pixels) this.#input.set(this.#pixels)
    const results = await this.#session.run(this.#feeds)
    const tensors = this.outputs.map(({ name }) => {
      const tensor = results[name]!
      return { data: tensor.data as Float32Array, shape: tensor.dims }
    })
    const bounds = { inputWidth: width, inputHeight: height, sourceWidth: image.width, sourceHeight: image.height }
    const options = { kernel, minScore, iou, maxRows, classes, toSource, ...bounds }
    try {
      return plan.masks ? addon().decodeSegments(tensors, options) : { rows: addon().decode(tensors, options) }
    } finally {
      for (const { data } of tensors) addon().discard(data)
    }
  }
}

function toSpec(value: ort.InferenceSession.ValueMetadata): TensorSpec {
  if (!value.isTensor) throw new EngineError('invalid', `Expected ${value.name} to be a tensor`)
  // A dimension without a number: the batch is one, and the sides of the image are ours to say.
  const shape = value.shape.map((size, i) => (typeof size === 'number' && size > 0 ? size : i === 0 ? 1 : openSide))
  return { name: value.name, type: value.type as TensorSpec['type'], shape }
}

function imageInput(inputs: readonly TensorSpec[]): InputShape {
  const [spec, ...others] = inputs
  const [batch, first = 0, second = 0, last = 0, ...more] = spec?.shape ?? []
  if (spec && others.length === 0 && batch === 1 && more.length === 0) {
    if (first === 3) return { spec, layout: 'nchw', height: second, width: last }
    if (last === 3) return { spec, layout: 'nhwc', height: first, width: second }
  }
  const found = inputs.map(({ name, shape }) => `${name} [${shape.join(', ')}]`).join(', ')
  throw new EngineError('invalid', `Expected one input [1, 3, height, width] or [1, height, width, 3], found ${found}`)
}

function checkOutputs(outputs: readonly TensorSpec[]): void {
  const wrong = outputs.find(({ type }) => type !== 'float32')
  if (wrong) throw new EngineError('invalid', `Expected float32 outputs, but ${wrong.name} is ${wrong.type}`)
}

function createInput(type: string, length: number): InputArray {
  if (type === 'float32') return new Float32Array(length)
  if (type === 'uint8') return new Uint8Array(length)
  if (type === 'int32') return new Int32Array(length)
  throw new EngineError('invalid', `Expected a float32, uint8 or int32 input, found ${type}`)
}

function toModes(plan: Plan, crops: Float32Array | null): Mode[] {
  if (crops === null) return [plan.fit]
  return Array.from({ length: crops.length / 4 }, (_, i) => {
    const box = [...crops.subarray(4 * i, 4 * i + 4)] as [number, number, number, number]
    return { box }
  })
}

function concat(parts: readonly Float32Array[]): Float32Array {
  if (parts.length === 1) return parts[0]!
  const all = new Float32Array(parts.reduce((length, part) => length + part.length, 0))
  let at = 0
  for (const part of parts) {
    all.set(part, at)
    at += part.length
  }
  return all
}

async function loadNetwork(path: string, threads: number): Promise<Network> {
  if (!existsSync(path)) throw new EngineError('not-found', `Expected a model file at ${path}`)
  try {
    const session = await ort.InferenceSession.create(path, {
      executionProviders: ['cpu'],
      graphOptimizationLevel: 'all',
      intraOpNumThreads: threads,
      interOpNumThreads: 1,
      // It would lay all buffers out a second time at the second run: 32 MB more for YOLOv8n, and not faster (147 ms of CPU both ways).
      enableMemPattern: false,
      // Threads that spin while they wait take the cores from cameras and encoders, and are slower on a busy machine.
      extra: { session: { intra_op: { allow_spinning: '0' } } },
      logSeverityLevel: logErrors,
    })
    const loaded = new Network(session)
    await loaded.warmUp()
    return loaded
  } catch (error) {
    const message = `Expected a network for images in ${path}: ${messageOf(error)}`
    throw new EngineError(lacksMeans.test(message) ? 'unavailable' : 'invalid', message, { cause: error })
  }
}

const pool = addon().attachPool()
let network: Network | undefined
let last: Promise<unknown> = Promise.resolve()

serve<WorkerProtocol>(
  {
    calls: {
      load: async ({ path, threads }) => {
        network = await loadNetwork(path, threads)
        return { inputs: network.inputs, outputs: network.outputs }
      },
      infer: ({ image, plan, crops }, signal) => {
        const loaded = network
        if (!loaded) throw new EngineError('unavailable', 'Expected the model to be loaded')
        const next = last.then(() => loaded.infer(image, plan, crops, signal))
        last = next.catch(() => undefined)
        return next
      },
      release: async () => {
        await last
        await network?.release()
        network = undefined
        return { released: true }
      },
    },
  },
  mainPort(),
)

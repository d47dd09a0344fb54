import { existsSync } from 'node:fs'
import ort from 'onnxruntime-node'
import { EngineError, messageOf } from '../errors.ts'
import { addon, type SlotImage } from '../native/addon.ts'
import { serve } from './channel.ts'
import { cropMode, cropsOf, wholeMode } from './crop-mode.ts'
import { NetworkInput, type Size } from './network-input.ts'
import type { InferResult, Plan, TensorSpec } from './protocol.ts'
import type { WorkerProtocol } from './vision-model.ts'
import { mainPort } from './worker-port.ts'

/** Side of the input in pixels where the network leaves it open. */
const openSide = 640
/** A file that did not load for want of these may load later: it is no broken file. */
const lacksMeans = /bad_alloc|allocat|out of memory|too many open files/i
/** ONNX Runtime's scale: 3 is errors. */
const logErrors = 3

/** Rows of one run of the network, and their masks where these are wanted. */
type Found = Pick<InferResult, 'rows' | 'masks'>

/** A loaded network, which one call at a time may use. */
class Network {
  readonly inputs: readonly TensorSpec[]
  readonly outputs: readonly TensorSpec[]
  readonly #session: ort.InferenceSession
  readonly #input: NetworkInput

  constructor(session: ort.InferenceSession) {
    this.#session = session
    this.inputs = session.inputMetadata.map(toSpec)
    this.outputs = session.outputMetadata.map(toSpec)
    this.#input = new NetworkInput(this.inputs, session.inputMetadata)
    checkOutputs(this.outputs)
  }

  /** Once for the whole image, or once per crop; between two crops the signal is heeded. */
  async infer(image: SlotImage, plan: Plan, crops: Float32Array | null, signal: AbortSignal): Promise<InferResult> {
    const width = addon().decodeWidth(plan.kernel)
    const found: Found[] = []
    for (const crop of cropsOf(crops)) {
      if (signal.aborted) throw new EngineError('cancelled', 'The caller gave up')
      found.push(await this.#inferOnce(image, plan, crop))
    }
    const rows = concat(found.map((one) => one.rows))
    const counts = found.map((one) => one.rows.length / width)
    return { rows, width, counts, ...(plan.masks && { masks: found.flatMap(({ masks = [] }) => masks) }) }
  }

  /** Runs on an empty image: the arena grows to its size, and the first real question is as fast as any other. */
  async warmUp(): Promise<void> {
    const results = await this.#session.run(this.#input.ofSize().feeds)
    for (const { data } of Object.values(results)) addon().discard(data as Float32Array)
  }

  /** Gives the network's memory back. Nothing may run. */
  release(): Promise<void> {
    return this.#session.release()
  }

  async #inferOnce(image: SlotImage, plan: Plan, crop: Float32Array | null): Promise<Found> {
    const { pad, mean, scale, kernel, minScore, iou, maxRows, classes, activated = false } = plan
    const { pixels, feeds, finish, width, height } = this.#input.ofSize(
      this.#input.sizeFor(plan.sides, sizeOf(image, crop)),
    )
    const mode = crop ? cropMode(crop, width, height) : wholeMode(plan.fit, image, { width, height })
    const { layout } = this.#input
    const toSource = addon().fit(pool, image, pixels, { width, height, mode, layout, pad, mean, scale })
    finish()
    const results = await this.#session.run(feeds)
    const tensors = this.outputs.map(({ name }) => {
      const tensor = results[name]!
      return { data: tensor.data as Float32Array, shape: tensor.dims }
    })
    const bounds = { inputWidth: width, inputHeight: height, sourceWidth: image.width, sourceHeight: image.height }
    const options = { kernel, minScore, iou, maxRows, classes, activated, toSource, ...bounds }
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

function checkOutputs(outputs: readonly TensorSpec[]): void {
  const wrong = outputs.find(({ type }) => type !== 'float32')
  if (wrong) throw new EngineError('invalid', `Expected float32 outputs, but ${wrong.name} is ${wrong.type}`)
}

/** Of the part of the image that the affine leads to, or of all of it. */
function sizeOf({ width, height }: SlotImage, crop: Float32Array | null): Size {
  if (crop === null) return { width, height }
  const [a = 0, b = 0, , d = 0, e = 0] = crop
  return { width: Math.hypot(a, d), height: Math.hypot(b, e) }
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

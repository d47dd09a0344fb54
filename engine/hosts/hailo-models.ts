import { EngineError } from '../errors.ts'
import { addon, type FitOptions, type NativePool, type SlotImage } from '../native/addon.ts'
import type { HailoAnswer, HailoQuestion, NativeHailo, NativeHailoModel } from '../native/hailo.ts'
import { cropMode, cropsOf, wholeMode } from './crop-mode.ts'
import type { HailoVisionProtocol } from './hailo-protocol.ts'
import type { InferResult, Plan } from './protocol.ts'

/** Inferences of a model under way: the device's queue always has a next one, and no frame waits there for long. */
const depth = 4
/** Values in a row of what the device has suppressed itself: x1 y1 x2 y2 score class, then with masks x y width height of the crop. */
const ownWidths: Readonly<Record<string, number>> = { 'hailo-nms': 6, 'hailo-masks': 10 }

type Calls = HailoVisionProtocol['calls']
type Mode = FitOptions['mode']

interface LoadedModel {
  readonly native: NativeHailoModel
  priority: number
  underWay: number
  /** Those that wait for a place of the device's queue, which may be shorter than was asked; the engine sends few at once. */
  readonly waiting: (() => void)[]
}

/** The networks of one process on the Hailo device, by name. Loads and unloads come one after the other: the engine sees to that. */
export class HailoModels {
  readonly #pool: NativePool
  readonly #device: () => Promise<NativeHailo>
  readonly #models = new Map<string, LoadedModel>()

  /** `device` throws `unavailable` while there is none. */
  constructor(pool: NativePool, device: () => Promise<NativeHailo>) {
    this.#pool = pool
    this.#device = device
  }

  /** Throws what the driver says. */
  async load(model: string, path: string) {
    await this.unload(model)
    const device = await this.#device()
    const before = await memoryUsed(device)
    const native = await device.loadModel(path, { depth })
    this.#models.set(model, { native, priority: Number.NaN, underWay: 0, waiting: [] })
    const { inputs, outputs } = native
    return { inputs, outputs, bytes: Math.max(0, (await memoryUsed(device)) - before) }
  }

  /** 0 bytes for a model that is not loaded. */
  async unload(model: string): Promise<{ readonly bytes: number }> {
    const loaded = this.#models.get(model)
    if (!loaded) return { bytes: 0 }
    this.#models.delete(model)
    const device = await this.#device()
    const before = await memoryUsed(device)
    await loaded.native.close()
    return { bytes: Math.max(0, before - (await memoryUsed(device))) }
  }

  /** Once for the whole image, or once per crop, one after the other; between two crops the signal is heeded. */
  async infer(params: Calls['infer']['params'], signal: AbortSignal): Promise<InferResult> {
    const { model, plan, image, crops, priority } = params
    const loaded = this.#models.get(model)
    if (!loaded) throw new EngineError('unavailable', `Expected model ${model} to be loaded; try again`)
    if (loaded.priority !== priority) {
      loaded.priority = priority
      loaded.native.setPriority(priority)
    }
    const found: HailoAnswer[] = []
    const [height = 0, width = 0] = loaded.native.inputs[0]?.shape ?? []
    for (const crop of cropsOf(crops)) {
      if (signal.aborted) throw new EngineError('cancelled', 'The caller gave up')
      const mode = crop ? cropMode(crop, width, height) : wholeMode(plan.fit, image, { width, height })
      found.push(await this.#inferOnce(loaded, image, toQuestion(plan, mode)))
    }
    const rowWidth = ownWidths[plan.kernel] ?? addon().decodeWidth(plan.kernel)
    const rows = concat(found.map((one) => one.rows))
    const counts = found.map((one) => one.rows.length / rowWidth)
    return { rows, width: rowWidth, counts, ...(plan.masks && { masks: found.flatMap(({ masks = [] }) => masks) }) }
  }

  async #inferOnce(loaded: LoadedModel, image: SlotImage, question: HailoQuestion): Promise<HailoAnswer> {
    if (loaded.underWay >= loaded.native.depth) await new Promise<void>((resolve) => loaded.waiting.push(resolve))
    loaded.underWay++
    try {
      return await loaded.native.infer(this.#pool, [image], question)
    } finally {
      loaded.underWay--
      loaded.waiting.shift()?.()
    }
  }
}

function toQuestion(plan: Plan, mode: Mode) {
  const { pad, kernel, minScore, iou, maxRows, classes, activated = false, masks = false } = plan
  return { mode, pad, kernel, minScore, iou, maxRows, classes, activated, masks } satisfies HailoQuestion
}

async function memoryUsed(device: NativeHailo): Promise<number> {
  // Boards without the gauge: what a model takes is then taken from its file's size.
  return (await device.health()).memoryUsedBytes ?? 0
}

function concat(parts: readonly Float32Array[]): Float32Array {
  const all = new Float32Array(parts.reduce((length, part) => length + part.length, 0))
  let at = 0
  for (const part of parts) {
    all.set(part, at)
    at += part.length
  }
  return all
}

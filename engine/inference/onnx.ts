import type { PooledImage } from '../core/packet.ts'
import { EngineError } from '../errors.ts'
import type { Begun } from '../hosts/channel.ts'
import type { Host, SharedPool } from '../hosts/host.ts'
import type { InferResult, Plan, VisionProtocol } from '../hosts/protocol.ts'
import type { SlotImage } from '../native/addon.ts'

/** ONNX Runtime optimises the graph while it loads; on a Pi that takes seconds. */
const loadDeadlineMs = 120_000
/** For one frame with all its crops; a model that is slower is no use for anything live. */
const inferDeadlineMs = 10_000
/** The engine's own name in the ledger: it ends the loans itself, when the host has answered or was reaped. */
const borrower = 'inference'
const never = new AbortController().signal

/** One inference. The image is borrowed. */
export interface Question {
  readonly model: string
  readonly plan: Plan
  readonly image: PooledImage
  /** `[count × 4]`: x y width height in source pixels; null asks once about the whole image. */
  readonly crops: Float32Array | null
}

interface Load {
  /** The incarnation of the host that has the model. */
  readonly host: string
  readonly done: Promise<void>
  loaded: boolean
}

/** ONNX Runtime on the CPU, in the vision host. Models stay loaded until the host dies; the next `load` brings them back. */
export class OnnxBackend {
  readonly name = 'onnx'
  readonly #host: Host<VisionProtocol>
  readonly #pool: SharedPool
  readonly #threads: number
  readonly #loads = new Map<string, Load>()

  /** `threads`: of one model's inference, at least 1. The host stays its owner's. */
  constructor(options: { host: Host<VisionProtocol>; pool: SharedPool; threads: number }) {
    this.#host = options.host
    this.#pool = options.pool
    this.#threads = options.threads
  }

  /** Whether `infer` can ask the model now. */
  isLoaded(model: string): boolean {
    const load = this.#loads.get(model)
    return load?.loaded === true && this.#isCurrent(load)
  }

  /** Starts the host when it is down; waits for a restart that is under way. */
  start(): Promise<void> {
    return this.#host.start()
  }

  /** Loads once, however many ask. Rejects with `invalid` for a corrupt file, `unavailable` when the host died over it. */
  async load(model: string, path: string): Promise<void> {
    await this.#host.start()
    const known = this.#loads.get(model)
    if (known && this.#isCurrent(known)) return known.done
    const params = { model, path, threads: this.#threads }
    const asked = this.#host.call('load', params, { signal: never, deadlineMs: loadDeadlineMs })
    const load: Load = { host: this.#host.borrower, done: asked.then(() => undefined), loaded: false }
    this.#loads.set(model, load)
    try {
      await load.done
      load.loaded = true
    } catch (error) {
      this.#forget(model, load)
      throw error
    }
  }

  /** Asks a loaded model. Borrows the image; the loan of its slot ends when the host has answered or was reaped. */
  infer({ model, plan, image, crops }: Question, signal: AbortSignal): Begun<InferResult> {
    const load = this.#loads.get(model)
    const { loan } = this.#pool.ledger.lendFilled(image, borrower)
    const params = { model, plan, image: toSlotImage(image), crops }
    const { answer, settled } = this.#host.begin('infer', params, { signal, deadlineMs: inferDeadlineMs })
    answer.catch((error: unknown) => {
      if (load && error instanceof EngineError && error.code === 'unavailable') this.#forget(model, load)
    })
    return { answer, settled: settled.then(() => this.#pool.ledger.settle(loan)) }
  }

  #isCurrent(load: Load): boolean {
    return this.#host.state === 'up' && load.host === this.#host.borrower
  }

  #forget(model: string, load: Load): void {
    if (this.#loads.get(model) === load) this.#loads.delete(model)
  }
}

/** The image as the host names it: a plain value. */
export function toSlotImage({ slot, width, height, format, bytes }: PooledImage): SlotImage {
  return { slot, width, height, format, bytes }
}

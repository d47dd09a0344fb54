import type { PooledImage } from '../core/packet.ts'
import { EngineError } from '../errors.ts'
import type { Begun } from '../hosts/channel.ts'
import type { Host, SharedPool } from '../hosts/host.ts'
import type { InferResult, VisionProtocol } from '../hosts/protocol.ts'
import type { SlotImage } from '../native/addon.ts'
import type { Question, VisionBackend } from './backend.ts'
import { cpuDevice } from './devices.ts'

/** ONNX Runtime optimises the graph while it loads; on a Pi that takes seconds. */
const loadDeadlineMs = 120_000
/** For one frame with all its crops; a model that is slower is no use for anything live. */
const inferDeadlineMs = 10_000
/** A frame that is under way ends first. */
const unloadDeadlineMs = inferDeadlineMs + 5000
/** The engine's own name in the ledger: it ends the loans itself, when the host has answered or was reaped. */
const borrower = 'inference'
const never = new AbortController().signal

interface Load {
  /** The incarnation of the host that has the model. */
  readonly host: string
  /** Bytes of the host's memory that it took. */
  readonly done: Promise<number>
  loaded: boolean
}

/** ONNX Runtime on the CPU, in the vision host. Models stay loaded until they are unloaded or the host dies; the next `load` brings them back. */
export class OnnxBackend implements VisionBackend {
  readonly name = 'onnx'
  readonly memory = 'host'
  readonly device = cpuDevice
  readonly simulated = false
  readonly lack = undefined
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

  /**
   * What a model is expected to take before it was ever loaded: weights are held twice, as they are and packed for the
   * processor's instructions, and activations, the thread and its heap come to about 32 MB for an input of 640 × 640.
   */
  estimateBytes(fileBytes: number): number {
    return 2 * fileBytes + 32e6
  }

  /**
   * Loads once, however many ask, runs the network once, and gives the bytes by which the host's private memory grew.
   * Rejects with `invalid` for a corrupt file, `unavailable` when the host died over it.
   */
  async load(model: string, path: string): Promise<number> {
    await this.#host.start()
    const known = this.#loads.get(model)
    if (known && this.#isCurrent(known)) return known.done
    const params = { model, path, threads: this.#threads }
    const asked = this.#host.call('load', params, { signal: never, deadlineMs: loadDeadlineMs })
    const load: Load = { host: this.#host.borrower, done: asked.then(({ bytes }) => bytes), loaded: false }
    this.#loads.set(model, load)
    try {
      const bytes = await load.done
      load.loaded = true
      return bytes
    } catch (error) {
      this.#forget(model, load)
      throw error
    }
  }

  /**
   * Ends a model once what it was asked has been answered, and gives the bytes by which the host's private memory fell; 0 when
   * the host is gone, and the memory with it. Its next use needs `load`.
   */
  async unload(model: string): Promise<number> {
    const load = this.#loads.get(model)
    if (!load || !this.#isCurrent(load)) return 0
    this.#loads.delete(model)
    try {
      return (await this.#host.call('unload', { model }, { signal: never, deadlineMs: unloadDeadlineMs })).bytes
    } catch (error) {
      // A host that died, or was killed because it did not answer in time, holds nothing any more.
      if (error instanceof EngineError) return 0
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

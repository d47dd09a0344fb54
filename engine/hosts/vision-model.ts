import { Worker } from 'node:worker_threads'
import { EngineError } from '../errors.ts'
import { addon } from '../native/addon.ts'
import { Channel } from './channel.ts'
import { privateBytes } from './private-bytes.ts'
import type { InferResult, Protocol, VisionProtocol } from './protocol.ts'
import { workerPort } from './worker-port.ts'

/** The longest timer there is: the engine's own deadline comes first, and ends the whole host. */
const noDeadlineMs = 2 ** 31 - 1

/**
 * While a model is loaded or unloaded, blocks of this size are mapped each on its own and so go back to the system: otherwise 10 to
 * 20 MB more stayed behind with every model that came and went. A frame's outputs are as large, but come and go with each frame:
 * those are kept in the heap for the next one, which spares it 700 page faults.
 */
const apartWhileLoading = 256 << 10
const apartOtherwise = 32 << 20

type LoadCall = VisionProtocol['calls']['load']
type Loaded = Omit<LoadCall['result'], 'bytes'>
type InferCall = VisionProtocol['calls']['infer']

/** Between the vision host's main thread and the worker thread of one model. */
export interface WorkerProtocol extends Protocol {
  calls: {
    load: { params: LoadCall['params']; result: Loaded }
    infer: { params: InferCall['params']; result: InferResult }
    /** Frees the network once the calls under way have ended. Nothing is asked after it. */
    release: { params: Record<string, never>; result: { readonly released: true } }
  }
  streams: Record<never, never>
  toHost: Record<never, never>
  toEngine: Record<never, never>
}

/** The main thread's side of a model's worker thread. When the thread ends, its open calls fail as `unavailable`, and no other model's. */
export class ModelWorker {
  readonly #worker: Worker
  readonly #channel: Channel<WorkerProtocol>

  /** `onExit` is told once, when the thread has ended, whatever the reason. */
  constructor(model: string, onExit: () => void) {
    this.#worker = new Worker(new URL('./vision-worker.js', import.meta.url), { name: model })
    this.#channel = new Channel(workerPort(this.#worker), () => undefined)
    this.#worker.on('error', (error) => console.error(`The thread of model ${model} failed: ${error.message}`))
    this.#worker.once('exit', () => {
      this.#channel.reap()
      onExit()
    })
  }

  load(params: LoadCall['params'], signal: AbortSignal): Promise<Loaded> {
    return this.#channel.begin('load', params, { signal, deadlineMs: noDeadlineMs }).answer
  }

  /** Settles when the worker reads the image no more, also after an abort: the engine takes the slot back by this answer. */
  async infer(params: InferCall['params'], signal: AbortSignal): Promise<InferResult> {
    const { answer, settled } = this.#channel.begin('infer', params, { signal, deadlineMs: noDeadlineMs })
    answer.catch(() => undefined)
    await settled
    return answer
  }

  /** Frees the network when the calls under way have ended, then ends the thread: what a thread has not freed itself is lost to the process. */
  async release(): Promise<void> {
    const options = { signal: new AbortController().signal, deadlineMs: noDeadlineMs }
    // A thread that ends by itself meanwhile has nothing left to free.
    await this.#channel.begin('release', {}, options).answer.catch(() => undefined)
    await this.end()
  }

  /** Ends the thread; resolves when it has ended. */
  async end(): Promise<void> {
    await this.#worker.terminate()
  }
}

/** The workers of a vision host by the name of their model. */
export class ModelWorkers {
  readonly #workers = new Map<string, ModelWorker>()

  /** Loads into a thread of its own; a model of that name ends first, and what it was asked with it. Loads and unloads of one host come one after the other, so that each is measured alone. */
  async load(params: LoadCall['params'], signal: AbortSignal): Promise<LoadCall['result']> {
    await this.#workers.get(params.model)?.end()
    const before = await privateBytes()
    const worker: ModelWorker = new ModelWorker(params.model, () => {
      if (this.#workers.get(params.model) === worker) this.#workers.delete(params.model)
    })
    this.#workers.set(params.model, worker)
    addon().mapBlocksFrom(apartWhileLoading)
    try {
      const loaded = await worker.load(params, signal)
      return { ...loaded, bytes: Math.max(0, (await privateBytes()) - before) }
    } catch (error) {
      await worker.end()
      throw error
    } finally {
      addon().mapBlocksFrom(apartOtherwise)
    }
  }

  /** Resolves when the memory is given back; at once for a model that is not loaded. */
  async unload(model: string): Promise<{ bytes: number }> {
    const worker = this.#workers.get(model)
    if (!worker) return { bytes: 0 }
    this.#workers.delete(model)
    const before = await privateBytes()
    addon().mapBlocksFrom(apartWhileLoading)
    try {
      await worker.release()
      return { bytes: Math.max(0, before - (await privateBytes())) }
    } finally {
      addon().mapBlocksFrom(apartOtherwise)
    }
  }

  infer(params: InferCall['params'], signal: AbortSignal): Promise<InferResult> {
    const worker = this.#workers.get(params.model)
    if (!worker) throw new EngineError('unavailable', `Expected model ${params.model} to be loaded; try again`)
    return worker.infer(params, signal)
  }
}

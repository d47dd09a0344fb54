import { Worker } from 'node:worker_threads'
import { EngineError } from '../errors.ts'
import { Channel, type Port } from './channel.ts'
import type { InferResult, Message, Protocol, VisionProtocol } from './protocol.ts'

/** The longest timer there is: the engine's own deadline comes first, and ends the whole host. */
const noDeadlineMs = 2 ** 31 - 1

type LoadCall = VisionProtocol['calls']['load']
type InferCall = VisionProtocol['calls']['infer']

/** Between the vision host's main thread and the worker thread of one model. */
export interface WorkerProtocol extends Protocol {
  calls: {
    load: { params: LoadCall['params']; result: LoadCall['result'] }
    infer: { params: InferCall['params']; result: InferResult }
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

  load(params: LoadCall['params'], signal: AbortSignal): Promise<LoadCall['result']> {
    return this.#channel.begin('load', params, { signal, deadlineMs: noDeadlineMs }).answer
  }

  /** Settles when the worker reads the image no more, also after an abort: the engine takes the slot back by this answer. */
  async infer(params: InferCall['params'], signal: AbortSignal): Promise<InferResult> {
    const { answer, settled } = this.#channel.begin('infer', params, { signal, deadlineMs: noDeadlineMs })
    answer.catch(() => undefined)
    await settled
    return answer
  }

  /** Ends the thread; resolves when it has ended. */
  async end(): Promise<void> {
    await this.#worker.terminate()
  }
}

/** The workers of a vision host by the name of their model. */
export class ModelWorkers {
  readonly #workers = new Map<string, ModelWorker>()

  /** Loads into a thread of its own; a model of that name ends first, and what it was asked with it. */
  async load(params: LoadCall['params'], signal: AbortSignal): Promise<LoadCall['result']> {
    await this.#workers.get(params.model)?.end()
    const worker: ModelWorker = new ModelWorker(params.model, () => {
      if (this.#workers.get(params.model) === worker) this.#workers.delete(params.model)
    })
    this.#workers.set(params.model, worker)
    try {
      return await worker.load(params, signal)
    } catch (error) {
      await worker.end()
      throw error
    }
  }

  infer(params: InferCall['params'], signal: AbortSignal): Promise<InferResult> {
    const worker = this.#workers.get(params.model)
    if (!worker) throw new EngineError('unavailable', `Expected model ${params.model} to be loaded; try again`)
    return worker.infer(params, signal)
  }
}

function workerPort(worker: Worker): Port {
  return {
    send: (message) => worker.postMessage(message),
    onMessage: (listener) => void worker.on('message', listener as (message: Message) => void),
    onClose: (listener) => void worker.once('exit', listener),
  }
}

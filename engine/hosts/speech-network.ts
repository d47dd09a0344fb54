import { Worker } from 'node:worker_threads'
import { Channel } from './channel.ts'
import type { Protocol, TensorSpec } from './protocol.ts'
import type { HeardWindow, SpeechProtocol } from './speech-protocol.ts'
import { workerPort } from './worker-port.ts'

/** The longest timer there is: the engine's own deadline comes first, and ends the whole host. */
const noDeadlineMs = 2 ** 31 - 1
const never = new AbortController().signal

type DetectCall = SpeechProtocol['calls']['detect']

/** A tensor on its way to or from a network's thread. */
export interface Tensor {
  readonly type: 'float32' | 'int64'
  readonly data: Float32Array | BigInt64Array
  readonly dims: readonly number[]
}

/** Between the speech host's main thread and the worker thread of one network. */
export interface NetworkProtocol extends Protocol {
  calls: {
    load: {
      params: { readonly path: string; readonly threads: number }
      result: { readonly inputs: readonly TensorSpec['name'][] }
    }
    /** The first output. */
    run: { params: { readonly feeds: Readonly<Record<string, Tensor>> }; result: { readonly output: Float32Array } }
    /** For Silero's network: all steps, one after the other. */
    detect: { params: Omit<DetectCall['params'], 'model'>; result: DetectCall['result'] }
    release: { params: Record<string, never>; result: { readonly released: true } }
  }
  streams: Record<never, never>
  toHost: Record<never, never>
  toEngine: Record<never, never>
}

/** A model that is loaded in the speech host. What it cannot do it refuses as `invalid`. */
export interface LoadedSpeechModel {
  /** Of a program; its memory is not the host's. */
  readonly pid?: number | undefined
  recognise?(
    params: Omit<SpeechProtocol['calls']['recognise']['params'], 'model'>,
    signal: AbortSignal,
  ): Promise<HeardWindow>
  end(): Promise<void>
}

/** The main thread's side of a network's worker thread: ONNX Runtime blocks the thread that it runs in. */
export class SpeechNetwork implements LoadedSpeechModel {
  readonly #worker: Worker
  readonly #channel: Channel<NetworkProtocol>

  /** `onExit` is told once, when the thread has ended, whatever the reason. */
  constructor(model: string, onExit: () => void) {
    this.#worker = new Worker(new URL('./speech-worker.js', import.meta.url), { name: model })
    this.#channel = new Channel(workerPort(this.#worker), () => undefined)
    this.#worker.on('error', (error) => console.error(`The thread of model ${model} failed: ${error.message}`))
    this.#worker.once('exit', () => {
      this.#channel.reap()
      onExit()
    })
  }

  load(path: string, threads: number, signal: AbortSignal): Promise<{ readonly inputs: readonly string[] }> {
    return this.#channel.begin('load', { path, threads }, { signal, deadlineMs: noDeadlineMs }).answer
  }

  async run(feeds: Readonly<Record<string, Tensor>>, signal: AbortSignal): Promise<Float32Array> {
    return (await this.#channel.begin('run', { feeds }, { signal, deadlineMs: noDeadlineMs }).answer).output
  }

  detect({ samples, memory }: DetectCall['params'], signal: AbortSignal): Promise<DetectCall['result']> {
    return this.#channel.begin('detect', { samples, memory }, { signal, deadlineMs: noDeadlineMs }).answer
  }

  /** Frees the network when the calls under way have ended, then ends the thread. */
  async end(): Promise<void> {
    // A thread that has ended by itself has nothing left to free.
    await this.#channel.begin('release', {}, { signal: never, deadlineMs: noDeadlineMs }).answer.catch(() => undefined)
    await this.#worker.terminate()
  }
}

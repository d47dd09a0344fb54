import { EngineError } from '../errors.ts'
import type { CallOptions, ParamsOf, ResultOf } from '../hosts/channel.ts'
import type { Host } from '../hosts/host.ts'
import type { SpeechArtefact, SpeechProtocol } from '../hosts/speech-protocol.ts'
import type { Residency } from './residency.ts'
import type { Use } from './residency-options.ts'
import type { Lease, LoadableModel } from './resident.ts'

/** ONNX Runtime optimises a graph while it loads; on a Pi that takes seconds. */
const loadDeadlineMs = 150_000
/** What runs ends first. */
const unloadDeadlineMs = 60_000
const never = new AbortController().signal

/** A model of the speech host. */
export interface SpeechModel {
  readonly name: string
  readonly backend: string
  readonly artefact: SpeechArtefact
  /** Bytes that it is expected to take. */
  readonly expectedBytes: number
}

type Calls = SpeechProtocol['calls']
type ModelCall = { [M in keyof Calls]: Calls[M]['params'] extends { readonly model: string } ? M : never }[keyof Calls]
type Asked = Exclude<ModelCall, 'load' | 'unload'>

/** The speech host and what is loaded in it. The host and the residency stay their owners'. */
export class SpeechHost {
  readonly #host: Host<SpeechProtocol>
  readonly #residency: Residency
  /** By model: the incarnation of the host that has it. */
  readonly #loaded = new Map<string, string>()

  constructor(host: Host<SpeechProtocol>, residency: Residency) {
    this.#host = host
    this.#residency = residency
  }

  /** The model, loaded, for as long as the lease is kept. Rejects as `Residency.acquire` does, and with what is wrong with its files. */
  lease(model: SpeechModel, use: Use, signal: AbortSignal): Promise<Lease> {
    return this.#residency.acquire(this.#toLoadable(model), use, signal)
  }

  /** Whether the model can be asked now. */
  isLoaded(name: string): boolean {
    return this.#host.state === 'up' && this.#loaded.get(name) === this.#host.borrower
  }

  /** Asks a loaded model. One that its host has lost is loaded anew by the next lease. */
  async ask<M extends Asked>(
    method: M,
    params: ParamsOf<SpeechProtocol, M>,
    options: CallOptions,
  ): Promise<ResultOf<SpeechProtocol, M>> {
    try {
      return await this.#host.call<M>(method, params, options)
    } catch (error) {
      if (error instanceof EngineError && error.code === 'unavailable') this.#loaded.delete(params.model)
      throw error
    }
  }

  /** Asks what needs no model; starts the host when it is down. */
  async call<M extends 'pronounce' | 'espeakVoices'>(
    method: M,
    params: ParamsOf<SpeechProtocol, M>,
    options: CallOptions,
  ): Promise<ResultOf<SpeechProtocol, M>> {
    await this.#host.start()
    return this.#host.call(method, params, options)
  }

  /** A text by espeak-ng; starts the host when it is down. Leaving the loop ends the program. */
  async *speak(
    params: SpeechProtocol['streams']['speak']['params'],
    options: CallOptions,
  ): AsyncGenerator<Int16Array, void, undefined> {
    await this.#host.start()
    yield* this.#host.stream('speak', params, options)
  }

  #toLoadable({ name, backend, artefact, expectedBytes }: SpeechModel): LoadableModel {
    return {
      name,
      backend,
      memory: 'host',
      expectedBytes,
      isLoaded: () => this.isLoaded(name),
      load: () => this.#load(name, artefact),
      unload: () => this.#unload(name),
    }
  }

  async #load(model: string, artefact: SpeechArtefact): Promise<number> {
    await this.#host.start()
    const { borrower } = this.#host
    const options = { signal: never, deadlineMs: loadDeadlineMs }
    const { bytes } = await this.#host.call('load', { model, artefact }, options)
    this.#loaded.set(model, borrower)
    return bytes
  }

  async #unload(model: string): Promise<number> {
    if (!this.isLoaded(model)) return 0
    this.#loaded.delete(model)
    try {
      return (await this.#host.call('unload', { model }, { signal: never, deadlineMs: unloadDeadlineMs })).bytes
    } catch (error) {
      // A host that died, or was killed because it did not answer in time, holds nothing any more.
      if (error instanceof EngineError) return 0
      throw error
    }
  }
}

import { EngineError } from '../errors.ts'
import type { Begun } from '../hosts/channel.ts'
import type { HailoRefusal, HailoVisionProtocol } from '../hosts/hailo-protocol.ts'
import type { HostStatus, SharedPool } from '../hosts/host.ts'
import type { InferResult } from '../hosts/protocol.ts'
import type { DeviceBackend, Question } from './backend.ts'
import { hailoDevice } from './devices.ts'
import { memoryFull } from './eviction.ts'
import { type HailoDeviceStatus, HailoLink, type HailoLinkOptions } from './hailo-link.ts'
import { toSlotImage } from './onnx.ts'

/** The library itself gives up after 45 s. */
const loadDeadlineMs = 60_000
/** For one frame with all its crops. */
const inferDeadlineMs = 10_000
/** What is under way ends first, for which the library takes 10 s at most. */
const unloadDeadlineMs = 15_000
const borrower = 'inference-hailo'
const never = new AbortController().signal

interface Load {
  /** The incarnation of the host that has the model. */
  readonly host: string
  readonly done: Promise<number>
  loaded: boolean
}

/** Networks on images on the Hailo device, in a host of their own: what kills or hangs that one spares the other backends. Its owner disposes it. */
export class HailoBackend implements DeviceBackend, AsyncDisposable {
  readonly name = 'hailo'
  readonly memory = 'device'
  readonly device = hailoDevice
  readonly simulated: boolean
  readonly #link: HailoLink
  readonly #pool: SharedPool
  readonly #loads = new Map<string, Load>()

  constructor(options: HailoLinkOptions) {
    this.simulated = options.support.simulated
    this.#pool = options.pool
    this.#link = new HailoLink(options)
  }

  get lack(): string | undefined {
    const { state, reason } = this.#link.status
    return state === 'ready' ? undefined : `the Hailo device is ${state}: ${reason ?? 'no reason is known'}`
  }

  /** For health. */
  get status(): HailoDeviceStatus {
    return this.#link.status
  }

  /** Bytes for all our models together: what the device has, without what others take; null while nobody knows. */
  get budgetBytes(): number | null {
    return this.#link.budgetBytes
  }

  hosts(): HostStatus[] {
    return this.#link.hosts()
  }

  settled(): Promise<void> {
    return this.#link.settled
  }

  onReady(listener: () => void): void {
    this.#link.onReady(listener)
  }

  onLost(listener: () => void): void {
    this.#link.onLost(() => {
      this.#loads.clear()
      listener()
    })
  }

  isLoaded(model: string): boolean {
    const load = this.#loads.get(model)
    return load?.loaded === true && this.#isCurrent(load)
  }

  async start(): Promise<void> {
    await this.#link.settled
    const { lack } = this
    if (lack !== undefined)
      throw new EngineError('unavailable', `Expected the device to be there, but ${lack}; try again later`)
  }

  /** Weights, and two sets of queue-deep frames for each stream: about 32 MB at 640 × 640. */
  estimateBytes(fileBytes: number): number {
    return fileBytes + 32e6
  }

  async load(model: string, path: string): Promise<number> {
    await this.start()
    const known = this.#loads.get(model)
    if (known && this.#isCurrent(known)) return known.done
    const { answer } = this.#link.begin('load', { model, path }, { signal: never, deadlineMs: loadDeadlineMs })
    const load: Load = { host: this.#link.borrower, done: answer.then(bytesOf), loaded: false }
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

  async unload(model: string): Promise<number> {
    const load = this.#loads.get(model)
    if (!load || !this.#isCurrent(load)) return 0
    this.#loads.delete(model)
    try {
      return (await this.#link.begin('unload', { model }, { signal: never, deadlineMs: unloadDeadlineMs }).answer).bytes
    } catch (error) {
      // A host that died, or was killed because it did not answer in time, holds nothing any more.
      if (error instanceof EngineError) return 0
      throw error
    }
  }

  infer({ model, plan, image, crops, rank }: Question, signal: AbortSignal): Begun<InferResult> {
    const load = this.#loads.get(model)
    const { loan } = this.#pool.ledger.lendFilled(image, borrower)
    const params: HailoVisionProtocol['calls']['infer']['params'] = {
      ...{ model, plan, crops, priority: rank },
      image: toSlotImage(image),
    }
    const { answer, settled } = this.#link.begin('infer', params, { signal, deadlineMs: inferDeadlineMs })
    answer.catch((error: unknown) => {
      if (load && lostTheModel(error)) this.#forget(model, load)
    })
    return { answer, settled: settled.then(() => this.#pool.ledger.settle(loan)) }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#link[Symbol.asyncDispose]()
  }

  #isCurrent(load: Load): boolean {
    return this.#link.isReady && load.host === this.#link.borrower
  }

  #forget(model: string, load: Load): void {
    if (this.#loads.get(model) === load) this.#loads.delete(model)
  }
}

/** A failed start of an inference shuts its model down for good: it is loaded anew. */
function lostTheModel(error: unknown): boolean {
  return error instanceof EngineError && (error.code === 'unavailable' || error.code === 'closed')
}

function bytesOf(result: HailoVisionProtocol['calls']['load']['result']): number {
  if ('bytes' in result) return result.bytes
  throw toError(result.refused)
}

function toError({ reaction, message }: HailoRefusal): EngineError {
  if (reaction === 'evict') return memoryFull(message)
  // A file that the device cannot run is not tried again until it changes; everything else may pass.
  if (reaction === 'report') return new EngineError('invalid', message)
  return new EngineError('unavailable', `${message}; try again later`)
}

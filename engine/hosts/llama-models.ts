import { readFile, stat } from 'node:fs/promises'
import { getLlama, type Llama, LlamaLogLevel } from 'node-llama-cpp'
import { EngineError, messageOf } from '../errors.ts'
import { addon } from '../native/addon.ts'
import { LlamaModel } from './llama-model.ts'
import type { LlamaProtocol } from './llama-protocol.ts'

/** A file that did not load for want of these may load later: it is no broken file. */
const lacksMeans = /bad_alloc|allocat|out of memory|insufficient|too large for the available|too many open files/i

type LoadCall = LlamaProtocol['calls']['load']

/** The models of a host by name. Loads and unloads come one after the other, so that each is measured alone. */
export class LlamaModels {
  readonly #models = new Map<string, LlamaModel>()
  #llama: Promise<Llama> | undefined
  #last: Promise<unknown> = Promise.resolve()

  /** Throws `unavailable` for a model that is not loaded. */
  find(name: string): LlamaModel {
    const model = this.#models.get(name)
    if (!model) throw new EngineError('unavailable', `Expected model ${name} to be loaded; try again`)
    return model
  }

  /** At once for a model that is not loaded. */
  async settle(name: string): Promise<{ readonly settled: true }> {
    await this.#models.get(name)?.settle()
    return { settled: true }
  }

  load(params: LoadCall['params'], signal: AbortSignal): Promise<LoadCall['result']> {
    return this.#inTurn(() => this.#load(params, signal))
  }

  unload(name: string): Promise<{ readonly bytes: number }> {
    return this.#inTurn(async () => {
      const model = this.#models.get(name)
      if (!model) return { bytes: 0 }
      this.#models.delete(name)
      const before = await privateBytes()
      await model.dispose()
      return { bytes: model.mappedBytes + Math.max(0, before - (await privateBytes())) }
    })
  }

  async #load(params: LoadCall['params'], signal: AbortSignal): Promise<LoadCall['result']> {
    const { model: name, path, threads } = params
    await this.#models.get(name)?.dispose()
    this.#models.delete(name)
    // Throws for a file that is not there, before the library says it in its own words.
    const { size } = await stat(path)
    const llama = await this.#open(threads)
    const before = await privateBytes()
    try {
      const model = await LlamaModel.load(llama, params, signal)
      this.#models.set(name, model)
      const bytes = model.mappedBytes + Math.max(0, (await privateBytes()) - before)
      return { bytes, contextLength: model.contextLength }
    } catch (error) {
      if (error instanceof EngineError) throw error
      if (signal.aborted) throw new EngineError('cancelled', 'The caller gave up')
      const message = `Expected a model for llama.cpp in ${path} (${size} bytes): ${messageOf(error)}`
      throw new EngineError(lacksMeans.test(message) ? 'unavailable' : 'invalid', message, { cause: error })
    }
  }

  /** Opened once; what failed is tried again by the next load. */
  async #open(threads: number): Promise<Llama> {
    try {
      this.#llama ??= openLlama(threads)
      return await this.#llama
    } catch (error) {
      this.#llama = undefined
      const message = `Expected the library of llama.cpp to load: ${messageOf(error)}. Run the set-up again`
      throw new EngineError('unavailable', message, { cause: error })
    }
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const next = this.#last.then(work)
    this.#last = next.catch(() => undefined)
    return next
  }
}

/** The library out of its package, on the CPU: it fetches and builds nothing. */
function openLlama(threads: number): Promise<Llama> {
  return getLlama({
    gpu: false,
    build: 'never',
    skipDownload: true,
    progressLogs: false,
    maxThreads: threads,
    logLevel: LlamaLogLevel.error,
  })
}

/** Private memory of this process in bytes, without what is free and only kept by the allocator. */
async function privateBytes(): Promise<number> {
  addon().trimMemory()
  const sizes = await readFile('/proc/self/smaps_rollup', 'utf8')
  return Number(/^Anonymous:\s+(\d+) kB/m.exec(sizes)?.[1] ?? 0) * 1024
}

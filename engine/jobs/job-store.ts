import { mkdir, rename } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { EngineError, type ErrorCode, messageOf } from '../errors.ts'
import { projectRoot } from '../root.ts'
import type { NewJob } from './job.ts'
import type { JobDatabase } from './job-database.ts'

type Method = keyof JobDatabase

/** A call of the database's thread. */
export interface StoreCall {
  readonly id: number
  readonly method: Method
  readonly values: readonly unknown[]
}

/** Its answer. */
export interface StoreAnswer {
  readonly id: number
  readonly result?: unknown
  readonly error?: { readonly code: ErrorCode; readonly message: string }
}

interface Waiting {
  readonly resolve: (result: never) => void
  readonly reject: (error: unknown) => void
}

/** SQLite syncs at times, which takes long on a memory card; the thread of the engine must not wait for it. */
const workerFile = join(projectRoot, 'dist/engine/jobs/job-store-worker.js')
const deadlineMs = 30_000

/** The jobs' database in a worker thread: its methods, as promises. Whoever opened it closes it. */
export class JobStore implements AsyncDisposable {
  readonly #worker: Worker
  readonly #waiting = new Map<number, Waiting>()
  readonly #exited: Promise<unknown>
  #lastId = 0
  #closed: Promise<void> | undefined

  private constructor(file: string) {
    this.#worker = new Worker(workerFile, { workerData: file, name: 'jobs' })
    this.#worker.on('message', (answer: StoreAnswer) => this.#settle(answer))
    this.#worker.on('error', (error) => this.#failAll(error))
    this.#exited = new Promise((resolve) => this.#worker.once('exit', resolve))
    void this.#exited.then(() => this.#failAll(new EngineError('closed', 'The jobs’ database is closed')))
  }

  /** Opens the file, or makes it. One that is no database any more is put aside as `<file>.broken`; `onBroken` hears of it. */
  static async open(file: string, onBroken: (reason: string) => void): Promise<JobStore> {
    await mkdir(dirname(file), { recursive: true })
    try {
      return await JobStore.#start(file)
    } catch (error) {
      if (!(error instanceof EngineError && error.code === 'conflict')) throw error
      onBroken(messageOf(error))
      await rename(file, `${file}.broken`)
      return JobStore.#start(file)
    }
  }

  static async #start(file: string): Promise<JobStore> {
    const store = new JobStore(file)
    try {
      await store.#wait(0)
      return store
    } catch (error) {
      await store.#worker.terminate()
      throw error
    }
  }

  /** The bytes of inputs are the store's from then on. Rejects as the method throws; `unavailable` when the disk is full, `timeout`, `closed`. */
  call<M extends Method>(method: M, ...values: Parameters<JobDatabase[M]>): Promise<ReturnType<JobDatabase[M]>> {
    if (this.#closed !== undefined && method !== 'close')
      return Promise.reject(new EngineError('closed', 'The jobs’ database is closed'))
    const id = ++this.#lastId
    const answer = this.#wait<ReturnType<JobDatabase[M]>>(id)
    this.#worker.postMessage({ id, method, values } satisfies StoreCall, wholeBuffers(values))
    return answer
  }

  /** After the calls that are under way. May be called twice. */
  [Symbol.asyncDispose](): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  async #close(): Promise<void> {
    await this.call('close').catch(() => undefined) // a thread that has died has nothing to close
    await this.#worker.terminate()
    await this.#exited
  }

  #wait<T>(id: number): Promise<T> {
    return new Promise((resolve, reject) => {
      const late = () =>
        this.#settle({ id, error: { code: 'timeout', message: 'The jobs’ database did not answer in time' } })
      const timer = setTimeout(late, deadlineMs)
      const settled =
        <V>(then: (value: V) => void) =>
        (value: V) => {
          clearTimeout(timer)
          then(value)
        }
      this.#waiting.set(id, { resolve: settled(resolve as (result: never) => void), reject: settled(reject) })
    })
  }

  #settle({ id, result, error }: StoreAnswer): void {
    const waiting = this.#waiting.get(id)
    this.#waiting.delete(id)
    if (error === undefined) waiting?.resolve(result as never)
    else waiting?.reject(new EngineError(error.code, error.message))
  }

  #failAll(error: unknown): void {
    for (const { reject } of this.#waiting.values()) reject(error)
    this.#waiting.clear()
  }
}

/** Buffers of a new job's inputs, which go over to the other thread: a copy of many megabytes would hold this one up. */
function wholeBuffers(values: readonly unknown[]): ArrayBuffer[] {
  const inputs = values.flatMap((value) => (value as Partial<NewJob> | null)?.inputs ?? [])
  return inputs.flatMap((input) => {
    if ('text' in input) return []
    const { buffer, byteLength } = input.bytes
    return buffer instanceof ArrayBuffer && buffer.byteLength === byteLength ? [buffer] : []
  })
}

import { randomUUID } from 'node:crypto'
import { setTimeout as wait } from 'node:timers/promises'
import type { Logger } from 'pino'
import { EngineError, messageOf } from '../errors.ts'
import {
  hasEnded,
  type Job,
  type JobFailure,
  type JobLimits,
  type JobOutcome,
  type JobStatus,
  type JobsUse,
  type NewJob,
} from './job.ts'
import type { JobWork } from './job-database.ts'
import type { JobStore } from './job-store.ts'
import type { JobWorkers } from './job-worker.ts'

/** What a queue is made with. The store stays its owner's, who closes it after the queue. */
export interface JobQueueOptions {
  readonly store: JobStore
  readonly workers: JobWorkers
  readonly log: Logger
  /** Told of every change of a job, in order. */
  readonly onChange: (job: Job, part?: Readonly<Record<string, number>>) => void
  readonly limits?: Partial<JobLimits>
  readonly times?: Partial<JobTimes>
}

/** Milliseconds. */
export interface JobTimes {
  /** For one input. */
  readonly deadlineMs: number
  /** Until an input is tried again whose worker was busy, or the store after it failed. */
  readonly retryMs: number
  /** Between two looks for what is too old. */
  readonly pruneMs: number
  /** Between two reports on the input that is worked on. */
  readonly reportMs: number
}

const defaultLimits: JobLimits = { maxWaiting: 1000, maxKept: 1000, maxAgeMs: 7 * 86_400_000, maxBytes: 536_870_912 }
const defaultTimes: JobTimes = { deadlineMs: 1_800_000, retryMs: 1000, pruneMs: 3_600_000, reportMs: 250 }

/** The job that is worked on. */
interface Current {
  readonly id: string
  readonly stop: AbortController
}

/**
 * Long work, one input after the other, in the order of the jobs. What it has accepted is in its store, so that it goes on after a
 * crash: inputs with an outcome keep it, the one under way is begun once more. Closing it puts the input under way back.
 */
export class JobQueue implements AsyncDisposable {
  readonly #options: JobQueueOptions
  readonly #limits: JobLimits
  readonly #times: JobTimes
  readonly #closing = new AbortController()
  readonly #pruning: NodeJS.Timeout
  #current: Current | undefined
  #running: Promise<void> | undefined
  /** Jobs may have come since the loop last looked. */
  #more = false

  private constructor(options: JobQueueOptions) {
    this.#options = options
    this.#limits = { ...defaultLimits, ...options.limits }
    this.#times = { ...defaultTimes, ...options.times }
    this.#pruning = setInterval(() => void this.#prune(), this.#times.pruneMs).unref()
  }

  /** Goes on with what the store holds. */
  static async start(options: JobQueueOptions): Promise<JobQueue> {
    await options.store.call('recover')
    const queue = new JobQueue(options)
    await queue.#prune()
    for (const job of await options.store.call('waiting')) options.onChange(job)
    queue.#wake()
    return queue
  }

  /** Whether this kind of job is worked on here. */
  takes(kind: NewJob['kind']): boolean {
    return this.#options.workers[kind] !== undefined
  }

  /** The job, which is in the store by then. Rejects with `busy` when too many wait. The bytes of its inputs are the queue's. */
  async submit(job: NewJob): Promise<Job> {
    const added = await this.#options.store.call('add', randomUUID(), job, this.#limits, Date.now())
    this.#options.onChange(added)
    this.#wake()
    return added
  }

  /** A job with the outcomes of its inputs. Rejects with `not-found`. */
  async find(id: string): Promise<{ readonly job: Job; readonly outcomes: readonly JobOutcome[] }> {
    const { store } = this.#options
    const [job, outcomes] = await Promise.all([store.call('job', id), store.call('outcomes', id)])
    if (job === null) throw unknown(id)
    return { job, outcomes }
  }

  /** How much is kept at most. */
  get limits(): JobLimits {
    return this.#limits
  }

  /** What it holds now. */
  use(): Promise<JobsUse> {
    return this.#options.store.call('use')
  }

  /** The newest first. */
  list(status: JobStatus | null, limit: number): Promise<Job[]> {
    return this.#options.store.call('list', status, limit)
  }

  /** Ends a job that has not ended, whatever it does just now. Rejects with `not-found`, or `conflict` when it has. */
  async cancel(id: string): Promise<Job> {
    const found = await this.#options.store.call('cancel', id, Date.now())
    if (found === null) throw unknown(id)
    const { job, cancelled } = found
    if (!cancelled)
      throw new EngineError('conflict', `Expected a job that is queued or running; ${id} is ${job.status}`)
    if (this.#current?.id === id) this.#current.stop.abort(new EngineError('cancelled', 'The job was cancelled'))
    this.#options.onChange(job)
    return job
  }

  /** Stops the input under way. May be called twice. */
  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#pruning)
    this.#closing.abort(new EngineError('closed', 'The engine stops'))
    await this.#running
  }

  #wake(): void {
    this.#more = true
    this.#running ??= this.#runAll().finally(() => {
      this.#running = undefined
      if (this.#more && !this.#closing.signal.aborted) this.#wake()
    })
  }

  async #runAll(): Promise<void> {
    const { store, log } = this.#options
    while (this.#more && !this.#closing.signal.aborted) {
      this.#more = false
      try {
        const next = await store.call('next')
        if (next === null) return
        this.#more = true
        await this.#runJob(next)
      } catch (error) {
        log.error({ error: messageOf(error) }, 'jobs wait: their database failed')
        this.#more = true
        await wait(this.#times.retryMs, undefined, { signal: this.#closing.signal }).catch(() => undefined)
        // An input whose outcome could not be kept waits again.
        await store.call('recover').catch(() => undefined)
      }
    }
  }

  async #runJob(job: Job): Promise<void> {
    const { store, onChange } = this.#options
    const current = { id: job.id, stop: new AbortController() }
    this.#current = current
    let now: Job | null = job
    try {
      while (!this.#closing.signal.aborted && !current.stop.signal.aborted) {
        const work = await store.call('begin', job.id, Date.now())
        if (work === null) break
        await this.#runInput(now ?? job, work, current)
        now = await store.call('end', job.id, Date.now())
        if (now !== null && now.status !== 'cancelled') onChange(now)
      }
      if (this.#closing.signal.aborted) return
      // Also where a crash came between the last outcome and the end.
      now = await store.call('end', job.id, Date.now())
      if (now !== null && !hasEnded(now.status)) throw new Error(`Expected the job ${job.id} to have ended`)
      await this.#prune()
    } finally {
      this.#current = undefined
    }
  }

  async #runInput(job: Job, work: JobWork, { stop }: Current): Promise<void> {
    const { store } = this.#options
    const late = AbortSignal.timeout(this.#times.deadlineMs)
    const signal = AbortSignal.any([this.#closing.signal, stop.signal, late])
    const outcome = await this.#work(job, work, signal).then(
      (result): JobOutcome => ({ result, failure: null }),
      (error: unknown): JobOutcome => ({ result: null, failure: this.#describe(error, late) }),
    )
    if (outcome.failure !== null && this.#closing.signal.aborted) return store.call('putBack', job.id, work.at)
    await store.call('finish', job.id, work.at, outcome)
  }

  async #work(job: Job, { at, input }: JobWork, signal: AbortSignal): Promise<unknown> {
    const { workers, onChange } = this.#options
    const worker = workers[job.kind]
    if (worker === undefined) throw new EngineError('unavailable', `Expected an engine that works on ${job.kind}`)
    let reportedAt = 0
    const report = (part: Readonly<Record<string, number>>) => {
      if (performance.now() - reportedAt < this.#times.reportMs) return
      reportedAt = performance.now()
      onChange({ ...job, status: 'running' }, { input: at, ...part })
    }
    for (;;) {
      try {
        return await worker({ request: job.request, input, report }, signal)
      } catch (error) {
        if (!(error instanceof EngineError && error.code === 'busy')) throw error
        await wait(this.#times.retryMs, undefined, { signal })
      }
    }
  }

  #describe(error: unknown, late: AbortSignal): JobFailure {
    const { deadlineMs } = this.#times
    if (late.aborted) return { code: 'timeout', message: `Expected each input to take at most ${deadlineMs / 1000} s` }
    if (error instanceof EngineError) return { code: error.code, message: error.message }
    if (!this.#closing.signal.aborted && !isAbort(error))
      this.#options.log.error({ err: error }, 'bug in the work of a job')
    return { code: 'internal', message: 'A bug in hailstream: see its log' }
  }

  async #prune(): Promise<void> {
    try {
      await this.#options.store.call('prune', this.#limits, Date.now())
    } catch (error) {
      if (!this.#closing.signal.aborted) this.#options.log.warn({ error: messageOf(error) }, 'old jobs are kept')
    }
  }
}

function isAbort(error: unknown): boolean {
  return error instanceof Error && error.name === 'AbortError'
}

function unknown(id: string): EngineError {
  return new EngineError('not-found', `Expected one of the jobs of GET /api/infer, received ${id}`)
}

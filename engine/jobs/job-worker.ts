import type { JobInput, JobKind, JobRequest } from './job.ts'

/** One input of a job that is to be worked on. */
export interface JobTask {
  readonly request: JobRequest
  readonly input: JobInput
  /** How far it is, in words of the kind: `{ tokens: 12 }`. */
  readonly report: (part: Readonly<Record<string, number>>) => void
}

/**
 * Does the work of one kind of job, at the priority `batch`. Resolves with the result, JSON; throws `EngineError`: `busy` is tried
 * again, anything else is the input's outcome.
 */
export type JobWorker = (task: JobTask, signal: AbortSignal) => Promise<unknown>

/** The kinds that can be worked on. */
export type JobWorkers = Readonly<Partial<Record<JobKind, JobWorker>>>

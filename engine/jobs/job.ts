import type { ErrorCode } from '../errors.ts'

/** What is done with the inputs of a job. */
export type JobKind = 'language' | 'transcription' | 'vision'
/** `running`: at least one input has been begun. The last three are for good. */
export type JobStatus = (typeof jobStatuses)[number]

/** Why a job, or one of its inputs, has no result. */
export interface JobFailure {
  readonly code: ErrorCode
  readonly message: string
}

/** Options of a job, as they were asked for and checked: JSON. */
export type JobRequest = Readonly<Record<string, unknown>>

/** One thing to be worked on: a prompt, or the bytes of a picture or of audio. */
export type JobInput = { readonly text: string } | { readonly bytes: Uint8Array }

/** A job that is asked for. */
export interface NewJob {
  readonly kind: JobKind
  readonly request: JobRequest
  /** At least one. */
  readonly inputs: readonly JobInput[]
  /** Whether it was asked as a list: then it answers as one. */
  readonly batch: boolean
}

/** A job and how far it is. Times in Unix ms. */
export interface Job {
  readonly id: string
  readonly kind: JobKind
  readonly request: JobRequest
  readonly batch: boolean
  readonly status: JobStatus
  readonly createdAt: number
  readonly startedAt: number | null
  readonly finishedAt: number | null
  /** Inputs: all, those with a result, and those that failed. */
  readonly total: number
  readonly done: number
  readonly failed: number
  readonly failure: JobFailure | null
}

/** What came of one input: JSON, or why there is nothing; neither while it waits. */
export interface JobOutcome {
  readonly result: unknown
  readonly failure: JobFailure | null
}

/** How much is kept. */
export interface JobLimits {
  /** Jobs that are queued or running. */
  readonly maxWaiting: number
  /** Jobs that have ended. */
  readonly maxKept: number
  /** Since their end. */
  readonly maxAgeMs: number
  /** Bytes of inputs that wait, and of results. */
  readonly maxBytes: number
}

/** What the queue holds. */
export interface JobsUse {
  /** Jobs by status; each is there. */
  readonly counts: Readonly<Record<JobStatus, number>>
  /** Of inputs that wait, and of results. */
  readonly bytes: number
}

/** Every status that a job can have. */
export const jobStatuses = ['queued', 'running', 'complete', 'failed', 'cancelled'] as const

/** Whether nothing more happens to a job of this status. */
export function hasEnded(status: JobStatus): boolean {
  return status === 'complete' || status === 'failed' || status === 'cancelled'
}

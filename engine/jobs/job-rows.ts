import type { Job, JobFailure, JobStatus } from './job.ts'

/** A job as its row holds it, with the counts of its inputs. */
export interface JobRow {
  readonly id: string
  readonly kind: Job['kind']
  readonly request: string
  readonly batch: number
  readonly status: JobStatus
  readonly created: number
  readonly started: number | null
  readonly finished: number | null
  readonly failure: string | null
  readonly total: number
  readonly done: number
  readonly failed: number
}

/** An input and its outcome. */
export interface ItemRow {
  readonly at: number
  readonly text: string | null
  readonly bytes: Uint8Array | null
  readonly result: string | null
  readonly failure: string | null
}

export function toJob(row: JobRow): Job {
  const { id, kind, status, created, started, finished, total, done, failed } = row
  return {
    ...{ id, kind, status, total, done, failed },
    ...{ createdAt: created, startedAt: started, finishedAt: finished, batch: row.batch === 1 },
    request: JSON.parse(row.request) as Job['request'],
    failure: parse(row.failure) as JobFailure | null,
  }
}

/** JSON of a column that may be empty. */
export function parse(text: string | null): unknown {
  return text === null ? null : JSON.parse(text)
}

import { hasEnded, type Job, type JobOutcome } from '../../jobs/job.ts'

/** A job as clients see it. Times in Unix ms. */
export function describeJob(job: Job): object {
  const { id, kind, status, createdAt, startedAt, finishedAt, total, done, failed, failure } = job
  return {
    ...{ job_id: id, status, kind },
    ...{ created_at: createdAt, started_at: startedAt, finished_at: finishedAt },
    progress: { total, done, failed },
    ...(failure === null ? {} : { error: failure.code, detail: failure.message }),
  }
}

/** `result` with what belongs to it once there is one; of a list `results`, each when it is there, else null. */
export function describeOutcomes({ kind, batch, status }: Job, outcomes: readonly JobOutcome[]): object {
  if (batch) return { results: outcomes.map((outcome) => describeOutcome(kind, outcome)) }
  const [outcome] = outcomes
  return outcome === undefined || outcome.failure !== null || !hasEnded(status)
    ? {}
    : (describeOutcome(kind, outcome) ?? {})
}

function describeOutcome(kind: Job['kind'], { result, failure }: JobOutcome): object | null {
  if (failure !== null) return { error: failure.code, detail: failure.message }
  if (result === null) return null
  const { text, objects, ...rest } = result as { readonly text?: string; readonly objects?: unknown }
  return { result: kind === 'vision' ? objects : text, ...rest }
}

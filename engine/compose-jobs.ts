import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import type { Clock } from './core/clock.ts'
import type { ClosingStack } from './core/lifecycle.ts'
import { messageOf } from './errors.ts'
import type { JobLimits } from './jobs/job.ts'
import { JobQueue } from './jobs/job-queue.ts'
import { JobStore } from './jobs/job-store.ts'
import { JobTopics } from './jobs/job-topics.ts'
import type { JobWorkers } from './jobs/job-worker.ts'
import type { Logger } from './log.ts'
import type { JobsHealth } from './routes/health.ts'
import type { Hub } from './streams/hub.ts'

/** So long health waits for what the database has to say; it is to answer within 100 ms itself. */
const lookDeadlineMs = 50

/** What the jobs need of the engine around them. */
export interface JobsSurroundings {
  /** Folder for what the engine writes; the jobs are in its `jobs.sqlite`. */
  readonly state: string
  readonly hub: Hub
  readonly clock: Clock
  readonly log: Logger
  readonly closing: ClosingStack
  readonly workers: JobWorkers
}

/** The queue of jobs, as routes and health see it. */
export interface ComposedJobs {
  /** Rejects with `unavailable` where there is none. */
  readonly queue: () => Promise<JobQueue>
  readonly health: () => Promise<JobsHealth>
}

/**
 * Starts the queue of jobs, which the engine does not wait for. Where its database cannot be used all but the
 * jobs goes on.
 */
export function composeJobs(parts: JobsSurroundings): ComposedJobs {
  const log = parts.log.child({ part: 'jobs' })
  const topics = parts.closing.use('topics of jobs', new JobTopics(parts.hub, parts.clock))
  const starting = start(parts, topics, log)
  starting.catch((error: unknown) => log.error({ reason: messageOf(error) }, 'no jobs are taken'))
  parts.closing.defer('jobs', () => starting.then(close, () => undefined))
  return { queue: async () => (await starting).queue, health: watchJobs(starting) }
}

interface Started {
  readonly store: JobStore
  readonly queue: JobQueue
}

async function start({ state, workers }: JobsSurroundings, topics: JobTopics, log: Logger): Promise<Started> {
  const onBroken = (reason: string) =>
    log.error({ reason }, 'the jobs’ database is broken: it was put aside, and a new one begun')
  const store = await JobStore.open(join(state, 'jobs.sqlite'), onBroken)
  try {
    const queue = await JobQueue.start({ store, workers, log, onChange: (job, part) => topics.tell(job, part) })
    return { store, queue }
  } catch (error) {
    await store[Symbol.asyncDispose]()
    throw error
  }
}

const unknown = { counts: {}, bytes: null, limits: null } as const

/** Health waits for no disk: what is not known in time is told as it is. */
function watchJobs(starting: Promise<Started>): () => Promise<JobsHealth> {
  let queue: JobQueue | undefined
  let reason: string | undefined
  starting.then(
    (started) => {
      queue = started.queue
    },
    (error: unknown) => {
      reason = messageOf(error)
    },
  )
  return async () => {
    if (reason !== undefined) return { state: 'failed', reason, ...unknown }
    if (queue === undefined) return { state: 'starting', ...unknown }
    const limits = describeLimits(queue.limits)
    const late = wait(lookDeadlineMs, undefined, { ref: false })
    const use = await Promise.race([queue.use().catch(() => undefined), late])
    return use === undefined ? { state: 'slow', ...unknown, limits } : { state: 'ready', ...use, limits }
  }
}

function describeLimits({ maxWaiting, maxKept, maxAgeMs, maxBytes }: JobLimits) {
  return { waiting: maxWaiting, kept: maxKept, seconds: maxAgeMs / 1000, bytes: maxBytes }
}

async function close({ store, queue }: Started): Promise<void> {
  await queue[Symbol.asyncDispose]()
  await store[Symbol.asyncDispose]()
}

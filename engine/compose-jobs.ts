import { join } from 'node:path'
import type { Clock } from './core/clock.ts'
import type { ClosingStack } from './core/lifecycle.ts'
import { messageOf } from './errors.ts'
import { JobQueue } from './jobs/job-queue.ts'
import { JobStore } from './jobs/job-store.ts'
import { JobTopics } from './jobs/job-topics.ts'
import type { JobWorkers } from './jobs/job-worker.ts'
import type { Logger } from './log.ts'
import type { Hub } from './streams/hub.ts'

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

/**
 * Starts the queue of jobs, which the engine does not wait for. Each call gives the queue once it has started, or rejects with
 * `unavailable` where its database cannot be used: then all but the jobs goes on.
 */
export function composeJobs(parts: JobsSurroundings): () => Promise<JobQueue> {
  const log = parts.log.child({ part: 'jobs' })
  const topics = parts.closing.use('topics of jobs', new JobTopics(parts.hub, parts.clock))
  const starting = start(parts, topics, log)
  starting.catch((error: unknown) => log.error({ reason: messageOf(error) }, 'no jobs are taken'))
  parts.closing.defer('jobs', () => starting.then(close, () => undefined))
  return async () => (await starting).queue
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

async function close({ store, queue }: Started): Promise<void> {
  await queue[Symbol.asyncDispose]()
  await store[Symbol.asyncDispose]()
}

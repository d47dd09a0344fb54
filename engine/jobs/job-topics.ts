import { BehaviorSubject, map } from 'rxjs'
import { z } from 'zod'
import type { Clock } from '../core/clock.ts'
import { createPacket, type Packet } from '../core/packet.ts'
import type { Hub } from '../streams/hub.ts'
import { messageSchema, messageSchemas } from '../streams/message-schema.ts'
import { hasEnded, type Job } from './job.ts'

/** How far a job is. */
interface Progress {
  readonly job: Job
  /** Of the input that is being worked on. */
  readonly part: Readonly<Record<string, number>> | undefined
}

const count = z.number().int().min(0)

/** A message of a job's topic. */
export const jobProgressSchema = messageSchemas.event.extend({
  event: z.strictObject({
    name: z.literal('progress'),
    job_id: z.string(),
    status: z.enum(['queued', 'running', 'complete', 'failed', 'cancelled']),
    done: count.describe('Inputs with a result'),
    failed: count.describe('Inputs that failed'),
    total: count,
    part: z.record(z.string(), z.number()).optional().describe('Of the input that is being worked on'),
  }),
})

interface Topic {
  readonly changes: BehaviorSubject<Progress>
  readonly withdraw: () => void
  timer: NodeJS.Timeout | undefined
}

/** So long a job's topic stays after its end, for who comes a little late. */
const lingerMs = 10_000

/** A topic `jobs/<id>` for every job that has not ended: `{"name":"progress","job_id","status","done","failed","total"}`, and `part` of the input under way. */
export class JobTopics implements Disposable {
  readonly #hub: Hub
  readonly #clock: Clock
  readonly #topics = new Map<string, Topic>()

  constructor(hub: Hub, clock: Clock) {
    this.#hub = hub
    this.#clock = clock
  }

  /** Tells the job's listeners; its first call makes the topic. */
  tell(job: Job, part?: Readonly<Record<string, number>>): void {
    const topic = this.#topics.get(job.id)
    if (topic !== undefined) topic.changes.next({ job, part })
    else if (!hasEnded(job.status)) this.#topics.set(job.id, this.#offer(job))
    if (hasEnded(job.status)) this.#endLater(job.id)
  }

  [Symbol.dispose](): void {
    for (const id of [...this.#topics.keys()]) this.#end(id)
  }

  #offer(job: Job): Topic {
    const changes = new BehaviorSubject<Progress>({ job, part: undefined })
    const stream = job.id
    let seq = 0
    const toPacket = (progress: Progress): Packet =>
      createPacket({ stream, source: stream, seq: seq++, capturedAt: this.#clock.now(), payload: toEvent(progress) })
    const packets = changes.pipe(map(toPacket))
    const offer = { kind: 'event', schema: messageSchema('event'), tellsLatest: true, once: true, packets } as const
    return { changes, withdraw: this.#hub.offer(`jobs/${job.id}`, offer), timer: undefined }
  }

  #endLater(id: string): void {
    const topic = this.#topics.get(id)
    if (topic !== undefined) topic.timer ??= setTimeout(() => this.#end(id), lingerMs).unref()
  }

  #end(id: string): void {
    const topic = this.#topics.get(id)
    this.#topics.delete(id)
    clearTimeout(topic?.timer)
    topic?.withdraw()
    topic?.changes.complete()
  }
}

function toEvent({ job: { id, status, done, failed, total }, part }: Progress) {
  const fields = { kind: 'event', name: 'progress', job_id: id, status, done, failed, total } as const
  return part === undefined ? fields : { ...fields, part }
}

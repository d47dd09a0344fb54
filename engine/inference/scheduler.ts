import { EngineError } from '../errors.ts'
import type { Begun } from '../hosts/channel.ts'
import type { Priority } from './vision.ts'

/** Starts of others that the first waiting work of a class lets pass; then it is next, whatever else waits. */
const patience: Readonly<Record<Priority, number>> = { realtime: 0, interactive: 4, batch: 16 }
/** Work of a class that may wait for one resource; more is `busy`. A realtime session waits with one frame: its edge keeps the newest. */
const maxWaiting: Readonly<Record<Priority, number>> = { realtime: 64, interactive: 32, batch: 256 }
/** Who goes first when several have run out of patience, and when none has. */
const impatient: readonly Priority[] = ['batch', 'interactive']
const byRank: readonly Priority[] = ['realtime', 'interactive', 'batch']

/** What is to be done on one resource. */
export interface Work<T> {
  /** Only so many works of one resource run at once: see `depth`. */
  readonly resource: string
  /** The longest wait for its start, in milliseconds. */
  readonly deadlineMs: number
  /** Starts it. The resource is taken until `settled`, which must resolve whatever happens, and must not reject. */
  start(): Begun<T>
}

/** How long one work took, in milliseconds. */
export interface WorkTiming {
  readonly waitedMs: number
  /** From its start until its resource was free again. */
  readonly tookMs: number
}

/** Told after each work that was started. */
export type OnWorked = (resource: string, timing: WorkTiming) => void

interface Waiting {
  readonly start: () => Promise<void>
  readonly refuse: (error: EngineError) => void
}
interface Resource {
  running: number
  readonly waiting: Readonly<Record<Priority, Waiting[]>>
  /** Per class: starts of others since its first one waits. */
  readonly passed: Record<Priority, number>
}

/**
 * Who runs next. Per resource works start in the order realtime, interactive, batch, and within a class first come
 * first served. No class starves: whoever is first of the interactive class starts after at most 5 others, the first of the
 * batch class after at most 16.
 */
export class Scheduler implements Disposable {
  readonly #depth: (resource: string) => number
  readonly #onWorked: OnWorked
  readonly #resources = new Map<string, Resource>()
  #closed = false

  /** `depth`: works of a resource that run at once, default 1. */
  constructor(depth: (resource: string) => number = () => 1, onWorked: OnWorked = () => undefined) {
    this.#depth = depth
    this.#onWorked = onWorked
  }

  /**
   * Runs the work when its turn has come. Rejects with what the work rejects with, `busy` when too much waits, `timeout` when
   * it has not started in time, `cancelled` by the signal while it waits (later the work itself must heed it).
   */
  run<T>(priority: Priority, work: Work<T>, signal: AbortSignal): Promise<T> {
    if (this.#closed) return Promise.reject(closed())
    if (signal.aborted) return Promise.reject(new EngineError('cancelled', 'The caller gave up'))
    const resource = this.#resource(work.resource)
    const queue = resource.waiting[priority]
    if (queue.length >= maxWaiting[priority])
      return Promise.reject(
        new EngineError(
          'busy',
          `Expected fewer than ${maxWaiting[priority]} to wait for ${work.resource}; try again later`,
        ),
      )
    const askedAt = performance.now()
    return new Promise((resolve, reject) => {
      const leave = waitFor(work, signal, (error) => waiting.refuse(error))
      const waiting: Waiting = {
        start: () => {
          leave()
          const { answer, settled } = begin(work)
          answer.then(resolve, reject)
          const startedAt = performance.now()
          return settled.then(() =>
            this.#onWorked(work.resource, { waitedMs: startedAt - askedAt, tookMs: performance.now() - startedAt }),
          )
        },
        refuse: (error) => {
          leave()
          const at = queue.indexOf(waiting)
          if (at >= 0) queue.splice(at, 1)
          reject(error)
          this.#forgetIdle(work.resource)
        },
      }
      queue.push(waiting)
      this.#startNext(work.resource)
    })
  }

  /** Work that waits, by resource: for health and metrics. */
  waiting(resource: string): number {
    const { waiting } = this.#resources.get(resource) ?? createResource()
    return byRank.reduce((sum, priority) => sum + waiting[priority].length, 0)
  }

  /** Refuses all that waits with `closed`; what runs goes on. */
  [Symbol.dispose](): void {
    this.#closed = true
    for (const { waiting } of [...this.#resources.values()])
      for (const priority of byRank) for (const one of [...waiting[priority]]) one.refuse(closed())
  }

  #resource(name: string): Resource {
    const resource = this.#resources.get(name) ?? createResource()
    this.#resources.set(name, resource)
    return resource
  }

  #startNext(name: string): void {
    const resource = this.#resource(name)
    while (resource.running < this.#depth(name)) {
      const next = takeNext(resource)
      if (!next) break
      resource.running++
      void next.start().then(() => {
        resource.running--
        this.#startNext(name)
      })
    }
    this.#forgetIdle(name)
  }

  #forgetIdle(name: string): void {
    if (this.#resources.get(name)?.running === 0 && this.waiting(name) === 0) this.#resources.delete(name)
  }
}

function createResource(): Resource {
  return {
    running: 0,
    waiting: { realtime: [], interactive: [], batch: [] },
    passed: { realtime: 0, interactive: 0, batch: 0 },
  }
}

function takeNext({ waiting, passed }: Resource): Waiting | undefined {
  const has = (priority: Priority) => waiting[priority].length > 0
  const chosen = impatient.find((one) => has(one) && passed[one] >= patience[one]) ?? byRank.find(has)
  if (chosen === undefined) return undefined
  for (const priority of byRank) passed[priority] = priority !== chosen && has(priority) ? passed[priority] + 1 : 0
  return waiting[chosen].shift()
}

/** A work that throws instead of starting is one that failed. */
function begin<T>(work: Work<T>): Begun<T> {
  try {
    return work.start()
  } catch (error) {
    return { answer: Promise.reject(error), settled: Promise.resolve() }
  }
}

/** Refuses by the signal and the deadline; the function given back ends both. */
function waitFor(work: Work<unknown>, signal: AbortSignal, refuse: (error: EngineError) => void): () => void {
  const abort = () => refuse(new EngineError('cancelled', 'The caller gave up'))
  const timer = setTimeout(() => {
    refuse(
      new EngineError('timeout', `Expected ${work.resource} to be free within ${work.deadlineMs} ms; try again later`),
    )
  }, work.deadlineMs)
  signal.addEventListener('abort', abort, { once: true })
  return () => {
    clearTimeout(timer)
    signal.removeEventListener('abort', abort)
  }
}

function closed(): EngineError {
  return new EngineError('closed', 'Expected the scheduler to be open, but it was closed')
}

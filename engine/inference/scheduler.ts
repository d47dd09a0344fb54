import { EngineError } from '../errors.ts'
import type { Begun } from '../hosts/channel.ts'
import { type DeviceLimits, DeviceQueue } from './device-queue.ts'
import { defaultRank, type Priority } from './vision.ts'
import type { WaitingWork } from './waiting-works.ts'

/** What is to be done on one device. */
export interface Work<T> {
  /** Where it runs: one of the scheduler's devices. */
  readonly device: string
  /** The model that it runs, or what else only so many works may use at once. */
  readonly resource: string
  /** The longest wait for its start, in milliseconds; 0 is now or never. */
  readonly deadlineMs: number
  /** 0 to 31 among realtime works, the higher goes first; default 16. Other classes have none. */
  readonly rank?: number | undefined
  /** Starts it. Its place is taken until `settled`, which must resolve whatever happens, and must not reject. */
  start(): Begun<T>
}

/** How long one work took, in milliseconds. */
export interface WorkTiming {
  readonly waitedMs: number
  /** From its start until its place was free again. */
  readonly tookMs: number
}

/** Told after each work that was started. */
export type OnWorked = (resource: string, timing: WorkTiming) => void

/**
 * Who runs next on which device.
 *
 * Of the works whose model is free, realtime starts before interactive before batch. Within realtime the higher rank goes first, whatever
 * the deadlines: streams of one rank have the same right, and a frame that comes too late is made up for by the next. Within a rank,
 * and within the other classes, the earliest deadline goes first, then the first come. Batch leaves one place of a device that has
 * several to the others.
 *
 * Nobody starves. A start passes a waiting work when that one's model was free (and, for batch, a place that batch may have). The
 * oldest work of a class for a model is passed at most `patience[class] × m` times, where m is the number of models that
 * works of its class wait for; then it is next, after those for whom that was so before, which are at most one for each other class and
 * model. One with k older ones of its class and model before it is passed at most k + 1 times as often.
 */
export class Scheduler implements Disposable {
  readonly #devices: ReadonlyMap<string, DeviceQueue>
  readonly #onWorked: OnWorked
  #arrivals = 0
  #closed = false

  constructor(devices: Readonly<Record<string, DeviceLimits>>, onWorked: OnWorked = () => undefined) {
    this.#devices = new Map(Object.entries(devices).map(([name, limits]) => [name, new DeviceQueue(limits)]))
    this.#onWorked = onWorked
  }

  /**
   * Runs the work when its turn has come, before it returns where there is room. Rejects with what the work rejects with,
   * `busy` when too much waits, `timeout` when it has not started in time, `cancelled` by the signal while it waits
   * (later the work itself must heed it), `closed`.
   */
  run<T>(priority: Priority, work: Work<T>, signal: AbortSignal): Promise<T> {
    if (this.#closed) return Promise.reject(closed())
    if (signal.aborted) return Promise.reject(cancelled())
    if (!(work.deadlineMs >= 0)) return Promise.reject(tooLate(work))
    const device = this.#device(work.device)
    const askedAt = performance.now()
    if (device.hasRoom(priority, work.resource)) return this.#start(device, { priority, work, askedAt })
    const most = device.most[priority]
    if (device.waitingFor(priority, work.resource) >= most) return Promise.reject(busy(work, most))
    return this.#wait(device, { priority, work, askedAt }, signal)
  }

  /** Works that wait for a device. */
  waiting(device: string): number {
    return this.#device(device).waiting
  }

  /**
   * Above 0, up to 1. Below 1 batch has one place of each device for that share of the time: after each work a pause. It never falls to
   * nothing, and no pause is longer than a minute.
   */
  paceBatch(share: number): void {
    for (const device of this.#devices.values()) device.paceBatch(share)
  }

  /** Refuses all that waits with `closed`; what runs goes on. */
  [Symbol.dispose](): void {
    this.#closed = true
    for (const device of this.#devices.values()) device[Symbol.dispose]()
  }

  #device(name: string): DeviceQueue {
    const device = this.#devices.get(name)
    if (device) return device
    throw new EngineError('internal', `Expected a device (${[...this.#devices.keys()].join(', ')}), received ${name}`)
  }

  #start<T>(device: DeviceQueue, { priority, work, askedAt }: Asked<T>): Promise<T> {
    device.take(priority, work.resource)
    const startedAt = performance.now()
    const { answer, settled } = begin(work)
    void settled.finally(() => {
      const tookMs = performance.now() - startedAt
      this.#onWorked(work.resource, { waitedMs: startedAt - askedAt, tookMs })
      device.giveBack(priority, work.resource, tookMs)
    })
    return answer
  }

  #wait<T>(device: DeviceQueue, asked: Asked<T>, signal: AbortSignal): Promise<T> {
    const { priority, work, askedAt } = asked
    return new Promise((resolve, reject) => {
      const leave = waitFor(work, signal, (error) => refuse(error))
      const refuse = (error: EngineError) => {
        leave()
        device.remove(waiting)
        reject(error)
      }
      const waiting: WaitingWork = {
        priority,
        resource: work.resource,
        rank: priority === 'realtime' ? (work.rank ?? defaultRank) : defaultRank,
        deadlineAt: askedAt + work.deadlineMs,
        arrival: this.#arrivals++,
        start: () => {
          leave()
          this.#start(device, asked).then(resolve, reject)
        },
        expire: () => refuse(tooLate(work)),
        close: () => refuse(closed()),
      }
      device.add(waiting)
    })
  }
}

interface Asked<T> {
  readonly priority: Priority
  readonly work: Work<T>
  /** In ms of `performance.now()`. */
  readonly askedAt: number
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
  const abort = () => refuse(cancelled())
  const timer = setTimeout(() => refuse(tooLate(work)), work.deadlineMs)
  signal.addEventListener('abort', abort, { once: true })
  return () => {
    clearTimeout(timer)
    signal.removeEventListener('abort', abort)
  }
}

function tooLate({ resource, deadlineMs }: Work<unknown>): EngineError {
  return new EngineError('timeout', `Expected ${resource} to be free within ${deadlineMs} ms; try again later`)
}

function busy({ resource }: Work<unknown>, most: number): EngineError {
  return new EngineError('busy', `Expected fewer than ${most} to wait for ${resource}; try again later`)
}

function cancelled(): EngineError {
  return new EngineError('cancelled', 'The caller gave up')
}

function closed(): EngineError {
  return new EngineError('closed', 'Expected the scheduler to be open, but it was closed')
}

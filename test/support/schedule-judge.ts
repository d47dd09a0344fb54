import { type DeviceLimits, patience } from '../../engine/inference/device-queue.ts'
import type { Priority } from '../../engine/inference/vision.ts'

const order: Readonly<Record<Priority, number>> = { realtime: 0, interactive: 1, batch: 2 }

/** One work as the test knows it. */
export interface JudgedWork {
  readonly id: number
  readonly priority: Priority
  readonly device: string
  readonly resource: string
  readonly rank: number
  readonly askedAt: number
  readonly deadlineMs: number
  state: 'waiting' | 'running' | 'over'
  startedAt: number
  /** Older ones of its class and model when it came. */
  ahead: number
  /** Starts of others that could have been its own: those that surely were, and with those of a millisecond in which it is not told. */
  passed: number
  passedPerhaps: number
  /** The most models that works of its class waited for meanwhile. */
  models: number
}

/** What the judge knows of one device. */
class Books {
  readonly waiting = new Set<JudgedWork>()
  readonly running = new Set<JudgedWork>()
  /** In ms of `performance.now()`: no batch work starts before. */
  pausedUntil = 0
}

/**
 * Knows what the scheduler promises, and holds every start against it. It keeps its own books, in the plainest way, and shares with the
 * scheduler nothing but its three numbers of patience.
 */
export class ScheduleJudge {
  readonly limits: Readonly<Record<string, DeviceLimits>>
  readonly #books: ReadonlyMap<string, Books>
  readonly #resources: number
  #batchShare = 1

  constructor(limits: Readonly<Record<string, DeviceLimits>>, resources: number) {
    this.limits = limits
    this.#resources = resources
    this.#books = new Map(Object.keys(limits).map((device) => [device, new Books()]))
  }

  /** Before the scheduler is asked. */
  ask(work: JudgedWork): void {
    const { waiting } = this.#of(work.device)
    const kin = [...waiting].filter(({ priority }) => priority === work.priority)
    work.ahead = kin.filter(({ resource }) => resource === work.resource).length
    work.models = new Set([...kin, work].map(({ resource }) => resource)).size
    for (const one of kin) one.models = Math.max(one.models, work.models)
    waiting.add(work)
  }

  /** Within the start of a work. Throws when it should not start now. */
  start(work: JudgedWork): void {
    const now = performance.now()
    const { waiting, running } = this.#of(work.device)
    if (work.state !== 'waiting') throw new Error(`work ${work.id} starts while it is ${work.state}`)
    const waitedMs = now - work.askedAt
    if (waitedMs >= work.deadlineMs && waitedMs > 0) throw new Error(`work ${work.id} starts after its deadline`)
    const canStart = this.#places(work.device)
    if (!canStart(work)) throw new Error(`work ${work.id} starts without a place: ${JSON.stringify(work)}`)
    const all = [...waiting].filter((one) => one !== work && canStart(one))
    const others = all.filter((one) => !this.#isUncertain(one, now))
    const better = others.find((one) => compare(one, work) < 0)
    if (better && !this.#isOwed(work, now))
      throw new Error(`work ${work.id} starts before ${better.id}, which goes first: ${JSON.stringify([work, better])}`)
    for (const one of all) one.passedPerhaps++
    for (const one of others) this.#pass(one)
    work.state = 'running'
    work.startedAt = now
    waiting.delete(work)
    running.add(work)
  }

  /** It runs no more, or waits no more. */
  end(work: JudgedWork): void {
    const now = performance.now()
    const books = this.#of(work.device)
    if (books.running.has(work) && work.priority === 'batch' && this.#batchShare < 1)
      books.pausedUntil = now + (now - work.startedAt) * (1 / this.#batchShare - 1)
    work.state = 'over'
    books.waiting.delete(work)
    books.running.delete(work)
  }

  pace(share: number): void {
    this.#batchShare = share
    if (share === 1) for (const books of this.#books.values()) books.pausedUntil = 0
  }

  /** Nobody waits who could run, once all that was due has happened. */
  checkNoneIdles(): void {
    for (const [device, { waiting, pausedUntil }] of this.#books) {
      const canStart = this.#places(device)
      // No timer of less than 1 ms exists.
      const mayWait = ({ priority }: JudgedWork) => priority === 'batch' && performance.now() <= pausedUntil + 1
      const idle = [...waiting].find((one) => canStart(one) && !mayWait(one))
      if (idle) throw new Error(`work ${idle.id} waits although there is room for it: ${JSON.stringify(idle)}`)
    }
  }

  waiting(device: string): ReadonlySet<JudgedWork> {
    return this.#of(device).waiting
  }

  /** Works that wait or run. */
  get underWay(): number {
    return [...this.#books.values()].reduce((sum, { waiting, running }) => sum + waiting.size + running.size, 0)
  }

  #of(device: string): Books {
    return this.#books.get(device)!
  }

  /** Who could start now, by the places alone. */
  #places(device: string): (work: JudgedWork) => boolean {
    const { depth, perResource = 1 } = this.limits[device]!
    const { running, pausedUntil } = this.#of(device)
    const batch = [...running].filter(({ priority }) => priority === 'batch').length
    const batchPlaces = this.#batchShare < 1 ? 1 : Math.max(1, depth - 1)
    const batchMay = batch < batchPlaces && performance.now() >= pausedUntil
    const full = [...running].filter((one) => countOf(running, one.resource) >= perResource)
    const fullModels = new Set(full.map(({ resource }) => resource))
    return ({ priority, resource }) =>
      running.size < depth && !fullModels.has(resource) && (priority !== 'batch' || batchMay)
  }

  #pass(work: JudgedWork): void {
    work.passed++
    const others = 3 * this.#resources - 1
    const most = (work.ahead + 1) * (patience[work.priority] * work.models + others)
    if (work.passed > most)
      throw new Error(`work ${work.id} was passed more than ${most} times: ${JSON.stringify(work)}`)
  }

  /** Whether it may go before better ones: it was passed often, and nobody of its kind waits longer. */
  #isOwed(work: JudgedWork, now: number): boolean {
    if (work.passedPerhaps < patience[work.priority]) return false
    return ![...this.#of(work.device).waiting].some(
      (one) => isSameKind(one, work) && one.id < work.id && !isLate(one, now),
    )
  }

  /** Its time to start, or its last time to, is this very millisecond: nobody promises which timer is first. */
  #isUncertain(work: JudgedWork, now: number): boolean {
    return isLate(work, now) || (work.priority === 'batch' && this.#of(work.device).pausedUntil + 1 >= now)
  }
}

/** Whether they wait in one queue. */
export function isSameKind(a: JudgedWork, b: JudgedWork): boolean {
  return a.priority === b.priority && a.resource === b.resource
}

/** Whether its deadline is over. */
export function isLate({ askedAt, deadlineMs }: JudgedWork, now: number): boolean {
  return askedAt + deadlineMs <= now
}

function countOf(works: ReadonlySet<JudgedWork>, resource: string): number {
  return [...works].filter((one) => one.resource === resource).length
}

function compare(a: JudgedWork, b: JudgedWork): number {
  if (a.priority !== b.priority) return order[a.priority] - order[b.priority]
  const byRank = a.priority === 'realtime' ? b.rank - a.rank : 0
  return byRank || a.askedAt + a.deadlineMs - b.askedAt - b.deadlineMs || a.id - b.id
}

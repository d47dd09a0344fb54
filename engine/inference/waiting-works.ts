import type { Priority } from './vision.ts'

/** One work that waits for its turn. */
export interface WaitingWork {
  readonly priority: Priority
  /** The model, or what else only so many works may use at once. */
  readonly resource: string
  /** 0 to 31. */
  readonly rank: number
  /** In ms of `performance.now()`. From then on it is never started. */
  readonly deadlineAt: number
  /** Counts up with every work that comes. */
  readonly arrival: number
  /** Starts it; it takes its place on the device itself. Must not throw. */
  start(): void
  /** Refuses it because its deadline is over. */
  expire(): void
  /** Refuses it because the scheduler is closed. */
  close(): void
}

/** The works of one class that wait for one model: who goes next, and who has waited longest. */
export class WaitingWorks {
  readonly priority: Priority
  /** Starts of others that could have been the oldest's, since it is the oldest. */
  passed = 0
  /** Number of the start by which the oldest's patience was over; infinite before that. */
  overdueSince = Number.POSITIVE_INFINITY
  readonly #inTurn: WaitingWork[] = []
  readonly #byArrival = new Set<WaitingWork>()

  constructor(priority: Priority) {
    this.priority = priority
  }

  get size(): number {
    return this.#inTurn.length
  }

  /** Undefined only when none waits. */
  get oldest(): WaitingWork | undefined {
    return this.#byArrival.values().next().value
  }

  get isOverdue(): boolean {
    return this.overdueSince < Number.POSITIVE_INFINITY
  }

  /** The oldest once its patience is over; else the highest rank, then the earliest deadline, then the first come. */
  get next(): WaitingWork | undefined {
    return this.isOverdue ? this.oldest : this.#inTurn[0]
  }

  add(work: WaitingWork): void {
    this.#inTurn.splice(this.#placeOf(work), 0, work)
    this.#byArrival.add(work)
  }

  /** Whether it was there. */
  remove(work: WaitingWork): boolean {
    const wasOldest = this.oldest === work
    if (!this.#byArrival.delete(work)) return false
    this.#inTurn.splice(this.#placeOf(work), 1)
    if (!wasOldest) return true
    this.passed = 0
    this.overdueSince = Number.POSITIVE_INFINITY
    return true
  }

  all(): WaitingWork[] {
    return [...this.#byArrival]
  }

  /** Where it is, or would be. */
  #placeOf(work: WaitingWork): number {
    let [low, high] = [0, this.#inTurn.length]
    while (low < high) {
      const middle = (low + high) >> 1
      if (compareTurns(this.#inTurn[middle] as WaitingWork, work) < 0) low = middle + 1
      else high = middle
    }
    return low
  }
}

/** Negative when `a` goes before `b` of the same class; never 0 for two works. */
export function compareTurns(a: WaitingWork, b: WaitingWork): number {
  return b.rank - a.rank || a.deadlineAt - b.deadlineAt || a.arrival - b.arrival
}

import { BatchPlaces } from './batch-places.ts'
import type { Priority } from './vision.ts'
import { compareTurns, type WaitingWork, WaitingWorks } from './waiting-works.ts'

/** The classes, in the order in which they go. */
export const classes: readonly Priority[] = ['realtime', 'interactive', 'batch']
/**
 * Starts of others, for each model that its class waits for, that the oldest work of a class lets pass. So of a full device's
 * starts interactive has at least every fifth and batch every 17th, and a live stream of low rank every ninth of live ones.
 */
export const patience: Readonly<Record<Priority, number>> = { realtime: 8, interactive: 4, batch: 16 }

/** What a device bears. */
export interface DeviceLimits {
  /** Works at once, at least 1. */
  readonly depth: number
  /** Works of one model at once; default 1. */
  readonly perResource?: number
  /** Interactive works that may wait for one model; default 32. */
  readonly mostInteractive?: number
}

/** What waits for one model, and runs on it. */
interface Line {
  running: number
  readonly waiting: Readonly<Record<Priority, WaitingWorks>>
}

/** The places of one device, and who waits for them. The order is told at `Scheduler`. */
export class DeviceQueue implements Disposable {
  /** Works of a class that may wait for one model. */
  readonly most: Readonly<Record<Priority, number>>
  readonly #depth: number
  readonly #perResource: number
  readonly #batch: BatchPlaces
  /** One for each model that was ever asked for: as many as the catalogue has, at most. */
  readonly #lines = new Map<string, Line>()
  /** Models that works of a class wait for. */
  readonly #models: Record<Priority, number> = { realtime: 0, interactive: 0, batch: 0 }
  #running = 0
  #waiting = 0
  #starts = 0
  #choosing = false
  /** While it is there, only live frames start, and those whose patience is over. */
  #turn: NodeJS.Immediate | undefined

  constructor({ depth, perResource = 1, mostInteractive = 32 }: DeviceLimits) {
    // A realtime session waits with one frame: its edge keeps the newest.
    this.most = { realtime: 64, interactive: mostInteractive, batch: 256 }
    this.#depth = depth
    this.#perResource = perResource
    this.#batch = new BatchPlaces(depth, () => this.#startNext())
  }

  /** Works that wait. */
  get waiting(): number {
    return this.#waiting
  }

  /** Works of a class that wait for a model. */
  waitingFor(priority: Priority, resource: string): number {
    return this.#line(resource).waiting[priority].size
  }

  /** Whether a work that comes now can start at once. Then none that waits could. */
  hasRoom(priority: Priority, resource: string): boolean {
    return !this.#choosing && !this.#turn && this.#hasPlace() && this.#admits(priority, this.#line(resource))
  }

  /** Takes a place for a work that starts now. */
  take(priority: Priority, resource: string): void {
    this.#running++
    this.#line(resource).running++
    if (priority === 'batch') this.#batch.take()
  }

  /** The work is over after so many milliseconds: starts what may have its place. */
  giveBack(priority: Priority, resource: string, tookMs: number): void {
    this.#running--
    this.#line(resource).running--
    if (priority === 'batch') this.#batch.giveBack(tookMs)
    if (priority === 'realtime') this.#keepForLive()
    this.#startNext()
  }

  /** It starts at once only if it is a live frame, and its place is kept for one. */
  add(work: WaitingWork): void {
    const works = this.#worksOf(work)
    if (works.size === 0) this.#models[work.priority]++
    works.add(work)
    this.#waiting++
    if (this.#turn) this.#startNext()
  }

  /** Nothing is left of it. */
  remove(work: WaitingWork): void {
    const works = this.#worksOf(work)
    if (!works.remove(work)) return
    if (works.size === 0) this.#models[work.priority]--
    this.#waiting--
  }

  /** See `Scheduler.paceBatch`. */
  paceBatch(share: number): void {
    this.#batch.pace(share)
  }

  /** Refuses all that waits; what runs goes on. */
  [Symbol.dispose](): void {
    this.#batch[Symbol.dispose]()
    clearImmediate(this.#turn)
    this.#turn = undefined
    for (const { waiting } of this.#lines.values())
      for (const priority of classes) for (const work of waiting[priority].all()) work.close()
  }

  #line(resource: string): Line {
    const known = this.#lines.get(resource)
    if (known) return known
    const line = createLine()
    this.#lines.set(resource, line)
    return line
  }

  #worksOf({ resource, priority }: WaitingWork): WaitingWorks {
    return this.#line(resource).waiting[priority]
  }

  #hasPlace(): boolean {
    return this.#running < this.#depth
  }

  #admits(priority: Priority, line: Line): boolean {
    return line.running < this.#perResource && (priority !== 'batch' || this.#batch.free)
  }

  /**
   * A busy stream asks for its next frame as soon as it has the answer, in the same turn of the event loop. Until its end nobody else takes
   * the place, or a stream would have only every other start however urgent its frames are.
   */
  #keepForLive(): void {
    if (this.#waiting === 0) return
    this.#turn ??= setImmediate(() => {
      this.#turn = undefined
      this.#startNext()
    })
  }

  /** A start may bring further works, which the loop that is under way then sees. */
  #startNext(): void {
    if (this.#choosing) return
    this.#choosing = true
    while (this.#waiting > 0 && this.#hasPlace()) {
      const next = this.#choose()
      if (next === undefined) break
      next.start()
    }
    this.#choosing = false
  }

  /** The work that goes next, which waits no more. */
  #choose(): WaitingWork | undefined {
    const now = performance.now()
    for (;;) {
      const candidates = this.#candidates()
      const work = candidates.reduce<WaitingWorks | undefined>(earlier, undefined)?.next
      if (work === undefined) return undefined
      if (work.deadlineAt > now) {
        this.#count(candidates, work)
        this.remove(work)
        return work
      }
      // Its timer is late; nobody waits for it any more.
      work.expire()
    }
  }

  /** All whose model has a place. */
  #candidates(): WaitingWorks[] {
    const found: WaitingWorks[] = []
    for (const line of this.#lines.values())
      for (const priority of classes)
        if (line.waiting[priority].size > 0 && this.#admits(priority, line)) found.push(line.waiting[priority])
    return this.#turn && !found.some(isUrgent) ? [] : found
  }

  /** Before `started` leaves: it has passed the oldest of all candidates but its own, if it was that. */
  #count(candidates: readonly WaitingWorks[], started: WaitingWork): void {
    this.#starts++
    for (const works of candidates) {
      if (works.oldest === started) continue
      works.passed++
      const isOver = works.passed >= patience[works.priority] * this.#models[works.priority]
      if (isOver) works.overdueSince = Math.min(works.overdueSince, this.#starts)
    }
  }
}

function createLine(): Line {
  const [realtime, interactive] = [new WaitingWorks('realtime'), new WaitingWorks('interactive')]
  return { running: 0, waiting: { realtime, interactive, batch: new WaitingWorks('batch') } }
}

function isUrgent({ priority, isOverdue }: WaitingWorks): boolean {
  return priority === 'realtime' || isOverdue
}

/** Those whose patience was over first, then by class, then by their next work's turn. */
function earlier(a: WaitingWorks | undefined, b: WaitingWorks): WaitingWorks {
  if (a === undefined) return b
  if (a.overdueSince !== b.overdueSince) return a.overdueSince < b.overdueSince ? a : b
  if (a.priority !== b.priority) return classes.indexOf(a.priority) < classes.indexOf(b.priority) ? a : b
  return compareTurns(a.next as WaitingWork, b.next as WaitingWork) < 0 ? a : b
}

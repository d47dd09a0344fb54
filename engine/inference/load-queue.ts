import { EngineError } from '../errors.ts'
import type { Priority } from './vision.ts'

/** Loads that may wait; the next one is `busy`. */
const maxWaiting = 16
/** The longest wait for the start of a load: a language model before it takes most of a minute. */
const waitMs: Readonly<Record<Priority, number>> = { realtime: 60_000, interactive: 60_000, batch: 600_000 }
/** Who starts first. What gives memory back goes before all that needs some. */
const ranks: Readonly<Record<Priority | 'unload', number>> = { unload: 0, realtime: 1, interactive: 2, batch: 3 }

/** Time, so that tests need not wait for it. */
export interface Timers {
  /** Milliseconds that only grow. */
  now(): number
  /** Runs it once after so many milliseconds; the function given back forgets it. */
  after(ms: number, run: () => void): () => void
}

/** The machine's time. Its timers keep no process alive. */
export const systemTimers: Timers = {
  now: () => performance.now(),
  after: (ms, run) => {
    const timer = setTimeout(run, ms).unref()
    return () => clearTimeout(timer)
  },
}

/** A load that waits or runs. */
export interface QueuedLoad {
  /** Rejects with what the load rejects with, `timeout` when it has not started in time, or what it was told to leave with. */
  readonly done: Promise<void>
  /** Moves it forward when this priority is the higher one. */
  raise(priority: Priority): void
  /** Takes it out when nobody wants it any more; false when it has started. */
  leave(error: EngineError): boolean
}

/** One piece of work in the line. */
class Entry implements QueuedLoad {
  readonly done: Promise<void>
  rank: number
  readonly #work: () => Promise<void>
  readonly #onLeave: (entry: Entry) => void
  #settle: { resolve: () => void; reject: (error: unknown) => void } | undefined
  #forget: () => void = () => undefined
  #waiting = true

  constructor(rank: number, work: () => Promise<void>, onLeave: (entry: Entry) => void) {
    this.rank = rank
    this.#work = work
    this.#onLeave = onLeave
    this.done = new Promise((resolve, reject) => {
      this.#settle = { resolve, reject }
    })
  }

  limit(timers: Timers, ms: number, error: () => EngineError): void {
    this.#forget = timers.after(ms, () => void this.leave(error()))
  }

  start(): Promise<void> {
    this.#stopWaiting()
    return this.#work().then(this.#settle?.resolve, this.#settle?.reject)
  }

  raise(priority: Priority): void {
    this.rank = Math.min(this.rank, ranks[priority])
  }

  leave(error: EngineError): boolean {
    if (!this.#waiting) return false
    this.#stopWaiting()
    this.#onLeave(this)
    this.#settle?.reject(error)
    return true
  }

  #stopWaiting(): void {
    this.#waiting = false
    this.#forget()
  }
}

/**
 * Loads and unloads of models into one memory, one at a time in the whole engine: two at once would both count the same free memory, and neither
 * could be measured. First come first served within a priority.
 */
export class LoadQueue implements Disposable {
  readonly #timers: Timers
  readonly #entries: Entry[] = []
  #running = false
  #closed = false

  constructor(timers: Timers) {
    this.#timers = timers
  }

  /** Loads that wait for their turn. */
  get waiting(): number {
    return this.#entries.filter(({ rank }) => rank !== ranks.unload).length
  }

  /** Throws `busy` when too many wait. */
  load(model: string, priority: Priority, work: () => Promise<void>): QueuedLoad {
    if (this.waiting >= maxWaiting) throw full(model)
    const entry = this.#add(ranks[priority], work)
    entry.limit(this.#timers, waitMs[priority], () => late(model, waitMs[priority]))
    this.#startNext()
    return entry
  }

  /** What gives memory back: it starts next. There is at most one for each model, and no deadline but that of the load before it. */
  async unload(work: () => Promise<void>): Promise<void> {
    const { done } = this.#add(ranks.unload, work)
    this.#startNext()
    await done
  }

  /** Refuses all that waits with `closed`; what runs goes on. */
  [Symbol.dispose](): void {
    this.#closed = true
    for (const one of [...this.#entries]) one.leave(closed())
  }

  #add(rank: number, work: () => Promise<void>): Entry {
    if (this.#closed) throw closed()
    const entry = new Entry(rank, work, (left) => this.#remove(left))
    this.#entries.push(entry)
    return entry
  }

  #remove(entry: Entry): void {
    const at = this.#entries.indexOf(entry)
    if (at >= 0) this.#entries.splice(at, 1)
  }

  #startNext(): void {
    const [first, ...others] = this.#entries
    if (this.#running || !first) return
    const next = others.reduce((best, one) => (one.rank < best.rank ? one : best), first)
    this.#remove(next)
    this.#running = true
    void next.start().then(() => {
      this.#running = false
      this.#startNext()
    })
  }
}

function full(model: string): EngineError {
  const message = `Expected fewer than ${maxWaiting} models to wait for their loading, so ${model} was not added; try again later`
  return new EngineError('busy', message)
}

function late(model: string, ms: number): EngineError {
  const message = `Expected the loading of ${model} to begin within ${ms / 1000} s, but others were loaded before it; try again later`
  return new EngineError('timeout', message)
}

function closed(): EngineError {
  return new EngineError('closed', 'Expected models to be loaded and unloaded, but the engine stops')
}

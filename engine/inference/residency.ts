import { EngineError } from '../errors.ts'
import { chooseVictims, isMemoryFull, leastNeeded, type Memory } from './eviction.ts'
import { LoadQueue, type QueuedLoad, systemTimers, type Timers } from './load-queue.ts'
import type { ResidencyEvent, ResidencyOptions, ResidencyUse, UnloadReason, Use } from './residency-options.ts'
import { byImportance, type Lease, type LoadableModel, ModelLease, Resident, type ResidentStatus } from './resident.ts'
import { unlessAborted } from './unless-aborted.ts'
import type { Priority } from './vision.ts'

/** Longer timers do not exist: what is due later is looked at again then. */
const maxTimerMs = 2 ** 31 - 1
const never = new AbortController().signal

/**
 * Which models are in which memory, who uses them, and who has to go. Whoever asks a model holds a lease: a live stream from its
 * first question to its end, a request for its duration. Loads go one at a time into each memory; before one, as many models leave as it needs to
 * fit its budget (see `chooseVictims`), and none when even all would not do. What a model really takes is known after its load:
 * if it then breaks the budget, others leave by the same rule, or else the model itself.
 *
 * An unused model stays for its keep-alive, counted from the end of its last use: one that was only preloaded stays until it was
 * used once. A pinned model is neither evicted nor timed out; `unload` takes it away all the same, since somebody said so. A lease
 * outlives the death of a host: the model counts as in use while it is loaded again. A model may be loaded by several backends at once:
 * each is an entry of its own, found by the name and the backend, or by the name alone.
 */
export class Residency implements Disposable {
  readonly #options: ResidencyOptions
  readonly #timers: Timers
  readonly #queues: Readonly<Record<Memory, LoadQueue>>
  readonly #entries = new Map<string, Resident>()
  #closed = false

  constructor(options: ResidencyOptions) {
    this.#options = options
    this.#timers = options.timers ?? systemTimers
    this.#queues = { host: new LoadQueue(this.#timers), device: new LoadQueue(this.#timers) }
  }

  /** A lease on a model that is loaded now, by that backend or by any; undefined for any other. */
  lease(name: string, user: string, backend?: string): Lease | undefined {
    const entry = this.#named(name, backend).find(({ isLoaded }) => isLoaded)
    return entry && this.#addLease(entry, user)
  }

  /**
   * Loads the model when it is not, once for all who ask. Rejects with what the load rejects with, with a shortage (see `isShortage`),
   * `busy` when too many loads wait, `timeout` when it was not its turn in time, `cancelled` by the signal: the load itself goes
   * on then if it has begun.
   */
  async acquire(model: LoadableModel, { priority, user }: Use, signal: AbortSignal): Promise<Lease> {
    const entry = this.#entryOf(model)
    const lease = this.#addLease(entry, user)
    try {
      await this.#ensureLoaded(entry, priority, signal)
      return lease
    } catch (error) {
      lease[Symbol.dispose]()
      throw error
    }
  }

  /** Loads the model before anybody uses it; rejects as `acquire` does. */
  async preload(model: LoadableModel, priority: Priority, signal: AbortSignal = never): Promise<void> {
    const entry = this.#entryOf(model)
    const lease = new ModelLease(model.name, 'preload', () => undefined)
    entry.leases.add(lease)
    try {
      await this.#ensureLoaded(entry, priority, signal)
    } finally {
      entry.leases.delete(lease)
      this.#afterUse(entry)
    }
  }

  /** Whoever asks for it: `unloaded` is false when it was not loaded. Bytes as measured. Throws `conflict` while it is in use. */
  async unload(name: string): Promise<{ readonly unloaded: boolean; readonly bytes: number }> {
    const entries = this.#named(name).filter(({ state }) => state !== 'absent')
    const outcome = { unloaded: false, bytes: 0 }
    for (const entry of entries) entry.expectUnused()
    for (const entry of entries)
      await this.#queues[entry.model.memory].unload(async () => {
        entry.expectUnused()
        if (entry.state !== 'loaded') return
        outcome.bytes += await this.#unload(entry, 'asked')
        outcome.unloaded = true
      })
    return outcome
  }

  /** How many seconds the model stays after its use, until it is unloaded: −1 for ever, 0 until nobody uses it. */
  keepAlive(name: string, seconds: number): void {
    for (const entry of this.#named(name)) {
      if (entry.state === 'absent') continue
      entry.keepAlive = seconds
      this.#afterUse(entry)
    }
  }

  /** Strikes from the books what a host has lost, of that backend or of all, and of those that `isOurs` tells. Gives the names in the order in which they are to come back: in use, pinned, last used. */
  dropLost(backend?: string, isOurs: (name: string) => boolean = () => true): string[] {
    const isMeant = ({ model }: Resident) => (backend ?? model.backend) === model.backend && isOurs(model.name)
    const lost = [...this.#entries.values()].filter(
      (entry) => entry.state === 'loaded' && !entry.isLoaded && isMeant(entry),
    )
    const order = lost.map((entry) => entry.statusAt(this.#timers.now())).sort(byImportance)
    for (const entry of lost) entry.clear()
    return order.map(({ name }) => name)
  }

  /** Every model that was ever asked for, the least recently used first. */
  status(): ResidentStatus[] {
    return [...this.#entries.values()]
      .map((entry) => entry.statusAt(this.#timers.now()))
      .sort((a, b) => a.usedAt - b.usedAt)
  }

  /** The model as it is now, also when nobody has asked for it yet. */
  statusOf(name: string): Omit<ResidentStatus, 'backend' | 'memory'> {
    const entries = this.#named(name)
    const entry = entries.find(({ state }) => state !== 'absent') ?? entries[0]
    if (entry) return entry.statusAt(this.#timers.now())
    const { pinned, keepAlive } = this.#options
    const unused = { state: 'absent', bytes: 0, users: [], idleMs: null, expiresInMs: null, usedAt: 0 } as const
    return { name, ...unused, pinned: pinned.includes(name), keepAlive }
  }

  use(memory: Memory): ResidencyUse {
    const held = this.#holders(memory)
    const used = held.reduce((sum, { bytes }) => sum + bytes, 0)
    return { used, total: this.#options.budget(memory), models: held.length }
  }

  /** A model is loaded into that memory, or unloaded, so that the books do not say what it takes now. */
  isChanging(memory: Memory): boolean {
    return this.#holders(memory).some(({ state }) => state !== 'loaded')
  }

  /** Loads that wait for their turn. */
  get waiting(): number {
    return this.#queues.host.waiting + this.#queues.device.waiting
  }

  /** Refuses what waits, forgets the timers. The models stay their hosts'. */
  [Symbol.dispose](): void {
    this.#closed = true
    for (const queue of Object.values(this.#queues)) queue[Symbol.dispose]()
    for (const { forgetExpiry } of this.#entries.values()) forgetExpiry()
  }

  #entryOf(model: LoadableModel): Resident {
    const { pinned, keepAlive } = this.#options
    const key = keyOf(model)
    const known = this.#entries.get(key)
    if (known && known.state !== 'loading' && !known.isLoaded) known.model = model
    const entry = known ?? new Resident(model, { pinned: pinned.includes(model.name), keepAlive })
    this.#entries.set(key, entry)
    return entry
  }

  #named(name: string, backend?: string): Resident[] {
    return [...this.#entries.values()].filter(
      ({ model }) => model.name === name && (backend ?? model.backend) === model.backend,
    )
  }

  #addLease(entry: Resident, user: string): ModelLease {
    const lease = new ModelLease(entry.model.name, user, (own) => {
      if (!entry.leases.delete(own)) return
      entry.usedAt = this.#timers.now()
      this.#afterUse(entry)
    })
    entry.leases.add(lease)
    entry.forgetExpiry()
    return lease
  }

  async #ensureLoaded(entry: Resident, priority: Priority, signal: AbortSignal): Promise<void> {
    if (entry.isLoaded) return
    if (signal.aborted) throw new EngineError('cancelled', 'The caller gave up')
    entry.load ??= this.#queueLoad(entry, priority)
    entry.load.raise(priority)
    await unlessAborted(entry.load.done, signal)
  }

  #queueLoad(entry: Resident, priority: Priority): QueuedLoad {
    const load = this.#queues[entry.model.memory].load(entry.model.name, priority, () => this.#load(entry))
    const forget = () => {
      if (entry.load === load) entry.load = undefined
    }
    load.done.then(forget, forget)
    return load
  }

  async #load(entry: Resident): Promise<void> {
    if (entry.isLoaded) return
    const { model } = entry
    entry.clear()
    entry.state = 'loading'
    try {
      await this.#makeRoom(entry, model.expectedBytes)
      entry.bytes = model.expectedBytes
      const startedAt = this.#timers.now()
      entry.bytes = await this.#loadOrEvict(entry)
      entry.loadedAt = this.#timers.now()
      this.#tell({ what: 'loaded', model, bytes: entry.bytes, ms: entry.loadedAt - startedAt })
      await this.#keepWithinBudget(entry)
      if (!model.isLoaded()) throw lost(model.name)
    } catch (error) {
      entry.clear()
      throw error
    }
    entry.state = 'loaded'
    this.#afterUse(entry)
  }

  /** Where the device itself says that it is full, others know better than our books: one more model leaves, and it is tried once more. */
  async #loadOrEvict(entry: Resident): Promise<number> {
    const { model } = entry
    try {
      return await model.load()
    } catch (error) {
      const others = this.#holders(model.memory).filter(({ key }) => key !== keyOf(model))
      const victim = isMemoryFull(error) ? leastNeeded(others) : undefined
      if (victim === undefined) throw error
      await this.#unload(this.#entries.get(victim.key) as Resident, 'evicted')
      return model.load()
    }
  }

  async #keepWithinBudget(entry: Resident): Promise<void> {
    try {
      await this.#makeRoom(entry, entry.bytes)
    } catch (error) {
      await this.#unload(entry, 'too-large')
      throw error
    }
  }

  async #makeRoom(entry: Resident, bytes: number): Promise<void> {
    const { model } = entry
    const { memory, place } = model
    const budgetBytes = this.#options.budget(memory) ?? Number.POSITIVE_INFINITY
    try {
      const holders = this.#holders(memory).filter(({ key }) => key !== keyOf(model))
      const victims = chooseVictims({ name: model.name, bytes, memory, budgetBytes, place }, holders)
      const leaving = victims.map(({ key }) => this.#entries.get(key) as Resident)
      // At once, so that nobody gets a lease on one that waits for its turn to leave.
      for (const victim of leaving) victim.state = 'unloading'
      for (const victim of leaving) await this.#unload(victim, 'evicted')
    } catch (error) {
      if (error instanceof EngineError) this.#tell({ what: 'refused', model, reason: error.message })
      throw error
    }
  }

  async #unload(entry: Resident, why: UnloadReason): Promise<number> {
    const { model } = entry
    entry.state = 'unloading'
    try {
      const bytes = await model.unload()
      this.#tell({ what: 'unloaded', model, bytes, why })
      return bytes
    } finally {
      entry.keepAlive = undefined
      entry.clear()
    }
  }

  /** Nobody may want it any more: neither a load that waits, nor, after its time, the model. */
  #afterUse(entry: Resident): void {
    entry.forgetExpiry()
    if (this.#closed || entry.leases.size > 0) return
    if (entry.load?.leave(new EngineError('cancelled', 'Nobody waits for the model any more'))) entry.load = undefined
    const inMs = entry.expiresInMs(this.#timers.now())
    if (inMs === null) return
    if (inMs > 0) entry.forgetExpiry = this.#timers.after(Math.min(inMs, maxTimerMs), () => this.#afterUse(entry))
    else this.#expire(entry)
  }

  #expire(entry: Resident): void {
    if (entry.expiring) return
    entry.expiring = true
    const work = async () => {
      entry.expiring = false
      if (entry.expiresInMs(this.#timers.now()) === 0) await this.#unload(entry, 'idle')
    }
    this.#queues[entry.model.memory].unload(work).catch((error: unknown) => {
      // The engine stops: its hosts take the models with them.
      if (!(error instanceof EngineError)) throw error
    })
  }

  #holders(memory: Memory): (ResidentStatus & { readonly key: string })[] {
    const held = [...this.#entries.values()].filter(({ model, state }) => model.memory === memory && state !== 'absent')
    return held.map((entry) => ({ ...entry.statusAt(this.#timers.now()), key: keyOf(entry.model) }))
  }

  #tell(event: ResidencyEvent): void {
    this.#options.onEvent?.(event)
  }
}

function keyOf({ name, backend }: Pick<LoadableModel, 'name' | 'backend'>): string {
  return `${backend} ${name}`
}

function lost(name: string): EngineError {
  return new EngineError('unavailable', `Expected ${name} to stay loaded, but its host died; try again`)
}

import { EngineError } from '../errors.ts'
import { countNames, type Holder, type Memory } from './eviction.ts'
import type { QueuedLoad } from './load-queue.ts'

/** A model as the backend gives it that loads it. */
export interface LoadableModel {
  readonly name: string
  readonly backend: string
  readonly memory: Memory
  /** Learned, or estimated by the backend's rule. */
  readonly expectedBytes: number
  /** A place of which there is one, as messages call it: who has it leaves for the next, whatever else is free. */
  readonly place?: string
  /** Whether it can be asked now. Cheap: it is called for every frame. */
  isLoaded(): boolean
  /** Resolves with the bytes that it takes, measured. */
  load(): Promise<number>
  /** Resolves with the bytes that came free, measured, once they are; also when the host has died. */
  unload(): Promise<number>
}

/** The right to find a model loaded. Disposing it twice is allowed. */
export interface Lease extends Disposable {
  readonly model: string
}

/** A model that takes memory, or did. */
export interface ResidentStatus extends Holder {
  readonly backend: string
  readonly memory: Memory
  readonly state: 'absent' | 'loading' | 'loaded' | 'unloading'
  /** Since its last use; null: never used. Milliseconds, 0 while it is in use. */
  readonly idleMs: number | null
  /** Seconds; −1 for ever. */
  readonly keepAlive: number
  /** Until it is unloaded, if nobody uses it; null: never. Milliseconds. */
  readonly expiresInMs: number | null
}

/** One user's lease. `onDispose` is told each time. */
export class ModelLease implements Lease {
  readonly model: string
  readonly user: string
  readonly #onDispose: (lease: ModelLease) => void

  constructor(model: string, user: string, onDispose: (lease: ModelLease) => void) {
    this.model = model
    this.user = user
    this.#onDispose = onDispose
  }

  [Symbol.dispose](): void {
    this.#onDispose(this)
  }
}

/** What the residency knows of one model. Only the residency changes it. */
export class Resident {
  model: LoadableModel
  state: ResidentStatus['state'] = 'absent'
  /** What it takes: expected while it is loaded, measured then. */
  bytes = 0
  readonly leases = new Set<ModelLease>()
  /** The load that waits or runs. */
  load: QueuedLoad | undefined
  loadedAt = 0
  usedAt: number | undefined
  /** Seconds that somebody asked for, until the model is unloaded. */
  keepAlive: number | undefined
  forgetExpiry: () => void = () => undefined
  /** Its time has passed, and it waits for its turn to leave. */
  expiring = false
  readonly #pinned: boolean
  readonly #defaultKeepAlive: number

  constructor(model: LoadableModel, defaults: { readonly pinned: boolean; readonly keepAlive: number }) {
    this.model = model
    this.#pinned = defaults.pinned
    this.#defaultKeepAlive = defaults.keepAlive
  }

  get isLoaded(): boolean {
    return this.state === 'loaded' && this.model.isLoaded()
  }

  get users(): string[] {
    return [...this.leases].map(({ user }) => user)
  }

  /** It takes no memory any more. */
  clear(): void {
    this.state = 'absent'
    this.bytes = 0
    this.forgetExpiry()
  }

  /** Throws `conflict`, naming who uses it. */
  expectUnused(): void {
    if (this.leases.size === 0) return
    const use = `but it is in use by ${countNames(this.users)}. End these first, or wait for them`
    throw new EngineError('conflict', `Expected nobody to use ${this.model.name}, ${use}`)
  }

  /** Milliseconds; null: not by itself. */
  expiresInMs(now: number): number | null {
    const { state, leases, usedAt, keepAlive = this.#defaultKeepAlive } = this
    const stays = keepAlive < 0 || usedAt === undefined || this.#pinned
    if (stays || state !== 'loaded' || leases.size > 0) return null
    return Math.max(0, usedAt + keepAlive * 1000 - now)
  }

  statusAt(now: number): ResidentStatus {
    const { model, state, bytes, users, usedAt, loadedAt, keepAlive = this.#defaultKeepAlive } = this
    const { name, backend, memory, place } = model
    const inUse = users.length > 0
    const idleMs = inUse ? 0 : usedAt === undefined ? null : now - usedAt
    const expiresInMs = this.expiresInMs(now)
    return {
      ...{ name, backend, memory, place, state, bytes, pinned: this.#pinned, users, idleMs, keepAlive, expiresInMs },
      usedAt: inUse ? now : Math.max(loadedAt, usedAt ?? 0),
    }
  }
}

/** Order in which models come back: in use, pinned, last used. */
export function byImportance(a: ResidentStatus, b: ResidentStatus): number {
  const rank = ({ users, pinned }: ResidentStatus) => (users.length > 0 ? 2 : pinned ? 1 : 0)
  return rank(b) - rank(a) || b.usedAt - a.usedAt
}

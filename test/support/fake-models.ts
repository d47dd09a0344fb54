import type { EngineError } from '../../engine/errors.ts'
import type { Memory } from '../../engine/inference/eviction.ts'
import type { Timers } from '../../engine/inference/load-queue.ts'
import { Residency } from '../../engine/inference/residency.ts'
import type { ResidencyEvent, ResidencyOptions } from '../../engine/inference/residency-options.ts'
import type { LoadableModel } from '../../engine/inference/resident.ts'

const never = new AbortController().signal
/** A request of a client. */
export const request = { priority: 'interactive', user: 'POST /api/detect' } as const

/** Time that a test moves on. */
export class FakeTimers implements Timers {
  #now = 0
  readonly #due = new Map<symbol, { readonly at: number; readonly run: () => void }>()

  now(): number {
    return this.#now
  }

  after(ms: number, run: () => void): () => void {
    const key = Symbol('timer')
    this.#due.set(key, { at: this.#now + ms, run })
    return () => this.#due.delete(key)
  }

  /** Timers that were not forgotten. */
  get pending(): number {
    return this.#due.size
  }

  /** Runs what falls due, in its order, and lets what it starts go on. */
  async advance(ms: number): Promise<void> {
    const end = this.#now + ms
    for (;;) {
      const [first] = [...this.#due].filter(([, { at }]) => at <= end).sort(([, a], [, b]) => a.at - b.at)
      if (!first) break
      this.#due.delete(first[0])
      this.#now = first[1].at
      first[1].run()
      await settle()
    }
    this.#now = end
    await settle()
  }
}

/** Lets all promises go on that can. */
export async function settle(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve))
}

/** Models in a host that a test may kill. What loads and unloads notes it, and waits while it is held. */
export class FakeHost {
  readonly loaded = new Set<string>()
  readonly log: string[] = []
  /** Loads and unloads under way. */
  busy = 0
  held: Promise<void> | undefined
  readonly failures = new Map<string, EngineError>()
  /** Bytes that were really taken, by model; otherwise what was expected. */
  readonly real = new Map<string, number>()

  model(name: string, bytes: number, memory: Memory = 'host'): LoadableModel {
    return {
      ...{ name, backend: 'fake', memory, expectedBytes: bytes },
      isLoaded: () => this.loaded.has(name),
      load: () => this.#alone(() => this.#load(name, bytes)),
      unload: () => this.#alone(() => this.#unload(name, bytes)),
    }
  }

  /** All that it had is gone, and what it was asked fails. */
  kill(): void {
    this.loaded.clear()
    this.log.push('killed')
  }

  async #alone<T>(work: () => T): Promise<T> {
    if (this.busy > 0) throw new Error('Expected one load or unload at a time')
    this.busy++
    try {
      await this.held
      return work()
    } finally {
      this.busy--
    }
  }

  #load(name: string, bytes: number): number {
    const failure = this.failures.get(name)
    if (failure) throw failure
    this.loaded.add(name)
    this.log.push(`+${name}`)
    return this.real.get(name) ?? bytes
  }

  #unload(name: string, bytes: number): number {
    if (!this.loaded.delete(name)) return 0
    this.log.push(`-${name}`)
    return this.real.get(name) ?? bytes
  }
}

/** A residency of models of a host that a test may kill, on time that it moves on; every event as a line. */
export class ResidencyTrial {
  readonly timers = new FakeTimers()
  readonly host = new FakeHost()
  readonly events: string[] = []

  /** 100 bytes for all, unless told otherwise. */
  open(options: Partial<ResidencyOptions> = {}): Residency {
    const onEvent = (event: ResidencyEvent) =>
      void this.events.push(`${event.what} ${event.model.name}${event.what === 'unloaded' ? ` ${event.why}` : ''}`)
    const { timers } = this
    return new Residency({ budget: () => 100, pinned: [], keepAlive: -1, timers, onEvent, ...options })
  }

  /** Uses a model for a moment. */
  async touch(residency: Residency, name: string, bytes: number): Promise<void> {
    using _ = await residency.acquire(this.host.model(name, bytes), request, never)
    await this.timers.advance(1)
  }
}

/** Names of the models that are loaded, the least recently used first. */
export function loadedModels(residency: Residency): string[] {
  return residency.status().flatMap(({ name, state }) => (state === 'loaded' ? [name] : []))
}

/** A promise and its end. */
export function gate(): { readonly held: Promise<void>; readonly open: () => void } {
  let open: () => void = () => undefined
  const held = new Promise<void>((resolve) => {
    open = resolve
  })
  return { held, open }
}

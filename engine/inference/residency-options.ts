import type { Memory } from './eviction.ts'
import type { Timers } from './load-queue.ts'
import type { LoadableModel } from './resident.ts'
import type { Priority } from './vision.ts'

/** Who asks, and how urgently. */
export interface Use {
  readonly priority: Priority
  /** As messages name it: a stream, or a route. */
  readonly user: string
}

/** What happened to a model; for log and metrics. */
export type ResidencyEvent =
  | { readonly what: 'loaded'; readonly model: LoadableModel; readonly bytes: number; readonly ms: number }
  | { readonly what: 'unloaded'; readonly model: LoadableModel; readonly bytes: number; readonly why: UnloadReason }
  | { readonly what: 'refused'; readonly model: LoadableModel; readonly reason: string }
/** `evicted`: for another one; `idle`: its keep-alive has passed; `asked`: by somebody; `too-large`: it took more than was expected. */
export type UnloadReason = 'evicted' | 'idle' | 'asked' | 'too-large'

/** How full a memory is. */
export interface ResidencyUse {
  /** Bytes that its models take. */
  readonly used: number
  /** Bytes; null: there is no bound. */
  readonly total: number | null
  /** Models that take some. */
  readonly models: number
}

/** What a residency is made with. */
export interface ResidencyOptions {
  /** Bytes for all models of a memory together; null: there is no bound, or no such memory. */
  readonly budget: (memory: Memory) => number | null
  readonly pinned: readonly string[]
  /** Seconds that an unused model stays loaded; −1 for ever. */
  readonly keepAlive: number
  readonly timers?: Timers
  readonly onEvent?: (event: ResidencyEvent) => void
}

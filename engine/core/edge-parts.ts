import type { EdgePolicy } from './waiting-line.ts'

/** At every moment in = out + dropped + failed + waiting; work under way counts as waiting. */
export interface EdgeCounts {
  in: number
  out: number
  dropped: number
  failed: number
  waiting: number
}

/** What stands before a node: its policy and its counters, which go on when the node is closed and opened again. */
export class Edge {
  readonly name: string
  readonly policy: EdgePolicy
  readonly counts: EdgeCounts = { in: 0, out: 0, dropped: 0, failed: 0, waiting: 0 }
  /** What the last failed packet failed with. */
  lastError: unknown

  constructor(name: string, policy: EdgePolicy = 'latest') {
    this.name = name
    this.policy = policy
  }
}

/** How `runEach` and `consume` work. */
export interface RunOptions {
  /** Packets worked on at once, default 1; results leave in the order in which their packets came. */
  readonly concurrency?: number
  /**
   * Asked before each packet is begun: undefined, or what must come first. Until then packets wait by the edge's policy, so that the
   * first one begun is no older than it allows; when it rejects, that one has failed.
   */
  readonly prepare?: () => Promise<unknown> | undefined
  /** Called with what each failed packet failed with. */
  readonly onError?: (error: unknown) => void
}

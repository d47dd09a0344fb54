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

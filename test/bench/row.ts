/** One line of the benchmark's table: two things measured in turn in one run, in the same unit. */
export interface BenchRow {
  readonly name: string
  readonly ours: number
  readonly peer: number
  readonly peerName: string
  readonly unit: string
  /** Peer's time by ours: larger is better. */
  readonly ratio: number
  /** The ratio to reach; null where none is set. */
  readonly goal: number | null
  readonly met: boolean | null
}

/** One line of the benchmark table: ours and a peer, measured in the same run. */
export interface BenchRow {
  readonly name: string
  readonly ours: number
  readonly peer: number
  readonly peerName: string
  readonly unit: string
  /** How many times better ours is: larger is better, whatever the unit. */
  readonly ratio: number
  readonly goal: number | null
  /** Whether the goal was reached; null where there is none. */
  readonly met: boolean | null
}

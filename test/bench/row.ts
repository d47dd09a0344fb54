import { median } from './figures.ts'

/** The least and the greatest of one figure's runs. */
export interface Spread {
  readonly min: number
  readonly max: number
}

/** One line of the benchmark's table: two things measured in turn in one run, in the same unit. Medians of several runs. */
export interface BenchRow {
  readonly name: string
  readonly ours: number
  readonly oursSpread: Spread
  /** Null where nothing is set beside ours. */
  readonly peer: number | null
  readonly peerSpread: Spread | null
  readonly peerName: string
  readonly unit: string
  /** Peer's time by ours, our rate by the peer's: larger is better. */
  readonly ratio: number | null
  /** The ratio to reach; null where none is set. */
  readonly goal: number | null
  readonly met: boolean | null
}

/** What a row is made of. */
export interface Comparison {
  readonly name: string
  readonly unit: string
  /** One figure per run. */
  readonly ours: readonly number[]
  /** The same; left out where nothing is set beside ours. */
  readonly peer?: readonly number[]
  readonly peerName?: string
  readonly better: 'less' | 'more'
  /** The ratio to reach. */
  readonly goal?: number
  /** What our median has to fulfil where the goal is no ratio. */
  readonly met?: (ours: number) => boolean
}

/** The row of a comparison: medians, spreads, and whether the goal was met. */
export function toRow({ name, unit, ours, peer = [], peerName = '', better, goal, met }: Comparison): BenchRow {
  const mine = median(ours)
  const other = peer.length === 0 ? null : median(peer)
  const ratio = other === null ? null : better === 'less' ? other / mine : mine / other
  const reached = goal === undefined || ratio === null ? null : ratio >= goal
  return {
    name,
    ours: mine,
    oursSpread: spreadOf(ours),
    peer: other,
    peerSpread: other === null ? null : spreadOf(peer),
    peerName,
    unit,
    ratio,
    goal: goal ?? null,
    met: met === undefined ? reached : met(mine),
  }
}

function spreadOf(values: readonly number[]): Spread {
  return { min: Math.min(...values), max: Math.max(...values) }
}

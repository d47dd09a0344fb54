import { maxRank } from './vision.ts'

/** How long the machine must be too busy before something is lowered, and how far apart steps are. */
const sustainedMs = 20_000
/** Shares of the whole machine's CPU, 0 to 1. Between the two nothing changes. */
const [busyCpu, calmCpu] = [0.8, 0.7]
/** A step back that was followed by a new rise within this time came too early: the next one waits twice as long, up to a bound. */
const relapseMs = 60_000
const maxCalmMs = 320_000
/** After a longer gap between samples, as when the machine slept, what was seen before says nothing. */
const maxGapMs = 5_000
/** What batch has of each device's time on one place while it is lowered. */
const loweredBatchShare = 0.25
/** What a live stream has of its usual rate, step by step. */
const liveShares: readonly number[] = [0.5, 0.25]

/** What was seen of the machine in one second. */
export interface LoadSample {
  /** In ms of `performance.now()`. */
  readonly at: number
  /** Share of the whole machine's CPU since the last sample, 0 to 1; null when it is not known. */
  readonly cpu: number | null
  /** Of the processor; `hot` acts, `cool` is the way back. */
  readonly heat: 'cool' | 'warm' | 'hot'
  /** Ranks of the live sessions that are open, in any order. */
  readonly ranks: readonly number[]
}

/** `normal`: all runs freely. `batch`: batch is slowed. `live`: live streams are slowed as well. */
export type LoadLevelName = 'normal' | 'batch' | 'live'

/** What may run how fast. */
export interface LoadLimits {
  /** 0 is `normal`, 1 `batch`; from 2 on two for each rank of live streams that is slowed, the lowest first. */
  readonly level: number
  readonly name: LoadLevelName
  /** Above 0, up to 1. */
  readonly batchShare: number
  /** Of the usual rate of a live stream, by its rank: 1, a half or a quarter. */
  shareOf(rank: number): number
}

/** One step, for the log. */
export interface LoadChange {
  readonly from: number
  readonly limits: LoadLimits
  readonly why: 'heat' | 'cpu' | 'calm' | 'fewer streams'
  /** Mean share of the CPU over the last 20 s, 0 to 1. */
  readonly cpu: number | null
}

/** All runs freely. */
export const noLimits: LoadLimits = limitsOf(0, [])

/**
 * Decides what is slowed while the machine is too busy or too hot: first batch, then live streams, lowest rank first, each to a half and
 * then to a quarter of its rate. Requests are never slowed, nor rank 31. More than 80 % of the CPU over 20 s, or heat, is one step; heat acts at once,
 * and every further step takes 20 s. Less than 70 % over 20 s and no warmth is one step back. Pure: it knows only its samples.
 */
export class LoadGovernor {
  #limits = noLimits
  #samples: LoadSample[] = []
  #raisedAt = Number.NEGATIVE_INFINITY
  #fellAt = Number.NEGATIVE_INFINITY
  #calmMs = sustainedMs

  get limits(): LoadLimits {
    return this.#limits
  }

  /** To be called about once a second. Gives the step that follows, if any. */
  take(sample: LoadSample): LoadChange | undefined {
    const gap = sample.at - (this.#samples.at(-1)?.at ?? sample.at)
    const known = gap > maxGapMs ? [] : this.#samples.filter(({ at }) => sample.at - at <= maxCalmMs + maxGapMs)
    this.#samples = [...known, sample]
    const ranks = lowerable(sample.ranks)
    const from = this.#limits.level
    const [to, why] = this.#decide(sample, 1 + ranks.length * liveShares.length)
    this.#limits = limitsOf(to, ranks)
    if (to === from) return undefined
    const cpu = meanCpu(this.#within(sustainedMs))
    this.#restart(sample.at, to > from ? 'rise' : why)
    return { from, limits: this.#limits, why, cpu }
  }

  #decide({ at, heat }: LoadSample, most: number): [level: number, why: LoadChange['why']] {
    const { level } = this.#limits
    if (level > most) return [most, 'fewer streams']
    if (heat === 'hot' && at - this.#raisedAt >= sustainedMs) return [Math.min(most, level + 1), 'heat']
    if (this.#isBusy()) return [Math.min(most, level + 1), 'cpu']
    return [this.#isCalm() ? Math.max(0, level - 1) : level, 'calm']
  }

  #isBusy(): boolean {
    return this.#covers(sustainedMs) && (meanCpu(this.#within(sustainedMs)) ?? 0) > busyCpu
  }

  #isCalm(): boolean {
    const recent = this.#within(this.#calmMs)
    return this.#covers(this.#calmMs) && recent.every(({ heat }) => heat === 'cool') && (meanCpu(recent) ?? 0) < calmCpu
  }

  /** What was seen under other limits tells nothing about these. */
  #restart(at: number, after: 'rise' | LoadChange['why']): void {
    this.#samples = this.#samples.slice(-1)
    if (after === 'calm') this.#fellAt = at
    if (after === 'rise') {
      this.#calmMs = at - this.#fellAt < relapseMs ? Math.min(maxCalmMs, this.#calmMs * 2) : sustainedMs
      this.#raisedAt = at
    }
  }

  #covers(ms: number): boolean {
    const [first, last] = [this.#samples[0], this.#samples.at(-1)]
    return first !== undefined && last !== undefined && last.at - first.at >= ms
  }

  #within(ms: number): LoadSample[] {
    const now = this.#samples.at(-1)?.at ?? 0
    return this.#samples.filter(({ at }) => now - at <= ms)
  }
}

function limitsOf(level: number, ranks: readonly number[]): LoadLimits {
  return {
    level,
    name: level === 0 ? 'normal' : level === 1 ? 'batch' : 'live',
    batchShare: level === 0 ? 1 : loweredBatchShare,
    shareOf: (rank) => {
      const before = ranks.filter((other) => other < rank).length
      const steps = Math.min(liveShares.length, level - 1 - before * liveShares.length)
      // None for rank 31: no step is its own, and those of all others come before.
      return liveShares[steps - 1] ?? 1
    },
  }
}

/** Each rank that can be slowed, once. */
function lowerable(ranks: readonly number[]): number[] {
  return [...new Set(ranks)].filter((rank) => rank < maxRank)
}

function meanCpu(samples: readonly LoadSample[]): number | null {
  const known = samples.flatMap(({ cpu }) => cpu ?? [])
  return known.length === 0 ? null : known.reduce((sum, cpu) => sum + cpu, 0) / known.length
}

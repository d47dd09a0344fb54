import { EngineError } from '../errors.ts'

/** Where a model's weights and buffers lie. */
export type Memory = 'host' | 'device'

/** A model that takes memory, as far as making room is concerned. */
export interface Holder {
  readonly name: string
  readonly bytes: number
  readonly pinned: boolean
  /** Who uses it, by name; it is not evicted while there is somebody. */
  readonly users: readonly string[]
  /** Milliseconds of the clock that all holders share; the smallest was not used for the longest time. */
  readonly usedAt: number
  /** The place that it takes, of which there is one. */
  readonly place?: string | undefined
}

/** What is to be loaded, and into what. */
export interface Demand {
  readonly name: string
  readonly bytes: number
  readonly memory: Memory
  /** Infinite where there is no bound. */
  readonly budgetBytes: number
  /** The place that it needs, whoever has it now. */
  readonly place?: string | undefined
}

class Shortage extends Error {}
class MemoryFull extends Error {}

/** What a load rejects with when its device said that there was no room, whatever the books say: another model may make some. */
export function memoryFull(message: string): EngineError {
  return new EngineError('busy', `${message}; try again later`, { cause: new MemoryFull(message) })
}

/** Whether it is such an error. */
export function isMemoryFull(error: unknown): boolean {
  return error instanceof EngineError && error.cause instanceof MemoryFull
}

/** The model that leaves first when nobody knows how much room lacks; undefined when none may. */
export function leastNeeded<T extends Holder>(holders: readonly T[]): T | undefined {
  return holders.filter(isEvictable).sort((a, b) => a.usedAt - b.usedAt)[0]
}

/**
 * The models to evict so that the demand fits its budget, least recently used first; empty when it fits already. Only unpinned
 * ones that nobody uses, and only as many as needed: one that turns out to be too small to matter is spared, the most recently used
 * before the others. Who has the place that is needed goes in any case. Throws `busy` when even all of them would not be enough (then
 * nothing is to be evicted), and `unavailable` when the demand is larger than the whole budget. See `isShortage`.
 */
export function chooseVictims<T extends Holder>(demand: Demand, holders: readonly T[]): T[] {
  const inPlace = holders.filter(({ place }) => place !== undefined && place === demand.place)
  const staying = inPlace.find((holder) => !isEvictable(holder))
  if (staying) throw placeTaken(demand, staying)
  return [
    ...inPlace,
    ...chooseByAge(
      demand,
      holders.filter((holder) => !inPlace.includes(holder)),
    ),
  ]
}

function chooseByAge<T extends Holder>(demand: Demand, holders: readonly T[]): T[] {
  const lacking = sum(holders) + demand.bytes - demand.budgetBytes
  if (lacking <= 0) return []
  const byAge = holders.filter(isEvictable).sort((a, b) => a.usedAt - b.usedAt)
  const victims: T[] = []
  for (const one of byAge) if (sum(victims) < lacking) victims.push(one)
  if (sum(victims) < lacking || demand.bytes > demand.budgetBytes) throw shortage(demand, holders)
  return victims.toReversed().reduce((kept, one) => {
    const without = kept.filter((other) => other !== one)
    return sum(without) >= lacking ? without : kept
  }, victims)
}

/** Whether it was memory that lacked: `now` while others hold it, `ever` when the model is larger than the budget. */
export function isShortage(error: unknown, when: 'now' | 'ever'): boolean {
  return (
    error instanceof EngineError &&
    error.cause instanceof Shortage &&
    error.code === (when === 'now' ? 'busy' : 'unavailable')
  )
}

/** As people read it, `61 MB`. */
export function toMegabytes(bytes: number): string {
  return `${Math.round(bytes / 1e6)} MB`
}

function isEvictable({ pinned, users }: Holder): boolean {
  return !pinned && users.length === 0
}

function sum(holders: readonly Holder[]): number {
  return holders.reduce((total, { bytes }) => total + bytes, 0)
}

function shortage({ name, bytes, memory, budgetBytes }: Demand, holders: readonly Holder[]): EngineError {
  const key = `models.budget.${memory}`
  const expected = `Expected ${name}, which takes ${toMegabytes(bytes)}, to fit into the ${toMegabytes(budgetBytes)} of ${key}`
  const cause = new Shortage()
  if (bytes > budgetBytes) return new EngineError('unavailable', `${expected}. Raise ${key}`, { cause })
  const held = holders.toSorted((a, b) => b.bytes - a.bytes).map(describe)
  const advice = `Try again when one of them is free, unload one, or raise ${key}`
  return new EngineError('busy', `${expected}, but it is held by ${held.join(', ')}. ${advice}`, { cause })
}

function placeTaken({ name, place }: Demand, staying: Holder): EngineError {
  const message = `Expected ${place} to be free for ${name}, but it is held by ${describe(staying)}. Try again when it is free, or unload it`
  return new EngineError('busy', message, { cause: new Shortage() })
}

function describe({ name, bytes, pinned, users }: Holder): string {
  const reasons = [...(pinned ? ['pinned'] : []), ...(users.length > 0 ? [`in use by ${countNames(users)}`] : [])]
  return `${name} ${toMegabytes(bytes)}${reasons.length > 0 ? ` (${reasons.join(', ')})` : ''}`
}

/** `demo/objects, 2 × POST /api/detect`. */
export function countNames(names: readonly string[]): string {
  const counts = new Map<string, number>()
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1)
  return [...counts].map(([name, count]) => (count === 1 ? name : `${count} × ${name}`)).join(', ')
}

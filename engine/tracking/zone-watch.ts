import type { Point } from '../geometry/box.ts'
import { contains, distanceToBorder } from '../geometry/polygon.ts'

/** A zone in pixels. */
export interface Zone {
  readonly name: string
  readonly polygon: readonly Point[]
  /** Left out: all. */
  readonly classes?: readonly string[] | undefined
  /** Seconds in the zone until it is called loitering; left out: never. */
  readonly loiterAfter?: number | undefined
}

/** A tracked object of one frame. */
export interface Visitor {
  readonly id: number
  readonly label: string
  /** Where it is, in pixels. */
  readonly at: Point
}

/** What happened in a zone. `dwell` in seconds; `lost`: it was last seen inside. */
export type ZoneEvent =
  | { readonly name: 'enter'; readonly zone: string; readonly id: number; readonly label: string }
  | {
      readonly name: 'loiter'
      readonly zone: string
      readonly id: number
      readonly label: string
      readonly dwell: number
    }
  | {
      readonly name: 'leave'
      readonly zone: string
      readonly id: number
      readonly label: string
      readonly dwell: number
      readonly lost?: true
    }
  | {
      readonly name: 'count'
      readonly zone: string
      readonly count: number
      readonly classes: Readonly<Record<string, number>>
    }

interface Visit {
  readonly label: string
  /** Seconds. */
  readonly began: number
  lastSeen: number
  loiters: boolean
}

/** A zone holds at most so many at once; further ones do not enter. */
const maxVisits = 1000

/**
 * Who is in one zone. One enters by crossing the border and leaves once more than `margin` pixels outside of it, so that jitter at
 * the border changes nothing; whom nobody has seen for `lostSeconds` has left, when last seen.
 */
export class ZoneWatch {
  readonly #zone: Zone
  readonly #margin: number
  readonly #lostSeconds: number
  readonly #visits = new Map<number, Visit>()

  constructor(zone: Zone, { margin, lostSeconds }: { readonly margin: number; readonly lostSeconds: number }) {
    this.#zone = zone
    this.#margin = margin
    this.#lostSeconds = lostSeconds
  }

  /** What one frame changes: enter, loiter and leave by visitor, then the lost ones, then the count where it changed. */
  update(visitors: readonly Visitor[], now: number): ZoneEvent[] {
    const concerned = visitors.filter(({ label }) => this.#zone.classes?.includes(label) ?? true)
    const events = [...concerned.flatMap((visitor) => this.#look(visitor, now)), ...this.#sweep(now)]
    const changed = events.some(({ name }) => name === 'enter' || name === 'leave')
    return changed ? [...events, this.#count()] : events
  }

  #look(visitor: Visitor, now: number): ZoneEvent[] {
    const { id, label, at } = visitor
    const { name: zone, polygon, loiterAfter = Number.POSITIVE_INFINITY } = this.#zone
    const visit = this.#visits.get(id)
    const inside = contains(polygon, at)
    if (visit === undefined) return inside ? this.#enter(visitor, now) : []
    if (!inside && distanceToBorder(polygon, at) > this.#margin) {
      this.#visits.delete(id)
      return [{ name: 'leave', zone, id, label, dwell: toDwell(now - visit.began) }]
    }
    visit.lastSeen = now
    if (visit.loiters || now - visit.began < loiterAfter) return []
    visit.loiters = true
    return [{ name: 'loiter', zone, id, label, dwell: toDwell(now - visit.began) }]
  }

  #enter({ id, label }: Visitor, now: number): ZoneEvent[] {
    if (this.#visits.size >= maxVisits) return []
    this.#visits.set(id, { label, began: now, lastSeen: now, loiters: false })
    return [{ name: 'enter', zone: this.#zone.name, id, label }]
  }

  #sweep(now: number): ZoneEvent[] {
    const lost = [...this.#visits].filter(([, { lastSeen }]) => now - lastSeen > this.#lostSeconds)
    return lost.map(([id, { label, began, lastSeen }]) => {
      this.#visits.delete(id)
      return { name: 'leave', zone: this.#zone.name, id, label, dwell: toDwell(lastSeen - began), lost: true }
    })
  }

  #count(): ZoneEvent {
    const classes: Record<string, number> = {}
    for (const { label } of this.#visits.values()) classes[label] = (classes[label] ?? 0) + 1
    return { name: 'count', zone: this.#zone.name, count: this.#visits.size, classes }
  }
}

/** Seconds to the millisecond. */
function toDwell(seconds: number): number {
  return Math.round(seconds * 1000) / 1000
}

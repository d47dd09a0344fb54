import type { Point } from '../geometry/box.ts'
import { crosses, signedDistance } from '../geometry/polygon.ts'
import type { Visitor } from './zone-watch.ts'

/** A line that can be crossed, in pixels. */
export interface Line {
  readonly name: string
  readonly from: Point
  readonly to: Point
  /** Left out: all. */
  readonly classes?: readonly string[] | undefined
}

/** One was on the one side and is on the other now; `left` and `right` have counted the crossings to that side. */
export interface CrossEvent {
  readonly name: 'cross'
  readonly line: string
  readonly id: number
  readonly label: string
  /** The side that it came to, for who looks along the line from its first point to its second. */
  readonly direction: 'left' | 'right'
  readonly left: number
  readonly right: number
}

interface Walker {
  /** Where it was when it last was clear of the line. */
  readonly at: Point
  readonly side: number
  readonly lastSeen: number
}

/** Positions that are kept at most; then the one longest unseen is forgotten. */
const maxWalkers = 1000

/**
 * Who crosses one line. A side counts once one is more than `margin` pixels away from the line, so that jitter on it is no crossing;
 * and the way from there must meet the line itself, not what would prolong it.
 */
export class LineWatch {
  readonly #line: Line
  readonly #margin: number
  readonly #lostSeconds: number
  /** The one longest unseen first. */
  readonly #walkers = new Map<number, Walker>()
  readonly #counts = { left: 0, right: 0 }

  constructor(line: Line, { margin, lostSeconds }: { readonly margin: number; readonly lostSeconds: number }) {
    this.#line = line
    this.#margin = margin
    this.#lostSeconds = lostSeconds
  }

  update(visitors: readonly Visitor[], now: number): CrossEvent[] {
    const concerned = visitors.filter(({ label }) => this.#line.classes?.includes(label) ?? true)
    const events = concerned.flatMap((visitor) => this.#look(visitor, now))
    for (const [id, { lastSeen }] of this.#walkers) {
      if (now - lastSeen <= this.#lostSeconds && this.#walkers.size <= maxWalkers) break
      this.#walkers.delete(id)
    }
    return events
  }

  #look({ id, label, at }: Visitor, now: number): CrossEvent[] {
    const { name: line, from, to } = this.#line
    const before = this.#walkers.get(id)
    const distance = signedDistance(from, to, at)
    const isClear = Math.abs(distance) > this.#margin
    const side = Math.sign(distance)
    this.#walkers.delete(id)
    if (isClear) this.#walkers.set(id, { at, side, lastSeen: now })
    else if (before !== undefined) this.#walkers.set(id, { ...before, lastSeen: now })
    if (!isClear || before === undefined || before.side === side || !crosses([from, to], [before.at, at])) return []
    const direction = side > 0 ? 'right' : 'left'
    this.#counts[direction]++
    return [{ name: 'cross', line, id, label, direction, ...this.#counts }]
  }
}

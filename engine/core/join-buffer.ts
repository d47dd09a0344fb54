import type { Packet } from './packet.ts'

/** The bounds of a join. */
export interface JoinOptions {
  /** Packets that may wait for partners, per input. */
  readonly wait: number
  /** Largest distance in time of partners that come from different sources, in ms. */
  readonly toleranceMs: number
}

/** What one more packet led to; both lists are the caller’s to dispose. */
export interface JoinStep {
  readonly joined: readonly Readonly<Record<string, Packet>>[]
  readonly dropped: readonly Packet[]
}

/**
 * Which packets belong to one moment: a pure buffer that owns nothing. Packets with the same source pair by equal `seq`,
 * others when each is the other's nearest by `capturedAt`, within the tolerance. The first input leads: its packets are
 * matched oldest first, each packet is used once, and one that can find no partner any more is dropped at once.
 * When a side is full, packets that pair by time lose their oldest. Those that pair by `seq` keep the oldest and the
 * newest: the node that makes the partners is at work on the one and, behind an edge `latest`, takes the other next.
 */
export class JoinBuffer {
  readonly #names: readonly string[]
  readonly #sides: Packet[][]
  readonly #options: JoinOptions
  /** The last seq that was joined, by input: an older packet has come too late. */
  readonly #joinedUpTo: number[]
  readonly #sources = new Set<string>()

  constructor(names: readonly string[], options: JoinOptions) {
    this.#names = names
    this.#sides = names.map(() => [])
    this.#joinedUpTo = names.map(() => -1)
    this.#options = options
  }

  /** Takes a packet in; says what is complete now, and what never will be. */
  add(name: string, packet: Packet): JoinStep {
    const input = this.#names.indexOf(name)
    if (packet.seq <= (this.#joinedUpTo[input] as number)) return { joined: [], dropped: [packet] }
    const side = this.#sides[input] as Packet[]
    side.push(packet)
    this.#sources.add(packet.source)
    const joined: Readonly<Record<string, Packet>>[] = []
    const dropped = this.#pruneHopeless()
    this.#matchLeads(joined, dropped)
    if (side.length > this.#options.wait) dropped.push(...side.splice(this.#sources.size > 1 ? 0 : -2, 1))
    return { joined, dropped }
  }

  /** Empties the buffer: what waited. */
  clear(): readonly Packet[] {
    return this.#sides.flatMap((side) => side.splice(0))
  }

  isEmpty(name: string): boolean {
    return this.#sides[this.#names.indexOf(name)]?.length === 0
  }

  #matchLeads(joined: Readonly<Record<string, Packet>>[], dropped: Packet[]): void {
    const [leads = [], ...others] = this.#sides
    for (const lead of [...leads]) {
      const partners = others.map((side) => this.#partnerOf(lead, side))
      if (partners.includes('none')) dropped.push(...leads.splice(leads.indexOf(lead), 1))
      if (!partners.every((partner) => typeof partner === 'object')) continue
      const group = [lead, ...partners]
      group.forEach((packet, i) => {
        const side = this.#sides[i] as Packet[]
        dropped.push(...side.splice(0, side.indexOf(packet) + 1).slice(0, -1))
        this.#joinedUpTo[i] = packet.seq
      })
      joined.push(Object.fromEntries(group.map((packet, i) => [this.#names[i], packet])))
    }
  }

  /** The lead's partner on a side; `none` when there will be none, `later` when it may still come. */
  #partnerOf(lead: Packet, side: readonly Packet[]): Packet | 'none' | 'later' {
    const last = side.at(-1)
    if (last === undefined) return 'later'
    if (last.source === lead.source)
      return side.find((packet) => packet.seq === lead.seq) ?? (last.seq > lead.seq ? 'none' : 'later')
    if (last.capturedAt < lead.capturedAt) return 'later'
    const nearest = nearestTo(lead, side)
    const leads = this.#sides[0] as Packet[]
    if (nearestTo(nearest, leads) !== lead) return 'none'
    return distanceMs(nearest, lead) <= this.#options.toleranceMs ? nearest : 'none'
  }

  /** Takes out what cannot match by seq any more: a side of the same source has gone past it. */
  #pruneHopeless(): Packet[] {
    const isHopeless = (packet: Packet) =>
      this.#sides.some((side) => {
        const last = side.at(-1)
        if (last === undefined || last.source !== packet.source || last.seq <= packet.seq) return false
        return !side.some((other) => other.seq === packet.seq)
      })
    const hopeless = this.#sides.flatMap((side) => side.filter(isHopeless))
    for (const side of this.#sides) side.splice(0, side.length, ...side.filter((packet) => !hopeless.includes(packet)))
    return hopeless
  }
}

function distanceMs(a: Packet, b: Packet): number {
  return Math.abs(Number(a.capturedAt - b.capturedAt)) / 1e6
}

function nearestTo(packet: Packet, others: readonly Packet[]): Packet {
  return others.reduce((best, other) => (distanceMs(other, packet) < distanceMs(best, packet) ? other : best))
}

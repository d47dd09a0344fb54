import { EngineError } from '../errors.ts'
import type { Packet } from './packet.ts'
import type { JoinedPacket } from './plugin.ts'

/** Packets of one moment as one packet with one holder, the caller. It takes over one hold of each, and lets go of all with its last holder. */
export function createJoinedPacket(lead: Packet, inputs: Readonly<Record<string, Packet>>): JoinedPacket {
  return new HeldJoin(lead, inputs)
}

class HeldJoin implements JoinedPacket {
  readonly source: string
  readonly seq: number
  readonly capturedAt: bigint
  readonly inputs: Readonly<Record<string, Packet>>
  #holders = 1

  constructor(lead: Packet, inputs: Readonly<Record<string, Packet>>) {
    this.source = lead.source
    this.seq = lead.seq
    this.capturedAt = lead.capturedAt
    this.inputs = inputs
  }

  retain(): this {
    if (this.#holders === 0)
      throw new EngineError('closed', `Joined packet ${this.source}#${this.seq} was retained after its last dispose`)
    this.#holders++
    return this
  }

  [Symbol.dispose](): void {
    if (this.#holders === 0)
      throw new EngineError('closed', `Joined packet ${this.source}#${this.seq} was disposed once too often`)
    if (--this.#holders === 0) for (const packet of Object.values(this.inputs)) packet[Symbol.dispose]()
  }
}

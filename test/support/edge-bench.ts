import { expect } from 'vitest'
import type { Edge } from '../../engine/core/edge.ts'
import type { Packet } from '../../engine/core/packet.ts'

/** Work that settles when the test says so. */
export class Bench {
  readonly #open = new Map<number, { resolve: (output: Packet | undefined) => void; reject: (error: Error) => void }>()
  readonly signals = new Map<number, AbortSignal>()
  readonly work = (packet: Packet, signal: AbortSignal): Promise<Packet | undefined> => {
    this.signals.set(packet.seq, signal)
    return new Promise((resolve, reject) => this.#open.set(packet.seq, { resolve, reject }))
  }

  get started(): number[] {
    return [...this.signals.keys()]
  }

  async settle(seq: number, output?: Packet): Promise<void> {
    this.#open.get(seq)?.resolve(output)
    await turn()
  }

  async fail(seq: number, error: Error): Promise<void> {
    this.#open.get(seq)?.reject(error)
    await turn()
  }
}

/** Promises that are settled run their course. */
export const turn = () => new Promise((resolve) => setImmediate(resolve))

/** Nothing is uncounted, now. */
export function expectBalance({ counts }: Edge): void {
  expect(counts.in).toBe(counts.out + counts.dropped + counts.failed + counts.waiting)
}

/**
 * What may wait before a node. `latest`: one packet, which a newer one replaces. A queue drops the oldest or the newest
 * when full. `block` drops nothing: it is legal only behind a source that waits for free slots, whose share of the image
 * pool is then the bound in place of `queue`.
 */
export type EdgePolicy = 'latest' | { readonly queue: number; readonly full: 'oldest' | 'newest' | 'block' }

/** Packets that wait their turn, first in, first out, bounded by a policy. It owns nothing: who drops a packet disposes it. */
export class WaitingLine<T> {
  readonly #policy: EdgePolicy
  readonly #packets: T[] = []

  constructor(policy: EdgePolicy) {
    this.#policy = policy
  }

  get length(): number {
    return this.#packets.length
  }

  push(packet: T): void {
    this.#packets.push(packet)
  }

  shift(): T | undefined {
    return this.#packets.shift()
  }

  /** Takes out what is over the policy's bound: one packet at most, when called after every push. */
  overflow(): T | undefined {
    if (this.#packets.length <= this.#bound()) return undefined
    return this.#policy !== 'latest' && this.#policy.full === 'newest' ? this.#packets.pop() : this.#packets.shift()
  }

  #bound(): number {
    if (this.#policy === 'latest') return 1
    return this.#policy.full === 'block' ? Number.POSITIVE_INFINITY : this.#policy.queue
  }
}

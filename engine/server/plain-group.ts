import type { EncodedMessage } from '../streams/encode.ts'
import type { Listener } from '../streams/hub.ts'
import { maxBufferedBytes } from '../streams/subscriber.ts'

/** A member's socket, as far as the group needs it: it joins and leaves the native topic, and tells what it has buffered. */
export interface Member {
  readonly bufferedBytes: number
  /** Takes part in the native publishing of `topic`. */
  join(topic: string): void
  leave(topic: string): void
  /** The topic was taken back. */
  ended(topic: string): void
}

/**
 * All clients of a topic that take every message, as one listener of the hub: a message is given once to the native
 * publisher, which sends it to all. A member with more than 1 MiB buffered stands aside, and misses messages, until that is sent.
 */
export class PlainGroup implements Listener {
  readonly #topic: string
  readonly #publish: (topic: string, message: EncodedMessage) => void
  /** Whether each is behind. */
  readonly #members = new Map<Member, boolean>()
  #dropped = 0

  constructor(topic: string, publish: (topic: string, message: EncodedMessage) => void) {
    this.#topic = topic
    this.#publish = publish
  }

  get size(): number {
    return this.#members.size
  }

  get dropped(): number {
    return this.#dropped
  }

  add(member: Member): void {
    this.#members.set(member, false)
    member.join(this.#topic)
  }

  remove(member: Member): void {
    if (this.#members.delete(member)) member.leave(this.#topic)
  }

  deliver(message: EncodedMessage): void {
    for (const [member, wasBehind] of this.#members) this.#place(member, wasBehind)
    this.#publish(this.#topic, message)
  }

  ended(): void {
    for (const member of [...this.#members.keys()]) {
      this.remove(member)
      member.ended(this.#topic)
    }
  }

  #place(member: Member, wasBehind: boolean): void {
    const behind = member.bufferedBytes > maxBufferedBytes
    if (behind) this.#dropped++
    if (behind === wasBehind) return
    this.#members.set(member, behind)
    if (behind) member.leave(this.#topic)
    else member.join(this.#topic)
  }
}

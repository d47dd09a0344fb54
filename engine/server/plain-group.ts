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
 * So many bytes may go out between two looks at every member's socket: asking each for each message would cost a fifth of the
 * sending. A member may so have that much more than `maxBufferedBytes` in its buffer before it stands aside.
 */
const lookEveryBytes = 65_536

/**
 * All clients of a topic that take every message, as one listener of the hub: a message is given once to the native
 * publisher, which sends it to all. A member with more than 1 MiB buffered stands aside, and misses messages, until that is sent.
 */
export class PlainGroup implements Listener {
  readonly #topic: string
  readonly #publish: (topic: string, message: EncodedMessage) => void
  readonly #members = new Set<Member>()
  /** Members that stand aside. */
  readonly #behind = new Set<Member>()
  /** Bytes published since every member was looked at. */
  #sinceLook = 0
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
    this.#members.add(member)
    member.join(this.#topic)
  }

  remove(member: Member): void {
    this.#behind.delete(member)
    if (this.#members.delete(member)) member.leave(this.#topic)
  }

  deliver(message: EncodedMessage): void {
    this.#letCatchUp()
    if (this.#sinceLook >= lookEveryBytes) this.#setAside()
    this.#dropped += this.#behind.size
    this.#sinceLook += message.bytes.length
    this.#publish(this.#topic, message)
  }

  ended(): void {
    for (const member of [...this.#members]) {
      this.remove(member)
      member.ended(this.#topic)
    }
  }

  #letCatchUp(): void {
    for (const member of this.#behind) {
      if (isBehind(member)) continue
      this.#behind.delete(member)
      member.join(this.#topic)
    }
  }

  #setAside(): void {
    this.#sinceLook = 0
    for (const member of this.#members) {
      if (this.#behind.has(member) || !isBehind(member)) continue
      this.#behind.add(member)
      member.leave(this.#topic)
    }
  }
}

function isBehind(member: Member): boolean {
  return member.bufferedBytes > maxBufferedBytes
}

/** A write of so many at once is about as quick as it gets. */
const blockBytes = 262_144

interface Block {
  readonly bytes: Uint8Array<ArrayBuffer>
  used: number
}

/**
 * Bytes on their way, in blocks that are used again: what an upload of any size takes is what waits of it at once. Buffers that are let go
 * would pile up instead until the garbage collector comes for them. Its bound is its owner's.
 */
export class ByteQueue {
  readonly #waiting: Block[] = []
  readonly #spare: Uint8Array<ArrayBuffer>[] = []
  #given: Uint8Array<ArrayBuffer> | undefined
  #length = 0

  /** Bytes that wait. */
  get length(): number {
    return this.#length
  }

  /** Copies them: they are the caller's again when it returns. */
  push(bytes: Uint8Array): void {
    this.#length += bytes.length
    for (let at = 0; at < bytes.length; ) {
      const block = this.#open()
      const part = bytes.subarray(at, at + blockBytes - block.used)
      block.bytes.set(part, block.used)
      block.used += part.length
      at += part.length
    }
  }

  /** The next bytes, which are the caller's until it asks again; undefined when none wait. */
  shift(): Uint8Array<ArrayBuffer> | undefined {
    if (this.#given) this.#spare.push(this.#given)
    const block = this.#waiting.shift()
    this.#given = block?.bytes
    if (!block) return undefined
    this.#length -= block.used
    return block.bytes.subarray(0, block.used)
  }

  /** One with room, at the end. */
  #open(): Block {
    const last = this.#waiting.at(-1)
    if (last && last.used < blockBytes) return last
    const block = { bytes: this.#spare.pop() ?? new Uint8Array(blockBytes), used: 0 }
    this.#waiting.push(block)
    return block
  }
}

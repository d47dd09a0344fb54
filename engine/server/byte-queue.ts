import { blockBytes, type SpareBlocks } from './spare-blocks.ts'

interface Block {
  readonly bytes: Uint8Array<ArrayBuffer>
  used: number
}

/** Bytes on their way, in blocks that are used again: what an upload of any size takes is what waits of it at once. Its bound is its owner's. */
export class ByteQueue {
  readonly #waiting: Block[] = []
  readonly #blocks: SpareBlocks
  #given: Uint8Array<ArrayBuffer> | undefined
  #length = 0

  constructor(blocks: SpareBlocks) {
    this.#blocks = blocks
  }

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
    if (this.#given) this.#blocks.give(this.#given)
    const block = this.#waiting.shift()
    this.#given = block?.bytes
    if (!block) return undefined
    this.#length -= block.used
    return block.bytes.subarray(0, block.used)
  }

  /** Forgets what waits. What was given last may still be read: the garbage collector has it. */
  clear(): void {
    for (const { bytes } of this.#waiting.splice(0)) this.#blocks.give(bytes)
    this.#given = undefined
    this.#length = 0
  }

  /** One with room, at the end. */
  #open(): Block {
    const last = this.#waiting.at(-1)
    if (last && last.used < blockBytes) return last
    const block = { bytes: this.#blocks.take(), used: 0 }
    this.#waiting.push(block)
    return block
  }
}

/** Bytes of a block: a write of so many at once is about as quick as it gets, and a small upload wastes little. */
export const blockBytes = 65_536
/** 4 MiB: what a handful of uploads have in their hands at a time. */
const maxSpare = 64

/**
 * Blocks of memory for the uploads of one server, used again and again: those that are let go lie about until the garbage collector comes, which with many
 * uploads a second is hundreds of MB.
 */
export class SpareBlocks {
  readonly #blocks: Uint8Array<ArrayBuffer>[] = []

  /** One of `blockBytes`, with anything in it; the caller's until it gives it back, or for good. */
  take(): Uint8Array<ArrayBuffer> {
    return this.#blocks.pop() ?? new Uint8Array(blockBytes)
  }

  /** Nobody may have it in hand any more. */
  give(block: Uint8Array<ArrayBuffer>): void {
    if (this.#blocks.length < maxSpare) this.#blocks.push(block)
  }
}

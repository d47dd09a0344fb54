import { setImmediate } from 'node:timers/promises'
import { EngineError } from '../errors.ts'
import type { SharedPool } from '../hosts/host.ts'
import type { HailoLanguageHost } from './hailo-language-host.ts'

const slotsDeadlineMs = 10_000
/** The slots that sources leave to requests: a picture of more bytes could wait for ever. */
const maxSlots = 4
/** A copy of so many bytes keeps the event loop for about a third of a millisecond. */
const chunkBytes = 1 << 20
/** The engine's own name in the ledger: it ends the loans itself, when the host has answered or was reaped. */
const borrower = 'language'

/** Hands pictures of requests to the language host, in slots of the pool, where they become frames of its vision model. */
export class HailoPictures {
  readonly #host: HailoLanguageHost
  readonly #pool: SharedPool

  constructor(host: HailoLanguageHost, pool: SharedPool) {
    this.#host = host
    this.#pool = pool
  }

  /** Frames by their numbers in the host. Throws `invalid` and `too-large` for pictures that are no good. What was decoded before a failure is forgotten. */
  async decode(model: string, pictures: readonly Uint8Array[], signal: AbortSignal): Promise<number[]> {
    const frames: number[] = []
    try {
      for (const picture of pictures) frames.push(await this.#decodeOne(model, picture, signal))
      return frames
    } catch (error) {
      this.#host.forget({ contexts: [], frames })
      throw error
    }
  }

  async #decodeOne(model: string, picture: Uint8Array, signal: AbortSignal): Promise<number> {
    const { ledger, memory } = this.#pool
    const count = Math.max(1, Math.ceil(picture.length / memory.slotBytes))
    if (count > maxSlots) {
      const most = maxSlots * memory.slotBytes
      throw new EngineError('too-large', `Expected a picture of at most ${most} bytes, received ${picture.length}`)
    }
    const loans = await ledger.acquire(borrower, count, signal, slotsDeadlineMs)
    let settled: Promise<void> = Promise.resolve()
    try {
      const parts = loans.map(({ slot }, i) => ({
        slot,
        part: picture.subarray(i * memory.slotBytes, (i + 1) * memory.slotBytes),
      }))
      for (const { slot, part } of parts) await this.#write(slot, part)
      const slots = parts.map(({ slot, part }) => ({ slot, bytes: part.length }))
      const begun = this.#host.decodeFrame({ model, parts: slots }, signal)
      settled = begun.settled
      return (await begun.answer).frame
    } finally {
      void settled.then(() => loans.forEach(({ loan }) => void ledger.settle(loan)))
    }
  }

  async #write(slot: number, bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length; at += chunkBytes) {
      if (at > 0) await setImmediate()
      this.#pool.memory.write(slot, bytes.subarray(at, at + chunkBytes), at)
    }
  }
}

import { EngineError } from '../errors.ts'
import type { ImageSpec, PooledImage } from './packet.ts'
import { type SlotLoan, SlotQueue } from './slot-queue.ts'

export type { SlotLoan } from './slot-queue.ts'

/** How many slots are where, now; slots = free + lent + held. */
export interface PoolStats {
  readonly slots: number
  readonly free: number
  /** Slots lent for writing. */
  readonly lent: number
  /** Slots with an image that somebody holds. */
  readonly held: number
  /** Images that were lost without a release and found by the garbage collector. Must stay 0. */
  readonly leaked: number
  /** Messages about loans that were over already. */
  readonly staleLoans: number
}

/** Who holds a filled slot: `holds` through its `PooledImage`, `loans` through hosts that read it. */
interface Filling {
  readonly slot: number
  holds: number
  loans: number
}

interface Loan {
  readonly slot: number
  readonly borrower: string
  /** What a reader reads; undefined while a slot is lent for writing. */
  readonly reads: Filling | undefined
}

/** Slots that sources leave to requests. */
const defaultReserve = 4
/** Borrowers remembered as dead, so that a late call cannot lend to one of them. */
const maxReaped = 1000

/** The ledger of the image pool: the engine's word on who owns which slot. It touches no memory. */
export class ImagePool {
  readonly #slots: number
  readonly #reserve: number
  readonly #free: number[]
  readonly #loans = new Map<number, Loan>()
  readonly #reaped = new Set<string>()
  readonly #queue = new SlotQueue()
  /** By slot: who it was lent to for writing, until it is free again. */
  readonly #owners: (string | undefined)[] = []
  readonly #fillings = new WeakMap<PooledImage, Filling>()
  readonly #lost = new FinalizationRegistry<Filling>((filling) => this.#reclaim(filling))
  #listeners: readonly (() => void)[] = []
  #nextLoan = 1
  #lent = 0
  #leaked = 0
  #staleLoans = 0

  /** `reserve`: slots that only requests may take, default 4; fewer than `slots`. */
  constructor(options: { slots: number; reserve?: number }) {
    this.#slots = options.slots
    this.#reserve = options.reserve ?? defaultReserve
    if (!(Number.isInteger(this.#slots) && this.#reserve >= 0 && this.#reserve < this.#slots))
      throw new EngineError(
        'invalid',
        `Expected more slots than the ${this.#reserve} in reserve, received ${this.#slots}`,
      )
    this.#free = Array.from({ length: this.#slots }, (_, i) => this.#slots - 1 - i)
  }

  /**
   * A free slot lent for writing; undefined when there is none, or the borrower was reaped. Without `fromReserve` the
   * slots kept for requests, and those that the first waiting request needs, stay.
   */
  lend(borrower: string, options: { fromReserve?: boolean } = {}): SlotLoan | undefined {
    const kept = options.fromReserve ? this.#queue.needed : Math.max(this.#reserve, this.#queue.needed)
    if (this.#free.length <= kept || this.#reaped.has(borrower)) return undefined
    return this.#lendFree(borrower)
  }

  /** The host filled it: an image with one hold, the caller's. Undefined, and counted, when the loan is stale. */
  filled(loan: number, spec: ImageSpec): PooledImage | undefined {
    const lent = this.#loans.get(loan)
    if (lent === undefined || lent.reads !== undefined) {
      this.#staleLoans++
      return undefined
    }
    this.#loans.delete(loan)
    this.#lent--
    return this.#createImage({ slot: lent.slot, holds: 1, loans: 0 }, spec)
  }

  /** The loan came back empty, or the host answered a read. A stale one is ignored and counted. */
  settle(loan: number): void {
    const lent = this.#loans.get(loan)
    if (lent === undefined) this.#staleLoans++
    else this.#end(loan, lent)
  }

  /** Lends a filled slot for reading: it stays held until `settle` or `reap`. Throws `closed` for an image that was let go. */
  lendFilled(image: PooledImage, borrower: string): SlotLoan {
    const filling = this.#fillings.get(image)
    if (filling === undefined || filling.holds === 0)
      throw new EngineError(
        'closed',
        `Expected an image that somebody holds, received slot ${image.slot} after its release`,
      )
    if (this.#reaped.has(borrower)) throw exited(borrower)
    filling.loans++
    return this.#addLoan({ slot: filling.slot, borrower, reads: filling })
  }

  /** The borrower has exited and was reaped: its loans are over, its requests fail as `unavailable`, its name is never lent to again. */
  reap(borrower: string): void {
    this.#reaped.add(borrower)
    if (this.#reaped.size > maxReaped) this.#reaped.delete(this.#reaped.values().next().value as string)
    for (const [loan, lent] of [...this.#loans]) if (lent.borrower === borrower) this.#end(loan, lent)
    this.#queue.fail(borrower, exited(borrower))
    this.#hand()
  }

  /**
   * Lends `count` free slots for a request, all at once, first come first served. Rejects with `busy` when 16 wait
   * already, `timeout` after `deadlineMs`, `cancelled` by the signal, `unavailable` when the borrower is reaped.
   */
  async acquire(borrower: string, count: number, signal: AbortSignal, deadlineMs: number): Promise<SlotLoan[]> {
    if (!(Number.isInteger(count) && count >= 1 && count <= this.#slots))
      throw new EngineError('invalid', `Expected 1 to ${this.#slots} slots, received ${count}`)
    if (signal.aborted) throw new EngineError('cancelled', 'The request was cancelled before it had its slots')
    if (this.#reaped.has(borrower)) throw exited(borrower)
    const lend = () => Array.from({ length: count }, () => this.#lendFree(borrower))
    if (this.#queue.needed === 0 && this.#free.length >= count) return lend()
    return this.#queue.wait({ borrower, count, lend, signal, deadlineMs, onLeave: () => this.#hand() })
  }

  /** `listener` runs whenever a slot came free that a source may have; listeners take turns at being first. Returns its removal. */
  onFree(listener: () => void): () => void {
    this.#listeners = [...this.#listeners, listener]
    return () => {
      this.#listeners = this.#listeners.filter((other) => other !== listener)
    }
  }

  /** Slots that the borrower has for writing, and those it filled that somebody still holds: a source's share is measured by it. */
  ownedBy(borrower: string): number {
    return this.#owners.filter((owner) => owner === borrower).length
  }

  stats(): PoolStats {
    const free = this.#free.length
    return {
      slots: this.#slots,
      free,
      lent: this.#lent,
      held: this.#slots - free - this.#lent,
      leaked: this.#leaked,
      staleLoans: this.#staleLoans,
    }
  }

  #lendFree(borrower: string): SlotLoan {
    const slot = this.#free.pop()
    if (slot === undefined) throw new Error('A slot was lent that is not free')
    this.#lent++
    this.#owners[slot] = borrower
    return this.#addLoan({ slot, borrower, reads: undefined })
  }

  #addLoan(lent: Loan): SlotLoan {
    const loan = this.#nextLoan++
    this.#loans.set(loan, lent)
    return { slot: lent.slot, loan }
  }

  #end(loan: number, lent: Loan): void {
    this.#loans.delete(loan)
    if (lent.reads === undefined) {
      this.#lent--
      this.#giveBack(lent.slot)
    } else {
      lent.reads.loans--
      this.#giveBackUnheld(lent.reads)
    }
  }

  #createImage(filling: Filling, spec: ImageSpec): PooledImage {
    const image = new SlotHandle(filling, spec, () => {
      this.#lost.unregister(image)
      this.#giveBackUnheld(filling)
    })
    this.#fillings.set(image, filling)
    this.#lost.register(image, filling, image)
    return image
  }

  #reclaim(filling: Filling): void {
    this.#leaked++
    filling.holds = 0
    this.#giveBackUnheld(filling)
  }

  #giveBackUnheld(filling: Filling): void {
    if (filling.holds === 0 && filling.loans === 0) this.#giveBack(filling.slot)
  }

  #giveBack(slot: number): void {
    this.#owners[slot] = undefined
    this.#free.push(slot)
    this.#hand()
  }

  /** Requests first, then sources. */
  #hand(): void {
    this.#queue.serve(() => this.#free.length)
    const [first, ...others] = this.#listeners
    if (first === undefined || this.#free.length <= Math.max(this.#reserve, this.#queue.needed)) return
    this.#listeners = [...others, first]
    for (const listener of [first, ...others]) listener()
  }
}

class SlotHandle implements PooledImage {
  readonly slot: number
  readonly width: number
  readonly height: number
  readonly format: ImageSpec['format']
  readonly bytes: number
  readonly #filling: Filling
  readonly #onUnheld: () => void

  constructor(filling: Filling, spec: ImageSpec, onUnheld: () => void) {
    this.slot = filling.slot
    this.width = spec.width
    this.height = spec.height
    this.format = spec.format
    this.bytes = spec.bytes
    this.#filling = filling
    this.#onUnheld = onUnheld
  }

  hold(): void {
    if (this.#filling.holds === 0)
      throw new EngineError('closed', `The image in slot ${this.slot} was held after its last release`)
    this.#filling.holds++
  }

  release(): void {
    if (this.#filling.holds === 0)
      throw new EngineError('closed', `The image in slot ${this.slot} was released once too often`)
    if (--this.#filling.holds === 0) this.#onUnheld()
  }
}

function exited(borrower: string): EngineError {
  return new EngineError('unavailable', `Expected a host that runs, but ${borrower} has exited`)
}

import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { SlotLoan } from '../../engine/core/image-pool.ts'
import type { PooledImage } from '../../engine/core/packet.ts'
import { Host, type SharedPool } from '../../engine/hosts/host.ts'
import type { Protocol } from '../../engine/hosts/protocol.ts'
import { projectRoot } from '../../engine/root.ts'
import { isRunning } from '../support/processes.ts'
import { createSharedPool, testLog } from '../support/shared-pool.ts'
import { until } from '../support/wait.ts'

interface ScribblingProtocol extends Protocol {
  calls: {
    fill: { params: { slot: number; value: number }; result: object }
    scribble: {
      params: { slots: readonly number[]; bytes: number; value: number; deserts: boolean }
      result: never
    }
    ping: { params: Record<string, never>; result: { readonly now: bigint } }
  }
  streams: Record<never, never>
  toHost: Record<never, never>
  toEngine: Record<never, never>
}

const slotBytes = 65_536
/** What the host writes; pictures are of other values. */
const noise = 255
const never = new AbortController().signal

let pool: SharedPool
let host: Host<ScribblingProtocol>
let gallery: Gallery
let lent: { readonly asBorrower: SlotLoan; readonly inCall: SlotLoan }
beforeEach(async () => {
  pool = createSharedPool(8, slotBytes)
  const entry = join(projectRoot, 'test/hosts/trial-host.mjs')
  const timing = { endMs: 300 }
  const env = { TRIAL_STAYS: '1' }
  host = new Host({ name: 'scribbler', entry, pool, log: testLog, restart: false, timing, env })
  await host.start()
  gallery = new Gallery(pool)
  // As a capture host has its slots, which end with it; and as a vision host has them, for the time of one call.
  lent = { asBorrower: lend(host.borrower), inCall: lend('engine') }
})
afterEach(async () => {
  await host[Symbol.asyncDispose]()
  gallery.clear()
  expect(pool.ledger.stats()).toMatchObject({ free: 8, lent: 0, held: 0, leaked: 0, staleLoans: 0 })
  pool.memory.close()
})

function lend(borrower: string): SlotLoan {
  return pool.ledger.lend(borrower, { fromReserve: true }) as SlotLoan
}

/** Pictures that others hold, each of one value, in every slot that the ledger says is free. */
class Gallery {
  readonly #pool: SharedPool
  readonly #pictures: { readonly image: PooledImage; readonly value: number }[] = []
  #painted = 0

  constructor(pool: SharedPool) {
    this.#pool = pool
  }

  /** Looks at every picture, takes the oldest down and hangs up new ones. Gives the slots that they are in. */
  renew(): number[] {
    this.check()
    this.#pictures.shift()?.image.release()
    for (let loan = this.#lend(); loan; loan = this.#lend()) this.#paint(loan)
    this.check()
    return this.#pictures.map(({ image }) => image.slot)
  }

  check(): void {
    for (const { image, value } of this.#pictures) {
      const bytes = this.#pool.memory.read(image.slot, 0, slotBytes)
      if (!bytes.equals(Buffer.alloc(slotBytes, value))) throw new Error(`The picture in slot ${image.slot} was harmed`)
    }
  }

  clear(): void {
    for (const { image } of this.#pictures.splice(0)) image.release()
  }

  #lend(): SlotLoan | undefined {
    return this.#pool.ledger.lend('camera', { fromReserve: true })
  }

  #paint({ slot, loan }: SlotLoan): void {
    const value = this.#painted++ % noise
    this.#pool.memory.write(slot, Buffer.alloc(slotBytes, value), 0)
    const spec = { width: 256, height: 256, format: 'jpeg', bytes: slotBytes } as const
    this.#pictures.push({ image: this.#pool.ledger.filled(loan, spec) as PooledImage, value })
  }
}

/** Starts it on both slots; the loan of the second one ends with the call. */
function scribble(options: { readonly deadlineMs: number; readonly signal?: AbortSignal; readonly deserts?: boolean }) {
  const { deadlineMs, signal = never, deserts = false } = options
  const slots = [lent.asBorrower.slot, lent.inCall.slot]
  const { answer, settled } = host.begin(
    'scribble',
    { slots, bytes: slotBytes, value: noise, deserts },
    { signal, deadlineMs },
  )
  return { answer, slots, settled: settled.then(() => pool.ledger.settle(lent.inCall.loan)) }
}

const isScribbled = (slot: number) => pool.memory.read(slot, 0, slotBytes).every((value) => value === noise)

/** Others work on meanwhile. While the process is there none of them has one of its slots; afterwards they have them all. */
async function expectUnharmed(pid: number, slots: readonly number[], settled: Promise<void>): Promise<void> {
  let over = false
  void settled.then(() => (over = true))
  for (let rounds = 0; !over || rounds === 0; rounds++) {
    const taken = gallery.renew()
    if (isRunning(pid)) expect(taken.filter((slot) => slots.includes(slot))).toEqual([])
    await setImmediate()
  }
  expect(isRunning(pid)).toBe(false)
  for (let rounds = 0; rounds < 20; rounds++) expect(gallery.renew()).toEqual(expect.arrayContaining([...slots]))
}

describe('a host that writes when it should not any more', () => {
  it('harms no picture when it passes its deadline: its slots come back when it was reaped', async () => {
    const pid = host.pid as number
    const { answer, slots, settled } = scribble({ deadlineMs: 500 })
    const refused = expect(answer).rejects.toMatchObject({ code: 'timeout' })
    await until('both slots to be written to', () => slots.every(isScribbled))
    await expectUnharmed(pid, slots, settled)
    await refused
  })

  it('harms no picture when it was stopped in the middle of its write and passes its deadline', async () => {
    const pid = host.pid as number
    const { answer, slots, settled } = scribble({ deadlineMs: 800 })
    const refused = expect(answer).rejects.toMatchObject({ code: 'timeout' })
    await until('both slots to be written to', () => slots.every(isScribbled))
    process.kill(pid, 'SIGSTOP')
    await expectUnharmed(pid, slots, settled)
    await refused
  })

  it('harms no picture when it goes on long after its caller gave up', async () => {
    const pid = host.pid as number
    const caller = new AbortController()
    process.kill(pid, 'SIGSTOP')
    const { answer, slots, settled } = scribble({ deadlineMs: 1500, signal: caller.signal })
    caller.abort()
    await expect(answer).rejects.toMatchObject({ code: 'cancelled' })
    for (let rounds = 0; rounds < 20; rounds++) gallery.renew()
    expect(slots.some(isScribbled)).toBe(false)
    process.kill(pid, 'SIGCONT')
    await until('the late write', () => slots.every(isScribbled))
    await expectUnharmed(pid, slots, settled)
  })

  it('harms no picture when it has closed its channel: it is killed', async () => {
    const pid = host.pid as number
    const { answer, slots, settled } = scribble({ deadlineMs: 60_000, deserts: true })
    await expect(answer).rejects.toMatchObject({ code: 'unavailable' })
    await until('both slots to be written to', () => slots.every(isScribbled))
    await expectUnharmed(pid, slots, settled)
  })
})

import pino from 'pino'
import { ImagePool } from '../../engine/core/image-pool.ts'
import type { SharedPool } from '../../engine/hosts/host.ts'
import { addon } from '../../engine/native/addon.ts'

/** Logs nothing below warnings; `LOG_LEVEL` says otherwise. */
export const testLog = pino({ level: process.env.LOG_LEVEL ?? 'error' })

/** A pool of real memory; the test closes `memory`. Slots are 1280×720 RGB by default. */
export function createSharedPool(slots = 12, slotBytes = 1280 * 720 * 3): SharedPool {
  return { ledger: new ImagePool({ slots }), memory: addon().createPool(slots, slotBytes) }
}

/** Looks until it is so; fails after the deadline, naming what it waited for. */
export async function until(what: string, isSo: () => boolean, deadlineMs = 10_000): Promise<void> {
  const end = performance.now() + deadlineMs
  while (!isSo()) {
    if (performance.now() > end) throw new Error(`Waited ${deadlineMs} ms in vain: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

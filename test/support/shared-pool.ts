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

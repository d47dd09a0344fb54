import { readFile } from 'node:fs/promises'
import { addon } from '../native/addon.ts'

/** Private memory of this process in bytes, without what is free and only kept by the allocator, and without the shared image pool. */
export async function privateBytes(): Promise<number> {
  addon().trimMemory()
  return readAnonymous('self')
}

/** Private memory of a child process in bytes; 0 for one that is gone. */
export async function privateBytesOf(pid: number): Promise<number> {
  // A process that ends takes its list of sizes with it.
  return readAnonymous(String(pid)).catch(() => 0)
}

async function readAnonymous(process: string): Promise<number> {
  const sizes = await readFile(`/proc/${process}/smaps_rollup`, 'utf8')
  return Number(/^Anonymous:\s+(\d+) kB/m.exec(sizes)?.[1] ?? 0) * 1024
}

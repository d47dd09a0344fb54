import { readFile } from 'node:fs/promises'

/** How often the sum is taken: reading a large process's maps costs the kernel milliseconds. */
const intervalMs = 5000

/**
 * Memory of the engine and its hosts together, in bytes: the sum of their proportional set sizes, so that the shared image
 * pool counts once. Measured every 5 s off the main thread; `close` ends the timer.
 */
export class MemoryMeter {
  readonly #pids: () => readonly number[]
  readonly #timer: NodeJS.Timeout
  #bytes = process.memoryUsage.rss()

  /** `pids`: the hosts that run now. */
  constructor(pids: () => readonly number[]) {
    this.#pids = pids
    this.#timer = setInterval(() => void this.measure(), intervalMs).unref()
  }

  /** The newest sum. */
  get bytes(): number {
    return this.#bytes
  }

  async measure(): Promise<void> {
    const sizes = await Promise.all([process.pid, ...this.#pids()].map(proportionalSetSize))
    this.#bytes = sizes.reduce((sum, size) => sum + size, 0)
  }

  close(): void {
    clearInterval(this.#timer)
  }
}

/** Of one process, in bytes; 0 for a process that is gone or not ours to read. */
export async function proportionalSetSize(pid: number): Promise<number> {
  try {
    const text = await readFile(`/proc/${pid}/smaps_rollup`, 'utf8')
    return Number(/^Pss:\s+(\d+) kB/m.exec(text)?.[1] ?? 0) * 1024
  } catch {
    // The process ended between the list and the reading.
    return 0
  }
}

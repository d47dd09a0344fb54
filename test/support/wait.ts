import { setTimeout as wait } from 'node:timers/promises'

/** Polls until `check` gives something other than undefined or false, and gives that. Fails after the deadline, naming what was waited for. */
export async function until<T>(
  what: string,
  check: () => Promise<T | undefined | false> | T | undefined | false,
  deadlineMs = 10_000,
): Promise<T> {
  const end = performance.now() + deadlineMs
  for (;;) {
    const found = await check()
    if (found !== undefined && found !== false) return found
    if (performance.now() > end) throw new Error(`Waited ${deadlineMs} ms in vain for: ${what}`)
    await wait(5)
  }
}

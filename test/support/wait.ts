import { setTimeout as wait } from 'node:timers/promises'

/** Polls until the condition holds; fails after the deadline, naming what was waited for. */
export async function until(what: string, condition: () => boolean, deadlineMs = 10_000): Promise<void> {
  const end = Date.now() + deadlineMs
  while (!condition()) {
    if (Date.now() > end) throw new Error(`Waited ${deadlineMs} ms in vain for: ${what}`)
    await wait(5)
  }
}

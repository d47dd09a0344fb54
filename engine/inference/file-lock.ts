import { mkdir, open } from 'node:fs/promises'
import { dirname } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { EngineError } from '../errors.ts'
import { addon } from '../native/addon.ts'
import { onDisk } from './whole-file.ts'

/** How often one who waits looks whether the lock is free: soon enough for a person, rarely enough for a small machine. */
const lookAgainMs = 200

/** The right to work on what a file stands for. Disposing it, or the end of this process, lets the next one in. */
export type FileLock = AsyncDisposable

/**
 * Takes the lock of a file, which is made when it is not there and never removed; undefined when another has it, in this process or
 * in any other. Throws `unavailable` when the disk or its file system refuses.
 */
export async function tryLock(path: string): Promise<FileLock | undefined> {
  const file = await onDisk(path, async () => {
    await mkdir(dirname(path), { recursive: true })
    return open(path, 'a')
  })
  try {
    if (addon().lockFile(file.fd)) return { [Symbol.asyncDispose]: () => file.close() }
  } catch (error) {
    await file.close()
    throw error
  }
  await file.close()
  return undefined
}

/** Waits for the lock as long as another has it, and calls `onWaiting` meanwhile. Throws as `tryLock` does, and `cancelled`. */
export async function waitForLock(
  path: string,
  signal: AbortSignal,
  onWaiting: () => Promise<void>,
): Promise<FileLock> {
  while (!signal.aborted) {
    const lock = await tryLock(path)
    if (lock !== undefined) return lock
    await onWaiting()
    // The loop hears of an abort.
    await wait(lookAgainMs, undefined, { signal }).catch(() => undefined)
  }
  throw new EngineError('cancelled', `The wait for ${path} was cancelled`)
}

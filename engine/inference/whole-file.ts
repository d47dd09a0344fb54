import { type FileHandle, mkdir, open, readdir, rename, rm, statfs } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { EngineError, messageOf } from '../errors.ts'

let written = 0

/**
 * Writes a file that is either there as a whole or not at all, also when this process is killed or the power fails. Other
 * processes may write the same file: the last one wins. Throws what `chunks` throws, and `unavailable` when the disk is full
 * or does not take it, having left nothing behind.
 */
export async function writeWhole(
  path: string,
  chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
): Promise<void> {
  const partial = `${path}.${process.pid}-${written++}.partial`
  await onDisk(path, () => prepare(path))
  try {
    const file = await onDisk(path, () => open(partial, 'w'))
    await fill(path, file, chunks)
    await onDisk(path, () => rename(partial, path))
  } catch (error) {
    // The first failure tells more than that of clearing up.
    await rm(partial, { force: true }).catch(() => undefined)
    throw error
  }
}

/** Throws `unavailable`, as `writeWhole` does, when the file's folder, which is there, has less than so many bytes free: before work that would be in vain. */
export async function expectRoom(path: string, bytes: number): Promise<void> {
  await onDisk(path, async () => {
    const { bavail, bsize } = await statfs(dirname(path))
    if (bavail * bsize < bytes) throw Object.assign(new Error(`${bavail * bsize} bytes are free`), { code: 'ENOSPC' })
  })
}

/** Whether it was the disk that refused a file, and neither its sender nor its content. */
export function isRefusedByDisk(error: unknown): boolean {
  return error instanceof EngineError && error.cause instanceof DiskRefusal
}

class DiskRefusal extends Error {}

async function prepare(path: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true })
  await sweep(path)
}

async function fill(
  path: string,
  file: FileHandle,
  chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
): Promise<void> {
  try {
    for await (const chunk of chunks) await onDisk(path, () => file.writeFile(chunk))
    await onDisk(path, () => file.sync())
  } finally {
    await file.close()
  }
}

/** Work with the file `path`. What the disk refuses is no bug: it throws `unavailable`, with the place and what to do. */
export async function onDisk<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    const reason = messageOf(error)
    const message = `Expected ${dirname(path)} to take ${basename(path)}, received ${reason}. ${whatToDo(error)}`
    throw new EngineError('unavailable', message, { cause: new DiskRefusal(reason, { cause: error }) })
  }
}

function whatToDo(error: unknown): string {
  const { code } = error as NodeJS.ErrnoException
  if (code === 'ENOSPC' || code === 'EDQUOT') return 'Make room on that disk, then try again'
  if (code === 'EACCES' || code === 'EPERM') return 'Run this as the user whom that folder belongs to'
  return 'Mend that, then try again'
}

/** Removes what a process that was killed while it wrote this file has left. */
async function sweep(path: string): Promise<void> {
  const prefix = `${basename(path)}.`
  for (const name of await readdir(dirname(path))) {
    if (!name.startsWith(prefix) || !name.endsWith('.partial')) continue
    const writer = Number.parseInt(name.slice(prefix.length), 10)
    if (!isRunning(writer)) await rm(join(dirname(path), name), { force: true })
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

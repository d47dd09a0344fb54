import { type FileHandle, mkdir, open, readdir, rename, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'

let written = 0

/**
 * Writes a file that is either there as a whole or not at all, also when this process is killed or the power fails. Other
 * processes may write the same file: the last one wins. Throws what `chunks` throws, having left nothing behind.
 */
export async function writeWhole(
  path: string,
  chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
): Promise<void> {
  await mkdir(dirname(path), { recursive: true })
  await sweep(path)
  const partial = `${path}.${process.pid}-${written++}.partial`
  try {
    const file = await open(partial, 'w')
    await fill(file, chunks)
    await rename(partial, path)
  } catch (error) {
    await rm(partial, { force: true })
    throw error
  }
}

async function fill(file: FileHandle, chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<void> {
  try {
    for await (const chunk of chunks) await file.writeFile(chunk)
    await file.sync()
  } finally {
    await file.close()
  }
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

import { randomUUID } from 'node:crypto'
import { type FileHandle, mkdir, open, unlink } from 'node:fs/promises'
import { join } from 'node:path'

/** A file for reading and writing without a name: gone when it is closed, or its process ends however. Makes the folder where it is missing. */
export async function openUnnamedFile(folder: string): Promise<FileHandle> {
  await mkdir(folder, { recursive: true })
  const path = join(folder, randomUUID())
  const file = await open(path, 'wx+', 0o600)
  await unlink(path)
  return file
}

/** Writes all of the bytes: a file takes less when the disk is nearly full, and the next write then says so. */
export async function writeAll(file: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length; ) at += (await file.write(bytes, at)).bytesWritten
}

/** Bytes as an open file, for as long as `use` takes. */
export async function withUnnamedFile<T>(
  folder: string,
  bytes: Uint8Array,
  use: (fd: number) => Promise<T>,
): Promise<T> {
  const file = await openUnnamedFile(folder)
  try {
    await writeAll(file, bytes)
    return await use(file.fd)
  } finally {
    await file.close()
  }
}

import { readFile } from 'node:fs/promises'
import { z } from 'zod'
import { EngineError, messageOf } from '../errors.ts'
import type { WholeFile } from './model-download.ts'
import { writeWhole } from './whole-file.ts'

const recordSchema = z.strictObject({
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  bytes: z.number().int().nonnegative(),
  /** Of the file when it was hashed: while it has this one and its size, it need not be hashed again. */
  mtimeMs: z.number(),
  /** Where it came from: an address, or a file that was imported. */
  source: z.string(),
  recordedAt: z.iso.datetime(),
})

/** What a file was when it was first fetched or imported. Where nobody publishes a hash, it is held to this from then on. */
export type FileRecord = Readonly<z.output<typeof recordSchema>>

/** The record in `path`; undefined where there is none. Throws `unavailable`, with what to do, for one that cannot be read. */
export async function readRecord(path: string): Promise<FileRecord | undefined> {
  try {
    return recordSchema.parse(JSON.parse(await readFile(path, 'utf8')))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    const message = `Expected a record of a model’s file in ${path}: ${messageOf(error)}. Remove it to record the file anew`
    throw new EngineError('unavailable', message, { cause: error })
  }
}

/** Writes the record as a whole. Throws `unavailable` when the disk refuses. */
export async function writeRecord(path: string, file: WholeFile, source: string): Promise<void> {
  const record: FileRecord = { ...file, source, recordedAt: new Date().toISOString() }
  await writeWhole(path, [Buffer.from(`${JSON.stringify(record)}\n`)])
}

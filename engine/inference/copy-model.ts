import { createReadStream } from 'node:fs'
import { resolve } from 'node:path'
import { EngineError } from '../errors.ts'
import type { Download } from './model-download.ts'
import { PartialFile } from './partial-file.ts'
import { expectRoom } from './whole-file.ts'

/** What is copied, and what it must be; the fields mean what they mean for a download. */
export interface Copy extends Pick<Download, 'path' | 'part' | 'sha256' | 'bytes' | 'onWhole'> {
  /** A file of this machine of `size` bytes. */
  readonly source: string
  readonly size: number
}

/** Copies a file into place: as a whole, of the expected size and hash, or not at all. Throws `invalid`, `unavailable` or `cancelled`. */
export async function copyModel(copy: Copy, signal: AbortSignal): Promise<void> {
  const part = await PartialFile.open(copy.part)
  try {
    await part.begin({ url: resolve(copy.source), etag: null, lastModified: null, total: copy.size })
    await expectRoom(copy.part, copy.size)
    await fill(part, copy.source, signal)
    expectRight(part, copy)
    await copy.onWhole?.({ sha256: part.digest(), bytes: part.size, mtimeMs: await part.settle() })
    await part.place(copy.path)
  } catch (error) {
    await part.discard()
    throw error
  } finally {
    await part[Symbol.asyncDispose]()
  }
}

async function fill(part: PartialFile, source: string, signal: AbortSignal): Promise<void> {
  for await (const chunk of createReadStream(source) as AsyncIterable<Buffer>) {
    if (signal.aborted) throw new EngineError('cancelled', `The import of ${source} was cancelled`)
    await part.append(chunk)
  }
}

function expectRight(part: PartialFile, { source, path, bytes, sha256 }: Copy): void {
  if (bytes !== undefined && part.size !== bytes)
    throw new EngineError('invalid', `Expected ${source} to have ${bytes} bytes as ${path}, received ${part.size}`)
  if (sha256 !== undefined && part.digest() !== sha256)
    throw new EngineError(
      'invalid',
      `Expected ${source} to have SHA-256 ${sha256} as ${path}, received ${part.digest()}`,
    )
}

import { createReadStream } from 'node:fs'
import { mkdir, rm, stat } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { EngineError, messageOf } from '../errors.ts'
import type { ModelFile } from './catalogue-schema.ts'
import { type FileLock, tryLock, waitForLock } from './file-lock.ts'
import { type DownloadProgress, download, type WholeFile } from './model-download.ts'
import { readRecord, writeRecord } from './model-record.ts'
import { PartialFile, readOrigin } from './partial-file.ts'
import { expectRoom } from './whole-file.ts'

/** How far the fetch of a file is; `waiting`: another process, or another part of this one, fetches it. */
export interface FetchProgress extends DownloadProgress {
  readonly file: string
  readonly waiting: boolean
}

/** What one fetch may do and tells. */
export interface FetchOptions {
  /** False: a failure that may pass is not waited out. */
  readonly patient: boolean
  readonly onProgress?: ((progress: FetchProgress) => void) | undefined
  /** Whether the file is there by now, as it should be: asked once nobody else works on it. */
  readonly isThere: () => Promise<boolean>
}

/**
 * Our own folder of models: the files by their names; in `parts/` what is under way and the locks; in `records/` what each file was when it
 * came. Several processes may work on it: one at a time per file.
 */
export class OwnModels {
  readonly folder: string

  constructor(folder: string) {
    this.folder = folder
  }

  path(file: string): string {
    return join(this.folder, file)
  }

  recordPath(file: string): string {
    return join(this.folder, 'records', `${file}.json`)
  }

  /** Fetches a file, or waits until another has done so. Gives whether it was fetched here. Throws as `download` does. */
  async fetch(file: ModelFile, url: string, options: FetchOptions, signal: AbortSignal): Promise<boolean> {
    const { patient, onProgress, isThere } = options
    const tell = (progress: DownloadProgress, waiting: boolean) =>
      onProgress?.({ ...progress, file: file.name, waiting })
    await using _lock = await this.#wait(file, signal, (progress) => tell(progress, true))
    if (await isThere()) return false
    const record = await readRecord(this.recordPath(file.name))
    const { sha256 = record?.sha256, bytes = record?.bytes } = file
    const [path, part] = [this.path(file.name), this.#partPath(file.name)]
    const onWhole = (whole: WholeFile) => this.#record(file.name, whole, url)
    try {
      await download(
        { url, path, part, sha256, bytes, patient, onWhole, onProgress: (step) => tell(step, false) },
        signal,
      )
    } catch (error) {
      throw file.sha256 === undefined && record !== undefined ? this.#explain(error, file.name) : error
    }
    return true
  }

  /** Copies a file of this machine into the folder under its catalogue name. Throws `invalid` when it is not what it should be. */
  async adopt(source: string, file: ModelFile, signal: AbortSignal): Promise<string> {
    await using _lock = await this.#wait(file, signal, () => undefined)
    const record = await readRecord(this.recordPath(file.name))
    const { sha256 = record?.sha256, bytes = record?.bytes } = file
    const size = await sizeOf(source)
    if (size === 0) throw new EngineError('not-found', `Expected a file with content at ${source}, found none`)
    await mkdir(this.folder, { recursive: true })
    await expectRoom(this.path(file.name), size)
    await using part = await PartialFile.open(this.#partPath(file.name))
    try {
      await part.begin({ url: resolve(source), etag: null, lastModified: null, total: size })
      for await (const chunk of createReadStream(source) as AsyncIterable<Buffer>) {
        if (signal.aborted) throw new EngineError('cancelled', `The import of ${source} was cancelled`)
        await part.append(chunk)
      }
      if (bytes !== undefined && part.size !== bytes)
        throw new EngineError(
          'invalid',
          `Expected ${source} to have the ${bytes} bytes of ${file.name}, received ${part.size}`,
        )
      if (sha256 !== undefined && part.digest() !== sha256)
        throw new EngineError(
          'invalid',
          `Expected ${source} to have SHA-256 ${sha256} of ${file.name}, received ${part.digest()}`,
        )
      await this.#record(
        file.name,
        { sha256: part.digest(), bytes: part.size, mtimeMs: await part.settle() },
        resolve(source),
      )
      await part.place(this.path(file.name))
    } catch (error) {
      await part.discard()
      throw file.sha256 === undefined && record !== undefined ? this.#explain(error, file.name) : error
    }
    return this.path(file.name)
  }

  /** Removes a file and what is left of a fetch; its record stays. Gives the bytes it had, 0 for none. Throws `conflict` while it is being fetched. */
  async remove(file: string): Promise<number> {
    await using lock = await tryLock(this.#lockPath(file))
    if (lock === undefined)
      throw new EngineError(
        'conflict',
        `Expected ${file} to be at rest, but it is being fetched. Stop that, then try again`,
      )
    const files = [this.path(file), this.#partPath(file), `${this.#partPath(file)}.json`]
    const sizes = await Promise.all(files.map((path) => sizeOf(path)))
    for (const path of files) await rm(path, { force: true })
    return sizes.reduce((sum, size) => sum + size, 0)
  }

  /** Bytes of a fetch that was broken off and goes on with the next one; 0 for none. */
  partBytes(file: string): Promise<number> {
    return sizeOf(this.#partPath(file))
  }

  #wait(
    { name, bytes }: ModelFile,
    signal: AbortSignal,
    tell: (progress: DownloadProgress) => void,
  ): Promise<FileLock> {
    return waitForLock(this.#lockPath(name), signal, async () => {
      const part = this.#partPath(name)
      const total = (await readOrigin(part))?.total ?? bytes ?? null
      tell({ received: await sizeOf(part), total })
    })
  }

  /** Written before the file is in its place: a file of ours always has its record. */
  #record(file: string, whole: WholeFile, source: string): Promise<void> {
    return writeRecord(this.recordPath(file), whole, source)
  }

  #explain(error: unknown, file: string): unknown {
    if (!(error instanceof EngineError) || error.code !== 'invalid') return error
    const record = this.recordPath(file)
    const message = `${error.message}. That is what ${file} was when it first came; to accept another one: rm ${record}`
    return new EngineError('invalid', message, { cause: error })
  }

  #partPath(file: string): string {
    return join(this.folder, 'parts', file)
  }

  #lockPath(file: string): string {
    return join(this.folder, 'parts', `${file}.lock`)
  }
}

async function sizeOf(path: string): Promise<number> {
  try {
    return (await stat(path)).size
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ENOTDIR') return 0
    throw new EngineError('unavailable', `Expected to find ${path} in ${dirname(path)}: ${messageOf(error)}`, {
      cause: error,
    })
  }
}

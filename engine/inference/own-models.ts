import { rm, stat } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { EngineError, messageOf } from '../errors.ts'
import type { ModelFile } from './catalogue-schema.ts'
import { copyModel } from './copy-model.ts'
import type { DownloadProgress } from './fetch-once.ts'
import { type FileLock, tryLock, waitForLock } from './file-lock.ts'
import { type Download, download, type WholeFile } from './model-download.ts'
import { readRecord, writeRecord } from './model-record.ts'
import { readOrigin } from './partial-file.ts'

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

/** Where a file is brought, and what it must be. */
type Place = Pick<Download, 'path' | 'part' | 'sha256' | 'bytes' | 'onWhole'>

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
    const lock = await this.#wait(file, signal, (progress) => tell(progress, true))
    try {
      if (await isThere()) return false
      await this.#bring(file, url, (place) =>
        download({ ...place, url, patient, onProgress: (step) => tell(step, false) }, signal),
      )
      return true
    } finally {
      await lock[Symbol.asyncDispose]()
    }
  }

  /** Copies a file of this machine into the folder under its catalogue name. Throws `not-found`, and as `copyModel` does. */
  async adopt(source: string, file: ModelFile, signal: AbortSignal): Promise<string> {
    const size = await sizeOf(source)
    if (size === 0) throw new EngineError('not-found', `Expected a file with content at ${source}, found none`)
    const lock = await this.#wait(file, signal, () => undefined)
    try {
      await this.#bring(file, resolve(source), (place) => copyModel({ ...place, source, size }, signal))
      return this.path(file.name)
    } finally {
      await lock[Symbol.asyncDispose]()
    }
  }

  /** Removes a file and what is left of a fetch; its record stays. Gives the bytes it had, 0 for none. Throws `conflict` while it is being fetched. */
  async remove(file: string): Promise<number> {
    const lock = await tryLock(this.#lockPath(file))
    if (lock === undefined) {
      const message = `Expected ${file} to be at rest, but it is being fetched. Stop that, then try again`
      throw new EngineError('conflict', message)
    }
    try {
      const files = [this.path(file), this.#partPath(file), `${this.#partPath(file)}.json`]
      const sizes = await Promise.all(files.map((path) => sizeOf(path)))
      for (const path of files) await rm(path, { force: true })
      return sizes.reduce((sum, size) => sum + size, 0)
    } finally {
      await lock[Symbol.asyncDispose]()
    }
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

  /** Has the file brought into place, held to what it should be, and recorded just before: a file of ours always has its record. */
  async #bring(file: ModelFile, source: string, bring: (place: Place) => Promise<unknown>): Promise<void> {
    const record = await readRecord(this.recordPath(file.name))
    const { sha256 = record?.sha256, bytes = record?.bytes } = file
    const onWhole = (whole: WholeFile) => writeRecord(this.recordPath(file.name), whole, source)
    try {
      await bring({ path: this.path(file.name), part: this.#partPath(file.name), sha256, bytes, onWhole })
    } catch (error) {
      throw file.sha256 === undefined && record !== undefined ? this.#explain(error, file.name) : error
    }
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

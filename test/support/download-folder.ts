import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Download, download, type WholeFile } from '../../engine/inference/model-download.ts'
import type { FileServer } from './file-server.ts'

/** What the tests' servers serve. */
export const content = Buffer.from(Array.from({ length: 300_000 }, (_, i) => (i * 7919) >> 3))
export const sha256 = createHash('sha256').update(content).digest('hex')
/** How much of it comes before a server breaks off. */
export const half = 120_000
/** What may pass is not waited out. */
export const impatient = { patient: false }

const never = new AbortController().signal

/** A folder into which one file is downloaded; disposing removes it. */
export class DownloadFolder implements AsyncDisposable {
  readonly folder: string
  /** Bytes of the file that have come so far. */
  received = 0

  private constructor(folder: string) {
    this.folder = folder
  }

  static async create(): Promise<DownloadFolder> {
    return new DownloadFolder(await mkdtemp(join(tmpdir(), 'hailstream-download-')))
  }

  get path(): string {
    return join(this.folder, 'model.onnx')
  }

  get part(): string {
    return join(this.folder, 'parts/model.onnx')
  }

  pull(
    { url }: { readonly url: string } | FileServer,
    options: Partial<Download> = {},
    signal = never,
  ): Promise<WholeFile> {
    const onProgress: Download['onProgress'] = (step) => {
      this.received = step.received
      options.onProgress?.(step)
    }
    return download({ url, path: this.path, part: this.part, ...options, onProgress }, signal)
  }

  /** What lies in place: nothing, or the whole file. */
  async placed(): Promise<Buffer | undefined> {
    return existsSync(this.path) ? readFile(this.path) : undefined
  }

  /** Bytes that are kept for the next try. */
  async partBytes(): Promise<number> {
    return existsSync(this.part) ? (await readFile(this.part)).length : 0
  }

  async leftBeside(): Promise<string[]> {
    return readdir(join(this.folder, 'parts'))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.folder, { recursive: true })
  }
}

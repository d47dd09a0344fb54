import { createHash, type Hash } from 'node:crypto'
import { type FileHandle, mkdir, open, readFile, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { z } from 'zod'
import { onDisk, writeWhole } from './whole-file.ts'

const originSchema = z.strictObject({
  url: z.string(),
  /** What the server calls this content: a strong ETag, or else the date of its last change. */
  etag: z.string().nullable(),
  lastModified: z.string().nullable(),
  /** Bytes of the whole, where the server said. */
  total: z.number().int().nonnegative().nullable(),
})

/** What a part on disk is a part of. It is written before the part's first byte. */
export type Origin = Readonly<z.output<typeof originSchema>>

/**
 * A file that comes piece by piece and outlives this process: what was appended is there again when it is opened next. Whoever opens it has
 * to be the only one (see `waitForLock`), and disposes it. Throws `unavailable` when the disk refuses.
 */
export class PartialFile implements AsyncDisposable {
  readonly path: string
  readonly #file: FileHandle
  #origin: Origin | undefined
  #hash: Hash = createHash('sha256')
  #size = 0

  private constructor(path: string, file: FileHandle, origin: Origin | undefined) {
    this.path = path
    this.#file = file
    this.#origin = origin
  }

  /** Opens the part, which may be empty, and reads what is there for the hash. */
  static async open(path: string): Promise<PartialFile> {
    return onDisk(path, async () => {
      await mkdir(dirname(path), { recursive: true })
      const file = await open(path, 'a+')
      const part = new PartialFile(path, file, await readOrigin(path))
      await part.#readAgain()
      return part
    })
  }

  /** Bytes that are there. */
  get size(): number {
    return this.#size
  }

  /** What they are, or the first one will be, a part of. */
  get origin(): Origin | undefined {
    return this.#origin
  }

  /** Drops what is there: what comes next is of this origin. */
  async begin(origin: Origin): Promise<void> {
    await this.#empty()
    await writeWhole(originPath(this.path), [Buffer.from(`${JSON.stringify(origin)}\n`)])
    this.#origin = origin
  }

  async append(chunk: Uint8Array): Promise<void> {
    await onDisk(this.path, () => this.#file.appendFile(chunk))
    this.#hash.update(chunk)
    this.#size += chunk.byteLength
  }

  /** SHA-256 of what is there, as hexadecimal text. */
  digest(): string {
    return this.#hash.copy().digest('hex')
  }

  /** Time of the last change in ms, as the file will have it where it is placed; what was appended is on the disk then. */
  async settle(): Promise<number> {
    return onDisk(this.path, async () => {
      await this.#file.sync()
      return (await this.#file.stat()).mtimeMs
    })
  }

  /** Moves the settled file to its place: it is there as a whole or not at all. */
  async place(target: string): Promise<void> {
    await onDisk(target, async () => {
      await mkdir(dirname(target), { recursive: true })
      await rename(this.path, target)
      const folder = await open(dirname(target))
      await folder.sync().finally(() => folder.close())
    })
    await rm(originPath(this.path), { force: true })
  }

  /** Drops what is there, and gives its room back; it may begin again. */
  async clear(): Promise<void> {
    await this.#empty()
    await rm(originPath(this.path), { force: true })
  }

  /** As `clear`, and leaves no file behind: the end of this part. */
  async discard(): Promise<void> {
    await this.clear()
    await rm(this.path, { force: true })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#file.close()
  }

  async #empty(): Promise<void> {
    await onDisk(this.path, () => this.#file.truncate(0))
    this.#origin = undefined
    this.#hash = createHash('sha256')
    this.#size = 0
  }

  async #readAgain(): Promise<void> {
    for await (const chunk of this.#file.createReadStream({ start: 0, autoClose: false }) as AsyncIterable<Buffer>) {
      this.#hash.update(chunk)
      this.#size += chunk.byteLength
    }
  }
}

/** How far another process is with a part: its bytes' origin, undefined where nothing is there. */
export async function readOrigin(part: string): Promise<Origin | undefined> {
  try {
    return originSchema.parse(JSON.parse(await readFile(originPath(part), 'utf8')))
  } catch {
    // Absent or unreadable: then nobody knows what the part is of, and it is fetched anew.
    return undefined
  }
}

function originPath(part: string): string {
  return `${part}.json`
}

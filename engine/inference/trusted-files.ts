import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { EngineError, messageOf } from '../errors.ts'
import { writeWhole } from './whole-file.ts'

const recordsSchema = z.record(z.string(), z.string().regex(/^[0-9a-f]{64}$/))

/** SHA-256 of files by their path, in `<state>/trusted-files.json`: what a file was when it was first used, it has to be from then on. */
export class TrustedFiles {
  readonly #path: string
  readonly #hashOf: (path: string) => Promise<string>
  #last: Promise<unknown> = Promise.resolve()

  /** `hashOf`: SHA-256 of what is in a file now. */
  constructor(stateFolder: string, hashOf: (path: string) => Promise<string>) {
    this.#path = join(stateFolder, 'trusted-files.json')
    this.#hashOf = hashOf
  }

  /** Why the file is not to be used; undefined when it is what it was, or is seen for the first time. */
  distrust(path: string): Promise<string | undefined> {
    const next = this.#last.then(() => this.#check(path))
    this.#last = next.catch(() => undefined)
    return next
  }

  /** As `distrust`, but throws `unavailable` with it. */
  async expect(path: string): Promise<void> {
    const reason = await this.distrust(path)
    if (reason !== undefined) throw new EngineError('unavailable', reason)
  }

  async #check(path: string): Promise<string | undefined> {
    try {
      // Each time: somebody removes a line of it while the engine runs, as the message below says.
      const [records, hash] = [await this.#read(), await this.#hashOf(path)]
      const known = records[path]
      if (known === hash) return undefined
      if (known !== undefined) return this.#changed(path, known, hash)
      records[path] = hash
      await writeWhole(this.#path, [Buffer.from(`${JSON.stringify(records, null, 2)}\n`)])
      return undefined
    } catch (error) {
      if (!(error instanceof EngineError) && (error as NodeJS.ErrnoException).code === undefined) throw error
      return messageOf(error)
    }
  }

  #changed(path: string, known: string, hash: string): string {
    const expected = `Expected ${path} to be what it was at its first use (SHA-256 ${known}), received ${hash}`
    return `${expected}. If it was replaced on purpose, remove its line from ${this.#path}`
  }

  async #read(): Promise<Record<string, string>> {
    try {
      return recordsSchema.parse(JSON.parse(await readFile(this.#path, 'utf8')))
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return {}
      const message = `Expected hashes by path in ${this.#path}: ${messageOf(error)}. Remove it to record the files anew`
      throw new EngineError('unavailable', message, { cause: error })
    }
  }
}

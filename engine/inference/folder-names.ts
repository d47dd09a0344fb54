import { readdir } from 'node:fs/promises'
import { basename, dirname } from 'node:path'

/**
 * The names in folders, each folder read once. For one look at many files, most of which are not there: what comes or goes meanwhile is
 * seen by the next look.
 */
export class FolderNames {
  readonly #folders = new Map<string, Promise<ReadonlySet<string> | undefined>>()

  /** False only where the path surely is not there: a folder that cannot be listed may let one in who knows a name. */
  async mayHave(path: string): Promise<boolean> {
    const folder = dirname(path)
    const names = this.#folders.get(folder) ?? namesIn(folder)
    this.#folders.set(folder, names)
    return (await names)?.has(basename(path)) ?? true
  }
}

async function namesIn(folder: string): Promise<ReadonlySet<string> | undefined> {
  try {
    return new Set(await readdir(folder))
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    return code === 'ENOENT' || code === 'ENOTDIR' ? new Set() : undefined
  }
}

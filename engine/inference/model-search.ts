import { createHash } from 'node:crypto'
import { constants, createReadStream } from 'node:fs'
import { access, stat } from 'node:fs/promises'
import { userInfo } from 'node:os'
import { dirname, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { EngineError, messageOf } from '../errors.ts'
import { projectRoot } from '../root.ts'
import { artefactOf } from './catalogue.ts'
import type { BackendName, CatalogueModel, ModelFile } from './catalogue-schema.ts'
import { FolderNames } from './folder-names.ts'
import { type FileRecord, readRecord } from './model-record.ts'
import { findInOllama } from './ollama-store.ts'

/** Of what an installed package carries. */
export const carriedWhy = 'comes with the installation'

/** A file of a model that is looked for; `index` counts the artefact's files from 0. */
export interface WantedFile {
  readonly model: CatalogueModel
  readonly file: ModelFile
  readonly index: number
}

/** A place where a file may lie, and what it has to be there. */
export interface Candidate {
  readonly path: string
  readonly why: string
  /** Only our own folder is written. */
  readonly isOurs: boolean
  readonly sha256?: string | undefined
  readonly bytes?: number | undefined
  /** While the file has this time of its last change, it has that hash. */
  readonly hashedAtMs?: number | undefined
}

/** Where models are searched, in this order. */
export interface SearchedPlaces {
  /** Read-only folders by file name; one that holds an Ollama store is searched as such too. */
  readonly folders: readonly { readonly folder: string; readonly why: string }[]
  /** The only folder that is written, and where its records lie. */
  readonly own: string
  readonly recordPath: (file: string) => string
  readonly ollama: readonly string[]
}

type Found = 'good' | 'absent' | { readonly problem: string }

/** The files of an artefact that are wanted for a backend. Throws `not-found` for a backend that the model is not there for. */
export function wantedFiles(model: CatalogueModel, backend: BackendName): WantedFile[] {
  return artefactOf(model, backend).files.map((file, index) => ({ model, file, index }))
}

/** Looks for the files of models where they may lie already. Reads only, and asks nobody else. */
export class ModelSearch {
  readonly #places: SearchedPlaces
  readonly #hashes = new Map<string, Promise<string>>()

  constructor(places: SearchedPlaces) {
    this.#places = places
  }

  /**
   * The first place that has the file, whole and as it should be; else what is wrong with those that have one, nothing where none has.
   * Who looks for many files at once gives the same `names` with each.
   */
  async look(
    wanted: WantedFile,
    names = new FolderNames(),
  ): Promise<Candidate | { readonly problems: readonly string[] }> {
    const problems: string[] = []
    for await (const candidate of this.#candidates(wanted, names, problems)) {
      if (!(await names.mayHave(candidate.path))) continue
      const found = await this.#check(candidate, wanted.model.name)
      if (found === 'good') return candidate
      if (found !== 'absent') problems.push(found.problem)
    }
    return { problems }
  }

  /** Every place that has a file of that name, whatever is in it, and what could not be looked at. */
  async copies(
    wanted: WantedFile,
  ): Promise<{ readonly candidates: readonly Candidate[]; readonly problems: readonly string[] }> {
    const problems: string[] = []
    const candidates: Candidate[] = []
    for await (const candidate of this.#candidates(wanted, new FolderNames(), problems)) {
      const problem = await rightsProblem(candidate.path)
      if (problem === 'absent') continue
      if (problem !== undefined) problems.push(problem)
      else candidates.push(candidate)
    }
    return { candidates, problems }
  }

  /** SHA-256 of a file as it is now, read once as long as its size and time stay. */
  async hashOf(path: string): Promise<string> {
    const { size, mtimeMs } = await stat(path)
    const version = `${path} ${size} ${mtimeMs}`
    const known = this.#hashes.get(version)
    if (known !== undefined) return known
    const found = hashFile(path)
    this.#hashes.set(version, found)
    // What could not be read once, for want of a descriptor, is read again.
    found.catch(() => this.#hashes.delete(version))
    return found
  }

  async *#candidates(wanted: WantedFile, names: FolderNames, problems: string[]): AsyncGenerator<Candidate> {
    const { file } = wanted
    const { folders, own, recordPath, ollama } = this.#places
    const { sha256, bytes } = file
    for (const { folder, why } of folders) {
      yield { path: join(folder, file.name), why, isOurs: false, sha256, bytes }
      yield* this.#inOllama(folder, wanted, names, problems)
    }
    const record = await this.#record(recordPath(file.name), names, problems)
    yield {
      path: join(own, file.name),
      why: 'found among the downloaded models',
      isOurs: true,
      sha256: sha256 ?? record?.sha256,
      bytes: bytes ?? record?.bytes,
      hashedAtMs: record?.sha256 === (sha256 ?? record?.sha256) ? record?.mtimeMs : undefined,
    }
    for (const folder of ollama) yield* this.#inOllama(folder, wanted, names, problems)
    if (file.carried !== undefined)
      yield { path: join(projectRoot, 'node_modules', file.carried), why: carriedWhy, isOurs: false, sha256, bytes }
  }

  async #record(path: string, names: FolderNames, problems: string[]): Promise<FileRecord | undefined> {
    try {
      return (await names.mayHave(path)) ? await readRecord(path) : undefined
    } catch (error) {
      problems.push(messageOf(error))
      return undefined
    }
  }

  async *#inOllama(
    folder: string,
    { model, file, index }: WantedFile,
    names: FolderNames,
    problems: string[],
  ): AsyncGenerator<Candidate> {
    const name = model.llama?.ollama
    if (name === undefined || !file.name.endsWith('.gguf')) return
    if (!(await names.mayHave(join(folder, 'manifests')))) return
    try {
      const blob = (await findInOllama(folder, name))?.[index]
      if (blob !== undefined) yield { ...blob, why: `found in the Ollama store ${folder} as ${name}`, isOurs: false }
    } catch (error) {
      if (!(error instanceof EngineError)) throw error
      problems.push(isRights(error.cause) ? rightsText(folder, 'the folder of an Ollama store') : error.message)
    }
  }

  async #check(candidate: Candidate, name: string): Promise<Found> {
    const { path, sha256, bytes, hashedAtMs } = candidate
    const problem = await rightsProblem(path)
    if (problem !== undefined) return problem === 'absent' ? 'absent' : { problem }
    const file = await stat(path)
    if (!file.isFile() || file.size === 0) return { problem: `Expected a model in ${path}, found nothing in it` }
    if (bytes !== undefined && file.size !== bytes)
      return { problem: `Expected ${path} (${name}) to have ${bytes} bytes, received ${file.size}` }
    // A digest of Ollama's is its file's name: reading gigabytes again at each start would tell nothing that `verify` does not.
    if (sha256 === undefined || hashedAtMs === file.mtimeMs || path.endsWith(`sha256-${sha256}`)) return 'good'
    const hash = await this.hashOf(path)
    if (hash === sha256) return 'good'
    return { problem: `Expected ${path} (${name}) to have SHA-256 ${sha256}, received ${hash}` }
  }
}

/** SHA-256 of what is in the file now, as hexadecimal text. */
export async function hashFile(path: string): Promise<string> {
  const hash = createHash('sha256')
  await pipeline(createReadStream(path), hash)
  return hash.digest('hex')
}

/** Why the file cannot be read, with what to do; undefined when it can. */
async function rightsProblem(path: string): Promise<string | 'absent' | undefined> {
  try {
    await access(path, constants.R_OK)
    return undefined
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ENOTDIR') return 'absent'
    return isRights(error) ? rightsText(path, 'the file') : messageOf(error)
  }
}

function isRights(error: unknown): boolean {
  const { code } = (error ?? {}) as NodeJS.ErrnoException
  return code === 'EACCES' || code === 'EPERM'
}

function rightsText(path: string, what: string): string {
  return `Expected user ${userName()} to have the right to read ${path}. Try: sudo chmod a+rX ${dirname(path)} ${path}, or give the user the group of ${what}`
}

function userName(): string {
  try {
    return userInfo().username
  } catch {
    // A user without an entry in the system's list has a number only.
    return String(process.getuid?.())
  }
}

import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import type { Logger } from 'pino'
import { EngineError, messageOf } from '../errors.ts'
import { artefactOf, type Catalogue } from './catalogue.ts'
import type { BackendName, CatalogueModel, ModelFile } from './catalogue-schema.ts'
import { bundledStem, convertBundled, isBundled } from './import-tfjs.ts'
import { type DownloadProgress, download } from './model-download.ts'
import { isRefusedByDisk } from './whole-file.ts'

/** A mirror that lacked a file is asked for it again after this; one that did not answer is not asked for anything before. */
const askAgainMs = 60_000
/** A live stream asks for its model with every frame, and a conversion takes the engine's own time: not more often than this while the disk is full. */
const writeAgainMs = 2000
/** Files are looked at so often at most for `status`, which monitors ask many times a second. */
const lookAgainMs = 1000
const bundledWhy = 'comes with the installation'

/** Where a model's file lies and how it came there, or why there is none. */
export type ModelPlace = { readonly path: string; readonly why: string } | { readonly missing: string }

/** A file of a model that is looked for. */
interface Wanted extends ModelFile {
  readonly model: CatalogueModel
}

interface Refusal {
  readonly reason: string
  /** It holds until this time of `performance.now()`. */
  readonly until: number
}

/** Whether a model’s file is here. */
export interface ModelStatus {
  readonly name: string
  readonly task: string
  readonly state: 'available' | 'missing'
  readonly why: string
}

/** Where models may be. */
export interface ModelStoreOptions {
  readonly catalogue: Catalogue
  /** Files are written in `<stateFolder>/models`. */
  readonly stateFolder: string
  /** Folders searched, never written. */
  readonly paths: readonly string[]
  /** A folder or an http(s) address that holds the artefacts by file name; null: none. */
  readonly mirror: string | null
  readonly log: Logger
  /** Told of each file that was to be written: undefined when it is there, or what the disk refused. */
  readonly onWritten?: (refusal: EngineError | undefined) => void
}

/**
 * Finds the files of models: in `paths`, in the mirror, in its own folder, in an installed package. It fetches from a
 * mirror that was configured, and from the public address only by `pull`.
 */
export class ModelStore implements AsyncDisposable {
  readonly #options: ModelStoreOptions
  readonly #folder: string
  readonly #closing = new AbortController()
  /** One search at a time per model, shared by all who ask. */
  readonly #searches = new Map<string, Promise<ModelPlace>>()
  /** By model: what the mirror was last asked for in vain, or the disk did not take. */
  readonly #refusals = new Map<string, Refusal>()
  /** The mirror itself did not answer: no model has to wait for it another time. */
  #silence: Refusal | undefined
  #looked: { readonly at: number; readonly statuses: Promise<ModelStatus[]> } | undefined
  readonly #hashes = new Map<string, Promise<string>>()

  constructor(options: ModelStoreOptions) {
    this.#options = options
    this.#folder = join(options.stateFolder, 'models')
  }

  /**
   * Where the model is. May convert a bundled model or fetch from the mirror, never from a public address; what goes
   * wrong on the way is the reason it is `missing`. Throws `not-found` for a name that the catalogue lacks.
   */
  async locate(name: string, backend: BackendName = 'onnx'): Promise<ModelPlace> {
    if (this.#closing.signal.aborted) throw new EngineError('closed', 'The model store is closed')
    const model = this.#options.catalogue.model(name)
    const file = artefactOf(model, backend).files[0]!
    const key = file.name
    const search = this.#searches.get(key) ?? this.#search({ ...file, model }).finally(() => this.#searches.delete(key))
    this.#searches.set(key, search)
    return search
  }

  /** Fetches a model that is not here, from the mirror or else from its public address. Throws as `download` does. */
  async pull(
    name: string,
    signal: AbortSignal,
    onProgress?: (progress: DownloadProgress) => void,
  ): Promise<{ readonly path: string; readonly why: string }> {
    const model = this.#options.catalogue.model(name)
    const place = await this.locate(name)
    if ('path' in place) return place
    const file = artefactOf(model, 'onnx').files[0]!
    if (file.url === undefined) throw new EngineError('unavailable', place.missing)
    const ends = AbortSignal.any([signal, this.#closing.signal])
    const path = await this.#fetch({ ...file, model }, file.url, ends, onProgress)
    return { path, why: `fetched from ${new URL(file.url).host}` }
  }

  /** Every model of the catalogue as it was within the last second, without fetching or converting anything. */
  status(): Promise<ModelStatus[]> {
    const now = performance.now()
    if (this.#looked === undefined || now - this.#looked.at >= lookAgainMs)
      this.#looked = { at: now, statuses: this.#lookAtAll() }
    return this.#looked.statuses
  }

  #lookAtAll(): Promise<ModelStatus[]> {
    return Promise.all(
      this.#options.catalogue.models
        .filter(({ onnx }) => onnx?.plan !== undefined)
        .map(async (model) => {
          const { name, task } = model
          if (isBundled(model)) return { name, task, state: 'available' as const, why: bundledWhy }
          const place = await this.#lookAround({ ...artefactOf(model, 'onnx').files[0]!, model })
          if ('path' in place) return { name, task, state: 'available' as const, why: place.why }
          return { name, task, state: 'missing' as const, why: place.missing }
        }),
    )
  }

  /** Ends fetches under way. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort()
    await Promise.allSettled(this.#searches.values())
  }

  async #search(wanted: Wanted): Promise<ModelPlace> {
    if (isBundled(wanted.model)) return this.#convert(wanted.model)
    const place = await this.#lookAround(wanted)
    if ('path' in place || this.#mirrorAddress() === null || this.#refusalOf(wanted.name)) return place
    return this.#ask(wanted)
  }

  async #convert(model: Parameters<typeof convertBundled>[0]): Promise<ModelPlace> {
    const refusal = lasting(this.#refusals.get(bundledStem(model)))
    if (refusal) return { missing: refusal.reason }
    try {
      const { path, converted } = await convertBundled(model, this.#folder)
      if (converted) {
        this.#options.onWritten?.(undefined)
        this.#options.log.info({ model: model.name, licence: model.licence, path }, 'converted a bundled model')
      }
      return { path, why: bundledWhy }
    } catch (error) {
      if (!(error instanceof EngineError)) throw error
      return { missing: isRefusedByDisk(error) ? this.#refuse(bundledStem(model), error) : error.message }
    }
  }

  /** Looks at files only. */
  async #lookAround(wanted: Wanted): Promise<ModelPlace> {
    const problems: string[] = []
    for (const { folder, why } of this.#folders()) {
      const path = join(folder, wanted.name)
      const found = await this.#check(path, wanted)
      if (found === 'good') return { path, why }
      if (found !== 'absent') problems.push(found.problem)
    }
    return { missing: problems.length > 0 ? problems.join('; ') : this.#whyMissing(wanted.name) }
  }

  #folders(): { folder: string; why: string }[] {
    const { paths, mirror } = this.#options
    const found = paths.map((folder) => ({ folder, why: 'found in models.paths' }))
    if (mirror !== null && this.#mirrorAddress() === null) found.push({ folder: mirror, why: 'found in the mirror' })
    return [...found, { folder: this.#folder, why: 'found among the downloaded models' }]
  }

  #whyMissing(file: string): string {
    const { mirror } = this.#options
    const place = mirror === null ? 'models.paths, and there is no mirror' : 'models.paths or the mirror'
    return this.#refusalOf(file)?.reason ?? `${file} is not in ${place}`
  }

  async #check(path: string, { model, sha256 }: Wanted): Promise<'good' | 'absent' | { readonly problem: string }> {
    try {
      const file = await stat(path)
      if (!file.isFile() || file.size === 0) return { problem: `Expected a model in ${path}, found nothing in it` }
      if (sha256 === undefined) return 'good'
      const hash = await this.#hashOf(path, `${path} ${file.size} ${file.mtimeMs}`)
      return hash === sha256
        ? 'good'
        : { problem: `Expected ${path} (${model.name}) to have SHA-256 ${sha256}, received ${hash}` }
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      return code === 'ENOENT' || code === 'ENOTDIR' ? 'absent' : { problem: messageOf(error) }
    }
  }

  #hashOf(path: string, version: string): Promise<string> {
    const known = this.#hashes.get(version)
    if (known !== undefined) return known
    const hash = createHash('sha256')
    const found = pipeline(createReadStream(path), hash).then(() => hash.digest('hex'))
    this.#hashes.set(version, found)
    // What could not be read once, for want of a descriptor, is read again.
    found.catch(() => this.#hashes.delete(version))
    return found
  }

  #mirrorAddress(): string | null {
    const { mirror } = this.#options
    return mirror !== null && /^https?:\/\//.test(mirror) ? mirror.replace(/\/*$/, '/') : null
  }

  /** What the mirror said not long ago. */
  #refusalOf(file: string): Refusal | undefined {
    return lasting(this.#refusals.get(file)) ?? lasting(this.#silence)
  }

  async #ask(wanted: Wanted): Promise<ModelPlace> {
    try {
      const path = await this.#fetch(wanted, `${this.#mirrorAddress()}${wanted.name}`, this.#closing.signal)
      return { path, why: 'fetched from the mirror' }
    } catch (error) {
      if (!(error instanceof EngineError)) throw error
      return { missing: isRefusedByDisk(error) ? this.#refuse(wanted.name, error) : this.#remember(wanted, error) }
    }
  }

  /** Not the mirror's fault: once there is room, the next who asks gets the model. */
  #refuse(file: string, error: EngineError): string {
    this.#refusals.set(file, { reason: error.message, until: performance.now() + writeAgainMs })
    this.#options.onWritten?.(error)
    return error.message
  }

  #remember({ name, model }: Wanted, { code, message }: EngineError): string {
    const refusal = { reason: `not from the mirror: ${message}`, until: performance.now() + askAgainMs }
    this.#refusals.set(name, refusal)
    if (code === 'unavailable' || code === 'timeout') this.#silence = refusal
    if (code !== 'not-found')
      this.#options.log.warn({ model: model.name, reason: refusal.reason }, 'the mirror gave no model')
    return refusal.reason
  }

  async #fetch(wanted: Wanted, url: string, signal: AbortSignal, onProgress?: (progress: DownloadProgress) => void) {
    const { sha256, bytes, name, model } = wanted
    const path = join(this.#folder, name)
    await download({ url, path, sha256, bytes, onProgress }, signal)
    this.#looked = undefined
    this.#options.onWritten?.(undefined)
    this.#options.log.info({ model: model.name, licence: model.licence, url, path }, 'fetched a model')
    return path
  }
}

function lasting(refusal: Refusal | undefined): Refusal | undefined {
  return refusal !== undefined && refusal.until > performance.now() ? refusal : undefined
}

import { join } from 'node:path'
import type { Logger } from 'pino'
import { EngineError } from '../errors.ts'
import type { Catalogue, VisionBackendName } from './catalogue.ts'
import type { BackendName, CatalogueModel } from './catalogue-schema.ts'
import { FolderNames } from './folder-names.ts'
import { type BundledModel, bundledStem, convertBundled, isBundled } from './import-tfjs.ts'
import { carriedWhy, ModelSearch, type WantedFile, wantedFiles } from './model-search.ts'
import { type FetchProgress, OwnModels } from './own-models.ts'
import { RecentLook } from './recent-look.ts'
import { Refusals } from './refusals.ts'
import { isRefusedByDisk } from './whole-file.ts'

/** A mirror that lacked a file is asked for it again after this; one that did not answer is not asked for anything before. */
const askAgainMs = 60_000
/** A live stream asks for its model with every frame, and a conversion takes the engine's own time: not more often than this while the disk is full. */
const writeAgainMs = 2000
/** Where Hailo's Debian packages put models. */
const packagedFolder = '/usr/share/hailo-models'

/** Where a model's file lies and how it came there, or why there is none. */
export type ModelPlace = { readonly path: string; readonly why: string } | { readonly missing: string }
/** The same for all files of an artefact, in the catalogue's order. */
export type ModelPlaces = { readonly paths: readonly string[]; readonly why: string } | { readonly missing: string }

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
  /** Folders searched, never written; one may be an Ollama store. */
  readonly paths: readonly string[]
  /** The folder of Debian packages with models, searched next; left out: Hailo's. */
  readonly packaged?: string
  /** A folder or an http(s) address that holds the artefacts by file name; null: none. */
  readonly mirror: string | null
  /** Ollama stores searched beside, never written; left out: none. */
  readonly ollama?: readonly string[]
  readonly log: Logger
  /** Told of each file that was to be written: undefined when it is there, or what the disk refused. */
  readonly onWritten?: (refusal: EngineError | undefined) => void
}

/** What `pull` may be told. */
export interface PullOptions {
  /** Left out: ONNX Runtime. */
  readonly backend?: BackendName
  readonly onProgress?: (progress: FetchProgress) => void
}

/**
 * Finds the files of models: in `paths`, among the system's, in the mirror, in its own folder, in Ollama stores, in an installed
 * package. It fetches from a mirror that was configured, and from the public address only by `pull`.
 */
export class ModelStore implements AsyncDisposable {
  readonly search: ModelSearch
  readonly own: OwnModels
  readonly #options: ModelStoreOptions
  readonly #closing = new AbortController()
  /** One search at a time per file, shared by all who ask. */
  readonly #searches = new Map<string, Promise<ModelPlace>>()
  /** By file: what the disk did not take. */
  readonly #diskRefusals = new Refusals()
  /** By file: what the mirror was last asked for in vain. When it did not answer at all, no model has to wait for it another time. */
  readonly #mirrorRefusals = new Refusals()
  readonly #looks = new Map<VisionBackendName, RecentLook<ModelStatus[]>>()

  constructor(options: ModelStoreOptions) {
    this.#options = options
    const { paths, packaged = packagedFolder, mirror, ollama = [] } = options
    const own = new OwnModels(join(options.stateFolder, 'models'))
    const folders = paths.map((folder) => ({ folder, why: 'found in models.paths' }))
    folders.push({ folder: packaged, why: `found in ${packaged}` })
    if (mirror !== null && this.#mirrorAddress() === null) folders.push({ folder: mirror, why: 'found in the mirror' })
    this.own = own
    this.search = new ModelSearch({ folders, own: own.folder, recordPath: (file) => own.recordPath(file), ollama })
  }

  /**
   * Where the model is; of an artefact with several files, its first. May convert a bundled model or fetch from the mirror, never from a public address;
   * what goes wrong on the way is the reason it is `missing`. Throws `not-found` for a name or a backend that the catalogue lacks.
   */
  async locate(name: string, backend: BackendName = 'onnx'): Promise<ModelPlace> {
    const places = await this.locateFiles(name, backend)
    return 'missing' in places ? places : { path: places.paths[0]!, why: places.why }
  }

  /** As `locate`, for all files of the artefact. */
  async locateFiles(name: string, backend: BackendName = 'onnx'): Promise<ModelPlaces> {
    if (this.#closing.signal.aborted) throw new EngineError('closed', 'The model store is closed')
    const model = this.#options.catalogue.model(name)
    if (backend === 'onnx' && isBundled(model))
      return together([await this.#once(bundledStem(model), () => this.#convert(model))])
    const places: ModelPlace[] = []
    for (const wanted of wantedFiles(model, backend))
      places.push(await this.#once(wanted.file.name, () => this.#find(wanted)))
    return together(places)
  }

  /** Fetches what of a model is not here, from the mirror or else from its public address. Throws as `download` does. */
  async pull(
    name: string,
    signal: AbortSignal,
    options: PullOptions = {},
  ): Promise<{ readonly paths: readonly string[]; readonly why: string }> {
    const { backend = 'onnx' } = options
    const model = this.#options.catalogue.model(name)
    const ends = AbortSignal.any([signal, this.#closing.signal])
    if (backend === 'onnx' && isBundled(model)) return expectPlaces(together([await this.#convert(model)]))
    const places: ModelPlace[] = []
    for (const wanted of wantedFiles(model, backend)) places.push(await this.#pullFile(wanted, options, ends))
    return expectPlaces(together(places))
  }

  /** Every model of a task on images, for lists: see `RecentLook.recent`. Nothing is fetched or converted by asking. */
  status(backend: VisionBackendName = 'onnx'): Promise<ModelStatus[]> {
    const look = this.#looks.get(backend) ?? new RecentLook(() => this.#lookAtAll(backend))
    this.#looks.set(backend, look)
    return look.recent()
  }

  /** What `locateFiles` would say now, without fetching or converting anything. Who asks for many models gives the same `names` with each. */
  async look(model: CatalogueModel, backend: BackendName, names = new FolderNames()): Promise<ModelPlaces> {
    if (backend === 'onnx' && isBundled(model)) return { paths: [], why: carriedWhy }
    const places: ModelPlace[] = []
    for (const wanted of wantedFiles(model, backend)) places.push(await this.#lookAround(wanted, names))
    return together(places)
  }

  /** Ends fetches under way. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort()
    await Promise.allSettled(this.#searches.values())
  }

  #lookAtAll(backend: VisionBackendName): Promise<ModelStatus[]> {
    const names = new FolderNames()
    return Promise.all(
      this.#options.catalogue.models
        .filter(({ name }) => this.#options.catalogue.runs(name, backend))
        .map(async (model) => {
          const { name, task } = model
          const place = await this.look(model, backend, names)
          if ('paths' in place) return { name, task, state: 'available' as const, why: place.why }
          return { name, task, state: 'missing' as const, why: place.missing }
        }),
    )
  }

  #once(key: string, search: () => Promise<ModelPlace>): Promise<ModelPlace> {
    const found = this.#searches.get(key) ?? search().finally(() => this.#searches.delete(key))
    this.#searches.set(key, found)
    return found
  }

  async #find(wanted: WantedFile): Promise<ModelPlace> {
    const place = await this.#lookAround(wanted)
    if ('path' in place || this.#mirrorAddress() === null || this.#refusalOf(wanted.file.name) !== undefined)
      return place
    return this.#ask(wanted)
  }

  async #convert(model: BundledModel): Promise<ModelPlace> {
    const stem = bundledStem(model)
    const refusal = this.#diskRefusals.reasonOf(stem)
    if (refusal !== undefined) return { missing: refusal }
    try {
      const { path, converted } = await convertBundled(model, this.own.folder)
      this.#options.onWritten?.(undefined)
      if (converted) {
        this.#options.log.info({ model: model.name, licence: model.licence, path }, 'converted a bundled model')
      }
      return { path, why: carriedWhy }
    } catch (error) {
      if (!(error instanceof EngineError)) throw error
      return { missing: isRefusedByDisk(error) ? this.#refuse(stem, error) : error.message }
    }
  }

  /** Looks at files only. */
  async #lookAround(wanted: WantedFile, names?: FolderNames): Promise<ModelPlace> {
    const found = await this.search.look(wanted, names)
    if ('path' in found) return { path: found.path, why: found.why }
    return { missing: found.problems.length > 0 ? found.problems.join('; ') : this.#whyMissing(wanted.file.name) }
  }

  #whyMissing(file: string): string {
    const { mirror } = this.#options
    const place = mirror === null ? 'models.paths, and there is no mirror' : 'models.paths or the mirror'
    return this.#refusalOf(file) ?? `${file} is not in ${place}`
  }

  #mirrorAddress(): string | null {
    const { mirror } = this.#options
    return mirror !== null && /^https?:\/\//.test(mirror) ? mirror.replace(/\/*$/, '/') : null
  }

  /** What the disk or the mirror said not long ago. */
  #refusalOf(file: string): string | undefined {
    return this.#diskRefusals.reasonOf(file) ?? this.#mirrorRefusals.reasonOf(file)
  }

  async #ask(wanted: WantedFile): Promise<ModelPlace> {
    const { file } = wanted
    try {
      const path = await this.#fetch(
        wanted,
        `${this.#mirrorAddress()}${file.name}`,
        { patient: false },
        this.#closing.signal,
      )
      return { path, why: 'fetched from the mirror' }
    } catch (error) {
      if (!(error instanceof EngineError)) throw error
      return { missing: isRefusedByDisk(error) ? this.#refuse(file.name, error) : this.#remember(wanted, error) }
    }
  }

  async #pullFile(wanted: WantedFile, { onProgress }: PullOptions, signal: AbortSignal): Promise<ModelPlace> {
    const { file } = wanted
    const place = await this.#lookAround(wanted)
    if ('path' in place) return place
    const mirror = this.#mirrorAddress()
    const told = { patient: true, onProgress }
    if (mirror !== null) {
      try {
        return {
          path: await this.#fetch(wanted, `${mirror}${file.name}`, told, signal),
          why: 'fetched from the mirror',
        }
      } catch (error) {
        // What the mirror lacks may still be at its public address.
        if (!(error instanceof EngineError && error.code === 'not-found')) throw error
      }
    }
    if (file.url === undefined) throw new EngineError('unavailable', place.missing)
    return { path: await this.#fetch(wanted, file.url, told, signal), why: `fetched from ${new URL(file.url).host}` }
  }

  /** Not the mirror's fault: once there is room, the next who asks gets the model. */
  #refuse(file: string, error: EngineError): string {
    this.#diskRefusals.remember(file, error.message, writeAgainMs)
    this.#options.onWritten?.(error)
    return error.message
  }

  #remember({ file, model }: WantedFile, { code, message }: EngineError): string {
    const reason = `not from the mirror: ${message}`
    this.#mirrorRefusals.remember(file.name, reason, askAgainMs)
    if (code === 'unavailable' || code === 'timeout') this.#mirrorRefusals.rememberAll(reason, askAgainMs)
    if (code !== 'not-found') this.#options.log.warn({ model: model.name, reason }, 'the mirror gave no model')
    return reason
  }

  async #fetch(
    wanted: WantedFile,
    url: string,
    told: { readonly patient: boolean; readonly onProgress?: ((progress: FetchProgress) => void) | undefined },
    signal: AbortSignal,
  ): Promise<string> {
    const { file, model } = wanted
    const path = this.own.path(file.name)
    const isThere = async () => {
      const found = await this.search.look(wanted)
      return 'path' in found && found.path === path
    }
    const fetched = await this.own.fetch(file, url, { ...told, isThere }, signal)
    for (const look of this.#looks.values()) look.forget()
    this.#options.onWritten?.(undefined)
    if (fetched) this.#options.log.info({ model: model.name, licence: model.licence, url, path }, 'fetched a model')
    return path
  }
}

/** One place for all files: missing as soon as one is. */
function together(places: readonly ModelPlace[]): ModelPlaces {
  const missing = places.flatMap((place) => ('missing' in place ? [place.missing] : []))
  if (missing.length > 0) return { missing: missing.join('; ') }
  const found = places.flatMap((place) => ('path' in place ? [place] : []))
  return { paths: found.map(({ path }) => path), why: [...new Set(found.map(({ why }) => why))].join(', ') }
}

function expectPlaces(places: ModelPlaces): { readonly paths: readonly string[]; readonly why: string } {
  if ('paths' in places) return places
  throw new EngineError('unavailable', places.missing)
}

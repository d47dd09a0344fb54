import { readdir, stat } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { EngineError, messageOf } from '../errors.ts'
import { readTraits } from '../hosts/template-traits.ts'
import type { Catalogue } from './catalogue.ts'
import type { CatalogueModel } from './catalogue-schema.ts'
import { FolderNames } from './folder-names.ts'
import { type GgufHeader, readGguf } from './gguf.ts'
import type { LanguageCapabilities } from './language.ts'
import type { LanguageOffer } from './language-backend.ts'
import type { ModelStore } from './model-store.ts'
import { RecentLook } from './recent-look.ts'

/** What llama.cpp here can do with; models that see images need more of it. */
const tasks = ['language', 'embed-text']
/** The context and what else comes with a model, beside its weights, before it was ever loaded. */
const besideWeightsBytes = 128e6
const ending = '.gguf'

/** Where models may lie. */
export interface LlamaPlaces {
  readonly catalogue: Catalogue
  readonly store: Pick<ModelStore, 'look'>
  /** Searched for files that the catalogue does not know. */
  readonly folders: readonly string[]
  /** SHA-256 of a file in hexadecimal, which its owner keeps; reads all of it. */
  readonly hashOf: (path: string) => Promise<string>
}

/** A model's file that is here. */
export interface LlamaFile {
  readonly path: string
  /** Path, size and time: another file of that name is another version. */
  readonly version: string
  readonly bytes: number
  readonly modifiedAt: number
}

/** An offer, and its file where it is here. */
export interface FoundLlama {
  readonly offer: LanguageOffer
  readonly file?: LlamaFile
}

/** GGUF files of the catalogue's models, and all others in the folders. Reads headers only. */
export class LlamaFiles {
  readonly #places: LlamaPlaces
  /** By version of the file: what its header says, or what is wrong with it. */
  readonly #headers = new Map<string, Promise<GgufHeader | EngineError>>()
  /** By version of the file, of those whose hash nobody published. */
  readonly #digests = new Map<string, string | undefined>()
  #hashing = Promise.resolve()
  readonly #looked = new RecentLook(() => this.#look())

  constructor(places: LlamaPlaces) {
    this.#places = places
  }

  /** As it was within the last second. */
  all(): Promise<FoundLlama[]> {
    return this.#looked.fresh()
  }

  async #look(): Promise<FoundLlama[]> {
    const { models } = this.#places.catalogue
    const known = models.filter(({ llama, task }) => llama !== undefined && tasks.includes(task))
    const names = new FolderNames()
    const found = await Promise.all(known.map((model) => this.#lookFor(model, names)))
    const files = new Set(models.flatMap(({ llama }) => llama?.files.map(({ name }) => name) ?? []))
    return [...found, ...(await this.#others(files))]
  }

  async #lookFor(model: CatalogueModel, names: FolderNames): Promise<FoundLlama> {
    const places = await this.#places.store.look(model, 'llama', names)
    const path = 'paths' in places ? places.paths[0] : undefined
    const file = path === undefined ? undefined : await toFile(path)
    const why = 'missing' in places ? places.missing : places.why
    return this.#toFound({ name: model.name, why, model }, file)
  }

  async #others(known: ReadonlySet<string>): Promise<FoundLlama[]> {
    const found = new Map<string, FoundLlama>()
    for (const folder of this.#places.folders)
      for (const name of await ggufFiles(folder)) {
        const stem = basename(name, ending)
        if (known.has(name) || found.has(stem)) continue
        const file = await toFile(join(folder, name))
        if (file) found.set(stem, await this.#toFound({ name: stem, why: `found in ${folder}` }, file))
      }
    return [...found.values()].sort((a, b) => (a.offer.name < b.offer.name ? -1 : 1))
  }

  async #toFound(
    { name, why, model }: { readonly name: string; readonly why: string; readonly model?: CatalogueModel },
    file: LlamaFile | undefined,
  ): Promise<FoundLlama> {
    const read = file && (await this.#header(file))
    const problem = read instanceof EngineError ? read.message : undefined
    const header = read instanceof EngineError ? undefined : read
    const first = model?.llama?.files[0]
    const offer: LanguageOffer = {
      name,
      aliases: model?.llama?.ollama === undefined ? [] : [model.llama.ollama],
      state: file === undefined ? 'missing' : problem === undefined ? 'available' : 'failed',
      why: problem ?? why,
      capabilities: toCapabilities(header, model),
      contextLength: header?.contextLength ?? null,
      licence: model?.licence ?? header?.licence ?? 'unknown',
      bytes: file?.bytes ?? first?.bytes ?? first?.about ?? null,
      modifiedAt: file?.modifiedAt ?? null,
      sha256: (file && digestOf(file.path)) ?? first?.sha256 ?? (file && this.#digest(file)) ?? null,
      format: 'gguf',
      family: header?.architecture ?? null,
      parameters: header?.parameters ?? null,
      quantisation: header?.quantisation ?? null,
      estimatedBytes: (file?.bytes ?? first?.bytes ?? first?.about ?? 0) + besideWeightsBytes,
    }
    return file ? { offer, file } : { offer }
  }

  /** Read one file after the other, while others go on asking: not known yet at the first look. */
  #digest({ path, version }: LlamaFile): string | undefined {
    if (this.#digests.has(version)) return this.#digests.get(version)
    this.#digests.set(version, undefined)
    this.#hashing = this.#hashing.then(async () => {
      try {
        this.#digests.set(version, await this.#places.hashOf(path))
      } catch {
        // It may be readable later; whoever loads it hears why it is not.
        this.#digests.delete(version)
      }
    })
    return undefined
  }

  #header(file: LlamaFile): Promise<GgufHeader | EngineError> {
    const known = this.#headers.get(file.version)
    if (known) return known
    const read = readGguf(file.path).catch((error: unknown) => {
      if (error instanceof EngineError) return error
      // It may be readable later: the right to it, a descriptor.
      this.#headers.delete(file.version)
      return new EngineError('unavailable', `Expected to read ${file.path}: ${messageOf(error)}`, { cause: error })
    })
    this.#headers.set(file.version, read)
    return read
  }
}

function toCapabilities(header: GgufHeader | undefined, model: CatalogueModel | undefined): LanguageCapabilities {
  const { tools, thinking } = readTraits(header?.chatTemplate ?? null)
  const embedsOnly = header?.embedsOnly === true || model?.task === 'embed-text'
  const writes = !embedsOnly
  return {
    ...{ vision: false, embedding: true, chat: writes, completion: writes, schema: writes },
    tools: writes && tools !== null,
    thinking: writes && thinking,
  }
}

async function toFile(path: string): Promise<LlamaFile | undefined> {
  try {
    const { size, mtimeMs } = await stat(path)
    return { path, version: `${path} ${size} ${mtimeMs}`, bytes: size, modifiedAt: mtimeMs }
  } catch {
    // It went away since the folder was read.
    return undefined
  }
}

/** Weights, by name; none where the folder cannot be read, which the search for models tells. */
async function ggufFiles(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch(() => [])
  return names.filter((name) => name.endsWith(ending) && !name.startsWith('mmproj')).sort()
}

/** A file in an Ollama store is named by its hash. */
function digestOf(path: string): string | undefined {
  return /^sha256-([0-9a-f]{64})$/.exec(basename(path))?.[1]
}

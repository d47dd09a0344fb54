import { EngineError } from '../errors.ts'
import { backendsOf, type Catalogue } from './catalogue.ts'
import type { BackendName, CatalogueModel } from './catalogue-schema.ts'
import type { Language } from './language.ts'
import type { ModelAliases } from './model-aliases.ts'
import type { ModelStore } from './model-store.ts'
import { removeModel } from './model-upkeep.ts'
import type { FetchProgress } from './own-models.ts'

/** How far the fetch of a model is. */
export interface PullProgress {
  readonly file: string
  /** SHA-256 of the file in hexadecimal; null where nobody published it. */
  readonly sha256: string | null
  /** Bytes; the whole is null where nobody says. */
  readonly received: number
  readonly total: number | null
}

/** Brings, removes and names models on behalf of clients. */
export interface ModelLibrary {
  /** Fetches what is missing of a model of the catalogue; its steps as they come, the newest of each moment. Throws `not-found` on the first `next`, and as `ModelStore.pull` does. Leaving the loop, or the signal, breaks the fetch off; what came stays for the next. */
  pull(name: string, signal: AbortSignal): AsyncIterable<PullProgress>
  /** Takes a given name away, or the files of a model out of our own folder. Throws `not-found`, and `conflict` while the model is in use, has other names, or lies only where nothing is written. */
  remove(name: string): Promise<void>
  /** Gives a model another name, that lasts. Throws `not-found`, `invalid`, and `conflict` for a name that a model has already. */
  copy(source: string, name: string): Promise<void>
  /** The given names. */
  copies(): Promise<readonly { readonly name: string; readonly model: string }[]>
}

/** What a library works on. */
export interface OwnLibraryOptions {
  readonly catalogue: Catalogue
  readonly store: ModelStore
  readonly language: Language
  readonly aliases: ModelAliases
  /** Which artefact of a model runs here. */
  readonly backendFor: (backends: readonly BackendName[]) => BackendName
}

/** The library of this engine: the catalogue, its own folder of models, its own record of names. */
export class OwnLibrary implements ModelLibrary {
  readonly #options: OwnLibraryOptions

  constructor(options: OwnLibraryOptions) {
    this.#options = options
  }

  async *pull(name: string, signal: AbortSignal): AsyncGenerator<PullProgress> {
    const { store, backendFor } = this.#options
    const model = this.#model(name)
    const backend = backendFor(backendsOf(model))
    const hashes = new Map((model[backend]?.files ?? []).map((file) => [file.name, file.sha256]))
    const left = new AbortController()
    const steps = new NewestSteps()
    const pulled = store.pull(model.name, AbortSignal.any([signal, left.signal]), {
      backend,
      onProgress: (step) => steps.put(step),
    })
    steps.endWith(pulled)
    try {
      for await (const { file, received, total } of steps)
        yield { file, sha256: hashes.get(file) ?? null, received, total }
      await pulled
    } finally {
      left.abort()
      await Promise.allSettled([pulled])
    }
  }

  async remove(name: string): Promise<void> {
    const { aliases, store, language } = this.#options
    if (await aliases.remove(name)) return
    const model = await this.#ownModel(name)
    const others = (await aliases.list()).filter((alias) => alias.model === model.name)
    if (others.length > 0)
      throw new EngineError(
        'conflict',
        `${name} is also ${others.map((alias) => alias.name).join(', ')}: delete these first`,
      )
    await unloadIfLoaded(language, model.name)
    const { bytes, staying } = await removeModel(model, store)
    if (bytes > 0) return
    if (staying.length === 0) throw new EngineError('not-found', `nothing of ${model.name} is in ${store.own.folder}`)
    throw new EngineError(
      'conflict',
      `${model.name} lies in ${staying.join(', ')}, which is only read: remove it there`,
    )
  }

  async copy(source: string, name: string): Promise<void> {
    const { aliases, language } = this.#options
    const found = await language.find(source)
    if (found.state === 'missing') throw new EngineError('not-found', `${source} is not here: ${found.why}`)
    const given = await aliases.modelOf(name)
    if (given === undefined && (await isTaken(language, name)))
      throw new EngineError('conflict', `Expected a name that no model has, received ${name}`)
    await aliases.set(name, found.name)
  }

  copies() {
    return this.#options.aliases.list()
  }

  /** By its name in the catalogue, by that in Ollama's library, or by that of its voice. */
  #model(name: string): CatalogueModel {
    const { catalogue } = this.#options
    const asked = name.replace(/:latest$/, '')
    return (
      catalogue.models.find((model) => model.llama?.ollama === name || voiceOf(model) === name) ??
      catalogue.model(asked)
    )
  }

  /** One that lies here without being of the catalogue is not ours to delete. */
  async #ownModel(name: string): Promise<CatalogueModel> {
    try {
      return this.#model(name)
    } catch (error) {
      const asked = name.replace(/:latest$/, '')
      const here = await this.#options.language.status()
      const found = here.find((model) => model.name === asked || model.aliases.includes(name))
      if (found === undefined) throw error
      throw new EngineError(
        'conflict',
        `${found.name} is no model of the catalogue (${found.why}): remove it where it comes from`,
        { cause: error },
      )
    }
  }
}

/** As Piper names it. */
function voiceOf({ piper }: CatalogueModel): string | undefined {
  return piper?.files[0]?.name.replace(/\.onnx$/, '')
}

async function unloadIfLoaded(language: Language, name: string): Promise<void> {
  const status = (await language.status()).find((model) => model.name === name)
  if (status?.state === 'loaded') await language.unload(name)
}

async function isTaken(language: Language, name: string): Promise<boolean> {
  return (await language.status()).some((status) => status.name === name || status.aliases.includes(name))
}

/** Steps are told so often at most. */
const tellEveryMs = 100

/** The newest step of each file that nobody has read yet, so often at most; the ones between are left out. */
class NewestSteps implements AsyncIterable<FetchProgress> {
  readonly #steps = new Map<string, FetchProgress>()
  #wake: () => void = () => undefined
  #isOver = false

  put(step: FetchProgress): void {
    this.#steps.set(step.file, step)
    this.#wake()
  }

  /** No more come once the work has settled. */
  endWith(work: Promise<unknown>): void {
    const end = () => {
      this.#isOver = true
      this.#wake()
    }
    work.then(end, end)
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<FetchProgress> {
    for (;;) {
      const steps = [...this.#steps.values()]
      this.#steps.clear()
      yield* steps
      if (this.#isOver && this.#steps.size === 0) return
      if (steps.length > 0) await this.#until(() => this.#isOver, tellEveryMs)
      else await this.#until(() => this.#isOver || this.#steps.size > 0)
    }
  }

  /** Without a time, for as long as it takes: the work has deadlines of its own. */
  async #until(isSo: () => boolean, ms?: number): Promise<void> {
    let isLate = false
    const late = () => {
      isLate = true
      this.#wake()
    }
    const timer = ms === undefined ? undefined : setTimeout(late, ms)
    while (!isSo() && !isLate)
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    clearTimeout(timer)
  }
}

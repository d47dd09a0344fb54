import { stat } from 'node:fs/promises'
import { EngineError } from '../errors.ts'
import { artefactOf, type Catalogue } from './catalogue.ts'
import type { CatalogueModel } from './catalogue-schema.ts'
import type { DeviceLimits } from './device-queue.ts'
import { FolderNames } from './folder-names.ts'
import { HailoLanguageModel } from './hailo-language.ts'
import type { HailoLanguageHost } from './hailo-language-host.ts'
import type { HailoPictures } from './hailo-pictures.ts'
import type { LanguageCapabilities } from './language.ts'
import type { LanguageBackend, LanguageOffer, LoadedLanguage } from './language-backend.ts'
import type { ModelStore } from './model-store.ts'
import { modelTraits } from './model-traits.ts'
import type { TrustedFiles } from './trusted-files.ts'

/** A device that is away is looked for so often, at nobody's expense: others may run the model meanwhile. */
const lookAgainMs = 5000
/** How the vendor’s language models are quantised: activations of 8 bits, weights of 4. */
const quantisation = 'A8W4'
const tasks: Readonly<Record<string, 'text' | 'vision'>> = { language: 'text', 'vision-language': 'vision' }

/** What the backend is made with; host and pictures stay their owner's. */
export interface HailoLanguageBackendOptions {
  readonly host: HailoLanguageHost
  readonly pictures: HailoPictures
  readonly catalogue: Catalogue
  readonly store: Pick<ModelStore, 'look' | 'locateFiles'>
  /** Holds files to what they were when they were first used. */
  readonly trusted: TrustedFiles
}

/** The catalogue's language and vision-language models on the Hailo device, one at a time. HEFs that the catalogue does not know are not offered: the library can fault on one. */
export class HailoLanguageBackend implements LanguageBackend {
  readonly name = 'hailo'
  readonly simulated: boolean
  readonly memory = 'device'
  readonly exclusive = true
  readonly limits: DeviceLimits = { depth: 1 }
  readonly #options: HailoLanguageBackendOptions
  readonly #models: readonly CatalogueModel[]
  readonly #loaded = new Map<string, HailoLanguageModel>()
  #away: { readonly why: string; readonly until: number } | undefined
  #isLooking = false

  constructor(options: HailoLanguageBackendOptions) {
    this.#options = options
    this.simulated = options.host.simulated
    this.#models = options.catalogue.models.filter(({ task, hailo }) => hailo !== undefined && task in tasks)
  }

  offers(): Promise<readonly LanguageOffer[]> {
    const names = new FolderNames()
    return Promise.all(this.#models.map((model) => this.#offer(model, names)))
  }

  async load(name: string): Promise<LoadedLanguage> {
    const { host, pictures, catalogue, store, trusted } = this.#options
    const model = catalogue.model(name)
    const places = await store.locateFiles(name, 'hailo')
    if ('missing' in places) throw new EngineError('unavailable', places.missing)
    const path = places.paths[0]!
    await trusted.expect(path)
    await this.#start()
    const loaded = await host.load(name, path, tasks[model.task] ?? 'text')
    const parts = { name, capabilities: capabilitiesOf(model), loaded, host, pictures }
    const language = new HailoLanguageModel(parts)
    this.#loaded.set(name, language)
    return { model: language, bytes: loaded.bytes ?? (await stat(path)).size }
  }

  async unload(name: string): Promise<number> {
    const { host } = this.#options
    this.#loaded.get(name)?.forget()
    this.#loaded.delete(name)
    try {
      return (await host.unload(name)) ?? 0
    } catch (error) {
      // A host that died, or was killed because it did not answer in time, holds nothing any more.
      if (error instanceof EngineError) return 0
      throw error
    }
  }

  isLoaded(name: string): boolean {
    return this.#options.host.isLoaded(name)
  }

  onLost(listener: () => void): () => void {
    return this.#options.host.onLost(listener)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#loaded.clear()
  }

  /** Remembers for a while that the device is away. */
  async #start(): Promise<void> {
    try {
      await this.#options.host.start()
      this.#away = undefined
    } catch (error) {
      if (error instanceof EngineError) this.#away = { why: error.message, until: performance.now() + lookAgainMs }
      throw error
    }
  }

  /** Who asks for a model meanwhile is not the one to find that the device is still away. */
  async #lookAgain(): Promise<void> {
    if (this.#isLooking) return
    this.#isLooking = true
    try {
      await this.#start()
    } catch (error) {
      if (!(error instanceof EngineError)) throw error
    } finally {
      this.#isLooking = false
    }
  }

  async #offer(model: CatalogueModel, names: FolderNames): Promise<LanguageOffer> {
    const { name, licence, llama } = model
    const places = await this.#options.store.look(model, 'hailo', names)
    const [file] = artefactOf(model, 'hailo').files
    const found = 'missing' in places ? undefined : await stat(places.paths[0]!)
    const bytes = found?.size ?? file?.bytes ?? file?.about ?? null
    return {
      ...{ name, licence, bytes, ...modelTraits(name), quantisation, format: 'hef' },
      ...this.#stateOf(places),
      aliases: llama?.ollama === undefined ? [] : [llama.ollama],
      capabilities: capabilitiesOf(model),
      contextLength: this.#loaded.get(name)?.contextLength ?? null,
      modifiedAt: found ? Math.round(found.mtimeMs) : null,
      sha256: file?.sha256 ?? null,
      estimatedBytes: Math.max(found?.size ?? 0, file?.about ?? 0),
    }
  }

  #stateOf(places: { readonly why: string } | { readonly missing: string }): Pick<LanguageOffer, 'state' | 'why'> {
    if ('missing' in places) return { state: 'missing', why: places.missing }
    if (!this.#away) return { state: 'available', why: places.why }
    if (performance.now() >= this.#away.until) void this.#lookAgain()
    return { state: 'failed', why: this.#away.why }
  }
}

function capabilitiesOf({ task, hailo }: CatalogueModel): LanguageCapabilities {
  const { writes = [] } = hailo ?? {}
  return {
    chat: true,
    vision: tasks[task] === 'vision',
    thinking: writes.includes('thinking'),
    tools: writes.includes('tool-calls'),
    // The runtime has no grammar, takes messages only, and gives no vectors.
    schema: false,
    completion: false,
    embedding: false,
  }
}

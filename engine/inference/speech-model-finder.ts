import { existsSync } from 'node:fs'
import { stat } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { EngineError } from '../errors.ts'
import { projectRoot } from '../root.ts'
import { artefactOf, type Catalogue } from './catalogue.ts'
import type { CatalogueModel } from './catalogue-schema.ts'
import type { FolderNames } from './folder-names.ts'
import type { ModelStore } from './model-store.ts'
import type { SpeechModel } from './speech-host.ts'

/** Where the files of a speech model lie, or why there are none. */
export type SpeechModelPlace =
  | { readonly paths: readonly string[]; readonly why: string }
  | { readonly missing: string }

/** What finds models of speech. */
export interface SpeechModelsOptions {
  readonly catalogue: Catalogue
  readonly store: Pick<ModelStore, 'look'>
  /** The folder into which `npm install --prefix` puts sherpa-onnx-node. */
  readonly extras: string
  /** Threads of one network. */
  readonly threads: number
}

const sherpaKinds = ['whisper', 'moonshine', 'transducer'] as const
export type SherpaKind = (typeof sherpaKinds)[number]

/** A recogniser of the catalogue that sherpa-onnx runs. */
export interface SherpaEntry {
  readonly model: CatalogueModel
  readonly kind: SherpaKind
}

/** Finds models of speech in the catalogue and on the disk; fetches nothing. */
export class SpeechModelFinder {
  readonly #options: SpeechModelsOptions

  constructor(options: SpeechModelsOptions) {
    this.#options = options
  }

  /** Silero's network: of the catalogue where somebody put one, else that of the npm package. */
  async placeOfDetector(): Promise<SpeechModelPlace> {
    const { catalogue, store } = this.#options
    const place = await store.look(catalogue.model('silero-vad'), 'onnx')
    if ('paths' in place) return place
    const path = bundledSilero()
    return path === undefined ? place : { paths: [path], why: 'comes with the installation' }
  }

  /** Throws `unavailable` when there is none. */
  async detector(): Promise<SpeechModel> {
    const place = await this.placeOfDetector()
    if ('missing' in place)
      throw new EngineError('unavailable', `Expected the network of silero-vad: ${place.missing}. Try: npm ci`)
    const [path = ''] = place.paths
    const { size } = await stat(path)
    const artefact = { kind: 'network', path, threads: 1 } as const
    return { name: 'silero-vad', backend: 'onnx', artefact, expectedBytes: 2 * size + 16e6 }
  }

  /** Recognisers that sherpa-onnx could run, in the catalogue's order. */
  sherpaEntries(): SherpaEntry[] {
    return this.#options.catalogue.models.flatMap((model) => {
      const kind = sherpaKinds.find((known) => known === model.sherpa?.kind)
      return kind !== undefined && model.task === 'transcribe' ? [{ model, kind }] : []
    })
  }

  /** Who asks for several gives the same `names` with each. */
  async placeOfSherpa(model: CatalogueModel, names?: FolderNames): Promise<SpeechModelPlace> {
    const { store, extras } = this.#options
    const place = await store.look(model, 'sherpa', names)
    if ('missing' in place) return { missing: `${place.missing}. Try: hailstream models pull ${model.name}` }
    if (existsSync(join(extras, 'node_modules/sherpa-onnx-node/package.json'))) return place
    return {
      missing: `sherpa-onnx is not installed; its licence keeps it apart. Try: npm install --prefix ${extras} sherpa-onnx-node`,
    }
  }

  /** A recogniser whose files are at these places, in the catalogue's order. */
  async sherpaModel({ model, kind }: SherpaEntry, paths: readonly string[]): Promise<SpeechModel> {
    const { extras, threads } = this.#options
    const roles = artefactOf(model, 'sherpa').files.map(({ role }) => role)
    const files = Object.fromEntries(paths.map((path, i) => [roles[i] ?? 'model', path]))
    const sizes = await Promise.all(paths.map(async (path) => (await stat(path)).size))
    const bytes = sizes.reduce((sum, size) => sum + size, 0)
    const artefact = { kind: 'sherpa', extras, threads, model: { kind, files } } as const
    return { name: model.name, backend: 'sherpa-onnx', artefact, expectedBytes: 2 * bytes + 100e6 }
  }
}

/** The file in the package that carries it; undefined when it is not installed. */
function bundledSilero(): string | undefined {
  try {
    const manifest = createRequire(join(projectRoot, 'package.json')).resolve('@ricky0123/vad-web/package.json')
    const path = join(dirname(manifest), 'dist/silero_vad_v6.onnx')
    return existsSync(path) ? path : undefined
  } catch {
    return undefined
  }
}

import { existsSync } from 'node:fs'
import { stat } from 'node:fs/promises'
import { artefactOf, backendsOf } from './catalogue.ts'
import type { BackendName, CatalogueModel } from './catalogue-schema.ts'
import { FolderNames } from './folder-names.ts'
import type { ModelStore } from './model-store.ts'
import { RecentLook } from './recent-look.ts'

/** A model of the catalogue and what of it is on this machine. */
export interface StockedModel {
  readonly name: string
  readonly task: string
  readonly summary: string
  readonly licence: string
  readonly state: 'available' | 'missing'
  readonly artefacts: readonly StockedArtefact[]
}

/** What one backend runs of a model. */
export interface StockedArtefact {
  readonly backend: BackendName
  readonly state: 'available' | 'missing'
  readonly why: string
  /** Where its files lie; empty while one is missing. */
  readonly paths: readonly string[]
  /** On the disk, or as published (rounded where only that is known); null where nobody says. */
  readonly bytes: number | null
  /** Bytes that a fetch which was broken off has left. */
  readonly partBytes: number
  /** Whether a maintainer fetched it from its address; null for what an installed package carries. */
  readonly verified: boolean | null
}

/** Every model, for lists: see `RecentLook.recent`. Each look asks the disk a thousand things. */
export function createStock(models: readonly CatalogueModel[], store: ModelStore): () => Promise<StockedModel[]> {
  const look = new RecentLook(() => {
    const names = new FolderNames()
    return Promise.all(models.map((model) => takeStock(model, store, names)))
  })
  return () => look.recent()
}

/** Looks at files only. */
export async function takeStock(model: CatalogueModel, store: ModelStore, names?: FolderNames): Promise<StockedModel> {
  const { name, task, summary, licence } = model
  const artefacts = await Promise.all(backendsOf(model).map((backend) => stockArtefact(model, backend, store, names)))
  const isHere = artefacts.some(({ state }) => state === 'available')
  return { name, task, summary, licence, state: isHere ? 'available' : 'missing', artefacts }
}

/** Whether a Hailo device is there, by its device file. */
export function hasHailoDevice(): boolean {
  return existsSync('/dev/hailo0')
}

/** What this machine runs of a model with these backends: the Hailo device's artefact where there is a device, else a CPU's, else the only one. */
export function backendHere(backends: readonly BackendName[], hasHailo: boolean): BackendName {
  if (hasHailo && backends.includes('hailo')) return 'hailo'
  return backends.find((backend) => backend !== 'hailo') ?? 'hailo'
}

async function stockArtefact(
  model: CatalogueModel,
  backend: BackendName,
  store: ModelStore,
  names?: FolderNames,
): Promise<StockedArtefact> {
  const places = await store.look(model, backend, names)
  const { files, verified = null } = artefactOf(model, backend)
  const parts = await Promise.all(files.map(({ name }) => store.own.partBytes(name)))
  const partBytes = parts.reduce((sum, bytes) => sum + bytes, 0)
  if ('missing' in places)
    return {
      backend,
      state: 'missing',
      why: places.missing,
      paths: [],
      bytes: published(model, backend),
      partBytes,
      verified,
    }
  const { paths, why } = places
  const sizes = await Promise.all(paths.map(async (path) => (await stat(path)).size))
  const bytes = paths.length > 0 ? sizes.reduce((sum, size) => sum + size, 0) : published(model, backend)
  return { backend, state: 'available', why, paths, bytes, partBytes, verified }
}

function published(model: CatalogueModel, backend: BackendName): number | null {
  const sizes = artefactOf(model, backend).files.map(({ bytes, about }) => bytes ?? about)
  return sizes.reduce<number | null>((sum, size) => (sum === null || size === undefined ? null : sum + size), 0)
}

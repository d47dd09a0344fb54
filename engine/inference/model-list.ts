import type { BackendName } from './catalogue-schema.ts'
import type { LearnedSizes } from './learned-sizes.ts'
import { backendHere, type StockedModel } from './model-stock.ts'
import type { Residency } from './residency.ts'
import type { LoadedModelStatus } from './vision-model-status.ts'

/** What one backend runs of a model. */
export interface ArtefactDescription {
  readonly backend: BackendName
  readonly state: 'available' | 'missing'
  /** Of its files, or as published; null where nobody says. */
  readonly disk_mb: number | null
}

/** A model as `GET /api/models` shows it. Sizes in MB (10⁶ bytes), times in Unix ms. */
export interface ModelDescription extends LoadedModelStatus {
  readonly licence: string
  /** Of the files of its backend, or as published; null where nobody says. */
  readonly disk_mb: number | null
  /** Every backend that could run it; `backend` above is the one that does here. */
  readonly artefacts: readonly ArtefactDescription[]
  /** What it takes while it is loaded: measured then, as it was measured last time otherwise; null where it never was. */
  readonly memory_mb: number | null
  readonly pinned: boolean
  /** Leases: a live stream has one, and a request while it runs. */
  readonly in_use: number
  /** Who has them. */
  readonly users: readonly string[]
  /** null: never since the start of the engine. */
  readonly last_used: number | null
  /** Seconds that it stays unused; −1 for ever. */
  readonly keep_alive: number
  /** When it is unloaded if nobody uses it; null: not by itself. */
  readonly expires_at: number | null
}

/** What a list of models is read from. */
export interface ModelListParts {
  readonly residency: Residency
  readonly sizes: LearnedSizes
  /** The models that can be run, as health shows them. */
  readonly status: () => Promise<readonly LoadedModelStatus[]>
  /** Every model of the catalogue. */
  readonly stock: () => Promise<readonly StockedModel[]>
  /** Whether the Hailo device can be asked now. */
  readonly hasHailo: () => boolean
}

/** Every model of the catalogue with what is known of it. Nothing is loaded or fetched by asking. */
export async function listModels(parts: ModelListParts): Promise<ModelDescription[]> {
  const [statuses, stock, learned] = await Promise.all([parts.status(), parts.stock(), parts.sizes.all()])
  const byName = new Map(statuses.map((status) => [status.name, status]))
  return stock.map((model) => {
    const status = byName.get(model.name) ?? statusOf(model, parts.hasHailo())
    const artefacts = model.artefacts.map(({ backend, state, bytes }) => ({ backend, state, disk_mb: toMb(bytes) }))
    const { disk_mb = null } = artefacts.find(({ backend }) => backend === status.backend) ?? {}
    const known = learned[status.backend]?.[model.name]
    return { ...status, licence: model.licence, disk_mb, artefacts, ...describeUse(parts.residency, model.name, known) }
  })
}

/** A model that nothing of this version runs yet: whether its files are here. */
function statusOf({ name, task, artefacts }: StockedModel, hasHailo: boolean): LoadedModelStatus {
  const backend = backendHere(
    artefacts.map((artefact) => artefact.backend),
    hasHailo,
  )
  const { state = 'missing', why = '' } = artefacts.find((artefact) => artefact.backend === backend) ?? {}
  return { name, task, backend, state, why }
}

function describeUse(residency: Residency, name: string, known: { readonly memory: number } | undefined) {
  const { bytes, pinned, users, idleMs, keepAlive, expiresInMs } = residency.statusOf(name)
  const now = Date.now()
  return {
    memory_mb: toMb(bytes > 0 ? bytes : known?.memory),
    pinned,
    in_use: users.length,
    users,
    last_used: idleMs === null ? null : Math.round(now - idleMs),
    keep_alive: keepAlive,
    expires_at: expiresInMs === null ? null : Math.round(now + expiresInMs),
  }
}

/** MB (10⁶ bytes) with one digit after the point, as answers and the log have them. */
export function toMb(bytes: number): number
export function toMb(bytes: number | null | undefined): number | null
export function toMb(bytes: number | null | undefined): number | null {
  return bytes === undefined || bytes === null ? null : Math.round(bytes / 1e5) / 10
}

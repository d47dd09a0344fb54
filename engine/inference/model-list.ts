import type { Catalogue } from './catalogue.ts'
import type { LearnedSizes } from './learned-sizes.ts'
import type { LoadedModelStatus } from './model-choice.ts'
import type { Residency } from './residency.ts'

/** A model as `GET /api/models` shows it. Sizes in MB (10⁶ bytes), times in Unix ms. */
export interface ModelDescription extends LoadedModelStatus {
  readonly licence: string
  /** Of its file; null where it was never loaded here. */
  readonly disk_mb: number | null
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
  readonly catalogue: Catalogue
  readonly residency: Residency
  readonly sizes: LearnedSizes
  /** The models as health shows them. */
  readonly status: () => Promise<readonly LoadedModelStatus[]>
}

/** Every model of the catalogue with what is known of it. Nothing is loaded or fetched by asking. */
export async function listModels({ catalogue, residency, sizes, status }: ModelListParts): Promise<ModelDescription[]> {
  const [statuses, learned, now] = [await status(), await sizes.all(), Date.now()]
  return statuses.map((model) => {
    const { name, backend } = model
    const { bytes, pinned, users, idleMs, keepAlive, expiresInMs } = residency.statusOf(name)
    const known = learned[backend]?.[name]
    return {
      ...model,
      licence: catalogue.model(name).licence,
      disk_mb: toMb(known?.file),
      memory_mb: toMb(bytes > 0 ? bytes : known?.memory),
      pinned,
      in_use: users.length,
      users,
      last_used: idleMs === null ? null : Math.round(now - idleMs),
      keep_alive: keepAlive,
      expires_at: expiresInMs === null ? null : Math.round(now + expiresInMs),
    }
  })
}

/** MB (10⁶ bytes) with one digit after the point, as answers and the log have them. */
export function toMb(bytes: number): number
export function toMb(bytes: number | undefined): number | null
export function toMb(bytes: number | undefined): number | null {
  return bytes === undefined ? null : Math.round(bytes / 1e5) / 10
}

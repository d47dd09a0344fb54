import type { VisionBackend } from './backend.ts'
import type { Catalogue } from './catalogue.ts'
import type { CatalogueModel } from './catalogue-schema.ts'
import type { LoadableModels } from './loadable-models.ts'
import type { ModelStatus, ModelStore } from './model-store.ts'
import type { Residency } from './residency.ts'

/** A model of the catalogue as health shows it: where it is, or why it is not used. */
export interface LoadedModelStatus {
  readonly name: string
  readonly task: string
  readonly backend: string
  readonly state: 'available' | 'missing' | 'loading' | 'loaded' | 'failed'
  readonly why: string
}

/** What the status is read from. */
export interface VisionModelParts {
  readonly catalogue: Catalogue
  readonly store: Pick<ModelStore, 'status'>
  readonly backends: readonly VisionBackend[]
  readonly residency: Residency
  readonly models: LoadableModels
  /** By name: why the loaded one was chosen. */
  readonly whyLoaded: ReadonlyMap<string, string>
}

/** Every model that a backend here runs, by the one that has it loaded, or else would be asked for it first. Looks at files only. */
export async function statusOfModels(parts: VisionModelParts): Promise<LoadedModelStatus[]> {
  const { catalogue, backends, store } = parts
  const looks = await Promise.all(backends.map(async ({ name }) => byName(await store.status(name))))
  return catalogue.models.flatMap((model) => {
    const runners = backends.flatMap((backend, i) => {
      const look = looks[i]?.get(model.name)
      return look ? [{ backend, look }] : []
    })
    const [first] = runners
    return first ? [statusOf(model, [first, ...runners.slice(1)], parts)] : []
  })
}

interface Runner {
  readonly backend: VisionBackend
  readonly look: ModelStatus
}

function statusOf({ name, task }: CatalogueModel, runners: [Runner, ...Runner[]], parts: VisionModelParts) {
  const { residency, models, whyLoaded } = parts
  const resident = residency.status().find((one) => one.name === name && one.state !== 'absent')
  const { backend, look } =
    runners.find((one) => one.backend.isLoaded(name) || one.backend.name === resident?.backend) ??
    runners.find((one) => one.backend.lack === undefined && one.look.state === 'available') ??
    runners.find((one) => one.backend.lack === undefined) ??
    runners[0]
  const isLoaded = backend.isLoaded(name)
  const isLoading = resident?.state === 'loading'
  const state = models.hasFailed(name, backend) ? 'failed' : isLoading ? 'loading' : isLoaded ? 'loaded' : look.state
  const why = models.reasonOf(name, backend) ?? (isLoaded ? whyLoaded.get(name) : undefined) ?? look.why
  return { name, task, backend: backend.name, state, why } as const
}

function byName(statuses: readonly ModelStatus[]): ReadonlyMap<string, ModelStatus> {
  return new Map(statuses.map((status) => [status.name, status]))
}

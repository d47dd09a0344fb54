import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse as parseYaml } from 'yaml'
import { z } from 'zod'
import { EngineError, messageOf } from '../errors.ts'
import { projectRoot } from '../root.ts'
import {
  type Artefact,
  type BackendName,
  backendNames,
  type CatalogueModel,
  type ModelPlan,
  modelSchema,
} from './catalogue-schema.ts'
import { labelSets } from './labels.ts'

/** A model of a task on images as one backend runs it: what its decode kernel reads, and the names of its classes. */
export interface ModelEntry {
  readonly name: string
  readonly backend: BackendName
  readonly task: string
  readonly summary: string
  readonly licence: string
  readonly labels?: CatalogueModel['labels']
  readonly labelFile?: string
  readonly topDown?: CatalogueModel['topDown']
  readonly plan: ModelPlan
}

/** The models we know, in the order in which a task tries them. */
export interface Catalogue {
  readonly models: readonly CatalogueModel[]
  /** Throws `not-found`, naming models that are alike. */
  model(name: string): CatalogueModel
  /** The model as a backend (left out: ONNX Runtime) runs it. Throws `not-found`, also where no kernel reads what it puts out there. */
  entry(name: string, backend?: BackendName): ModelEntry
  /** Whether a kernel reads what the model puts out on that backend. */
  runs(name: string, backend: BackendName): boolean
  /** The models that answer a task on that backend (left out: ONNX Runtime), best first; empty for a task without any. */
  candidates(task: string, backend?: VisionBackendName): readonly ModelEntry[]
}

/** Backends of tasks on images, the one that is preferred first. */
export const visionBackends = ['hailo', 'onnx'] as const
export type VisionBackendName = (typeof visionBackends)[number]

/** The backends that the model has an artefact for. */
export function backendsOf(model: CatalogueModel): BackendName[] {
  return backendNames.filter((backend) => model[backend] !== undefined)
}

/** What the backend runs. Throws `not-found`, naming the backends that the model is there for. */
export function artefactOf(model: CatalogueModel, backend: BackendName): Artefact {
  const artefact = model[backend]
  if (artefact !== undefined) return artefact
  const there = backendsOf(model).join(' or ')
  throw new EngineError('not-found', `Expected ${there} as the backend of ${model.name}, received ${backend}`)
}

/** The name of class `index` of a model. Throws `internal` for a class that its label set lacks: catalogue and weights disagree. */
export function labelOf(entry: Pick<ModelEntry, 'name' | 'labels'>, index: number): string {
  const label = labelsOf(entry)[index]
  if (label === undefined)
    throw new EngineError(
      'internal',
      `Expected ${entry.name} to have a class ${index} in the label set ${entry.labels}`,
    )
  return label
}

/** The index of a label in the model's classes; −1 where it has no such class. */
export function classOf(entry: Pick<ModelEntry, 'labels'>, label: string): number {
  return labelsOf(entry).indexOf(label)
}

function labelsOf({ labels }: Pick<ModelEntry, 'labels'>): readonly string[] {
  return labels === undefined ? [] : labelSets[labels]
}

/** Names that a message lists at most. */
const maxNames = 12

const defaultFolder = join(projectRoot, 'engine/inference/models')

/** Reads and checks the catalogue: every .yaml file of the folder. Throws `invalid`, naming the file and the place. */
export function loadCatalogue(folder: string = defaultFolder): Catalogue {
  const files = readdirSync(folder).filter((name) => name.endsWith('.yaml'))
  return createCatalogue(
    files.sort().flatMap((name) => parseModels(readFileSync(join(folder, name), 'utf8'), join(folder, name))),
    folder,
  )
}

/** The catalogue written in `text`; `file` is for messages. Throws `invalid`. */
export function parseCatalogue(text: string, file: string): Catalogue {
  return createCatalogue(parseModels(text, file), file)
}

function parseModels(text: string, file: string): CatalogueModel[] {
  const parsed = z.record(z.string().regex(/^[a-z0-9][a-z0-9.-]*$/), modelSchema).safeParse(readYaml(text, file))
  if (!parsed.success) {
    const places = parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`)
    throw new EngineError('invalid', `${file}: ${places.join('; ')}`, { cause: parsed.error })
  }
  return Object.entries(parsed.data).map(([name, model]) => ({ name, ...model }))
}

function readYaml(text: string, file: string): unknown {
  try {
    return parseYaml(text)
  } catch (error) {
    throw new EngineError('invalid', `${file}: ${messageOf(error)}`, { cause: error })
  }
}

function createCatalogue(models: readonly CatalogueModel[], file: string): Catalogue {
  for (const model of models) checkAlone(model, file)
  checkTogether(models, file)
  const entries = visionBackends.flatMap((backend) =>
    models.filter((model) => planOf(model, backend) !== undefined).map((model) => toEntry(model, backend)),
  )
  return {
    models,
    model: (name) => findModel(models, name),
    entry: (name, backend = 'onnx') => toEntry(findModel(models, name), backend),
    runs: (name, backend) => planOf(findModel(models, name), backend) !== undefined,
    candidates: (task, backend = 'onnx') => entries.filter((entry) => entry.task === task && entry.backend === backend),
  }
}

function checkAlone(model: CatalogueModel, file: string): void {
  const { name, onnx } = model
  const backends = backendsOf(model)
  if (backends.length === 0)
    throw new EngineError('invalid', `${file}: ${name}: Expected at least one of ${backendNames.join(', ')}`)
  if (onnx !== undefined && (onnx.verified === undefined) === (onnx.bundled === undefined))
    throw new EngineError('invalid', `${file}: ${name}.onnx: Expected either verified or bundled`)
  for (const backend of backends) {
    const { files, verified } = artefactOf(model, backend)
    const wrong = files.find(({ url }) => (url === undefined) !== (verified === undefined))
    if (wrong === undefined) continue
    const expected = verified === undefined ? 'no url for what a package carries' : 'a url'
    throw new EngineError('invalid', `${file}: ${name}.${backend}.files: Expected ${expected} at ${wrong.name}`)
  }
}

function checkTogether(models: readonly CatalogueModel[], file: string): void {
  const owners = new Map<string, string>()
  const own = (thing: string, { name }: CatalogueModel) => {
    const other = owners.get(thing)
    if (other !== undefined) throw new EngineError('invalid', `${file}: ${name}: ${thing} belongs to ${other} already`)
    owners.set(thing, name)
  }
  for (const model of models) {
    own(model.name, model)
    for (const { name, url } of backendsOf(model).flatMap((backend) => artefactOf(model, backend).files)) {
      own(name, model)
      if (url !== undefined) own(url, model)
    }
  }
}

function toEntry(model: CatalogueModel, backend: BackendName): ModelEntry {
  const { name, task, summary, licence, labels, labelFile, topDown } = model
  artefactOf(model, backend)
  const plan = planOf(model, backend)
  if (plan === undefined)
    throw new EngineError('not-found', `Expected a model whose outputs a kernel reads, received ${name} on ${backend}`)
  const more = { ...(labels && { labels }), ...(labelFile && { labelFile }), ...(topDown && { topDown }) }
  return { name, backend, task, summary, licence, plan, ...more }
}

function planOf(model: CatalogueModel, backend: BackendName): ModelPlan | undefined {
  return backend === 'onnx' || backend === 'hailo' ? model[backend]?.plan : undefined
}

function findModel(models: readonly CatalogueModel[], name: string): CatalogueModel {
  const model = models.find((candidate) => candidate.name === name)
  if (model !== undefined) return model
  throw new EngineError('not-found', `Expected a model of the catalogue (${namesLike(name, models)}), received ${name}`)
}

/** As many names as one can read: those that begin alike, else those that tasks on images have. */
function namesLike(name: string, models: readonly CatalogueModel[]): string {
  const names = models.map((model) => model.name)
  const beginning = name.toLowerCase().slice(0, 3)
  const alike = names.filter((candidate) => candidate.startsWith(beginning))
  const shown = (alike.length > 0 ? alike : names).slice(0, maxNames)
  return shown.length < names.length
    ? `${shown.join(', ')}, …; models list shows all ${names.length}`
    : shown.join(', ')
}

import { EngineError } from './errors.ts'
import { artefactOf, backendsOf } from './inference/catalogue.ts'
import type { BackendName, CatalogueModel } from './inference/catalogue-schema.ts'
import { backendHere, hasHailoDevice } from './inference/model-stock.ts'
import type { FetchProgress } from './inference/own-models.ts'
import type { ModelsContext } from './models-context.ts'
import { ProgressBar, sizeText } from './progress-bar.ts'

/** `models pull`: fetches each model for a backend, or for what this machine runs, its licence said first. Throws as `ModelStore.pull` does. */
export async function pullModels(
  names: readonly string[],
  backend: BackendName | undefined,
  command: ModelsContext,
): Promise<boolean> {
  for (const model of names.map((name) => command.catalogue.model(name)))
    await pullModel(model, backend ?? backendHere(backendsOf(model), hasHailoDevice()), command)
  return true
}

async function pullModel(model: CatalogueModel, backend: BackendName, command: ModelsContext): Promise<void> {
  const { store, output, signal } = command
  const { files, verified } = artefactOf(model, backend)
  output.print(`${model.name}: for ${backend}, licence ${model.licence}`)
  if (verified === false) output.print(`${model.name}: nobody has fetched it from ${files[0]?.url} yet`)
  const bars = new Bars(command)
  try {
    const { paths, why } = await store.pull(model.name, signal, {
      backend,
      onProgress: (progress) => bars.show(progress),
    })
    bars.end()
    for (const path of paths) output.print(`${model.name}: ${why}, ${path}`)
  } catch (error) {
    bars.end()
    throw await withRest(error, model, backend, command)
  }
}

/** A bar for each file, one after the other. */
class Bars {
  readonly #command: ModelsContext
  #bar: { readonly file: string; readonly waiting: boolean; readonly bar: ProgressBar } | undefined

  constructor(command: ModelsContext) {
    this.#command = command
  }

  show(progress: FetchProgress): void {
    const { file, waiting } = progress
    if (this.#bar?.file !== file || this.#bar.waiting !== waiting) {
      this.end()
      this.#bar = { file, waiting, bar: new ProgressBar(file, this.#command.output) }
    }
    this.#bar.bar.show(progress, waiting ? 'another process fetches it: ' : '')
  }

  end(): void {
    this.#bar?.bar.end()
  }
}

/** The failure, with what it has left for the next pull. */
async function withRest(
  error: unknown,
  model: CatalogueModel,
  backend: BackendName,
  { store }: ModelsContext,
): Promise<unknown> {
  if (!(error instanceof EngineError)) return error
  const { files } = artefactOf(model, backend)
  const parts = await Promise.all(files.map(({ name }) => store.own.partBytes(name)))
  const bytes = parts.reduce((sum, size) => sum + size, 0)
  if (bytes === 0) return error
  const message = `${error.message}. ${sizeText(bytes)} are kept: models pull ${model.name} goes on from there`
  return new EngineError(error.code, message, { cause: error })
}

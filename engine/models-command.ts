import type { Config } from './config.ts'
import { EngineError } from './errors.ts'
import { type Catalogue, loadCatalogue } from './inference/catalogue.ts'
import { ModelStore } from './inference/model-store.ts'
import { createLog } from './log.ts'

/** How much more must have come before progress is printed again. */
const progressStep = 0.1

/** `hailstream models list` and `models pull NAME…`. Throws `invalid` for other words, and as `ModelStore.pull` does. */
export async function runModelsCommand(
  words: readonly string[],
  config: Config,
  print: (text: string) => void,
): Promise<void> {
  const [verb, ...names] = words
  const catalogue = loadCatalogue()
  const { paths, mirror } = config.models
  const log = createLog('warn')
  const store = new ModelStore({ catalogue, stateFolder: config.state, paths, mirror, log })
  try {
    if (verb === 'list' && names.length === 0) return await list(store, catalogue, print)
    if (verb === 'pull' && names.length > 0) return await pull(names, store, catalogue, print)
    throw new EngineError('invalid', `Expected models list, or models pull NAME…, received models ${words.join(' ')}`)
  } finally {
    await store[Symbol.asyncDispose]()
  }
}

async function list(store: ModelStore, catalogue: Catalogue, print: (text: string) => void): Promise<void> {
  for (const { name, task, state, why } of await store.status())
    print(`${name.padEnd(22)} ${task.padEnd(8)} ${state.padEnd(10)} ${catalogue.model(name).licence} (${why})`)
}

async function pull(
  names: readonly string[],
  store: ModelStore,
  catalogue: Catalogue,
  print: (text: string) => void,
): Promise<void> {
  for (const entry of names.map((name) => catalogue.model(name))) {
    print(`${entry.name}: licence ${entry.licence}`)
    if (entry.onnx?.verified === false)
      print(`${entry.name}: nobody has fetched it from ${entry.onnx.files[0]?.url} yet`)
    let told = 0
    const { path, why } = await store.pull(entry.name, new AbortController().signal, ({ received, total }) => {
      if (total === null || received / total < told + progressStep) return
      told = received / total
      print(`${entry.name}: ${Math.round(told * 100)} %`)
    })
    print(`${entry.name}: ${why}, ${path}`)
  }
}

import type { CommandLine } from './command-line.ts'
import type { Config } from './config.ts'
import { EngineError } from './errors.ts'
import { loadCatalogue } from './inference/catalogue.ts'
import { type BackendName, backendNames } from './inference/catalogue-schema.ts'
import { ModelStore } from './inference/model-store.ts'
import { ollamaFolders } from './inference/ollama-store.ts'
import { createLog } from './log.ts'
import type { ModelsContext, Output } from './models-context.ts'
import { listModels } from './models-list.ts'
import { pullModels } from './models-pull.ts'
import { importModel, removeModels, verifyModels } from './models-upkeep.ts'

const verbs = {
  list: (words, command) => listModels(words, command),
  pull: (words, command) => pullModels(expectWords(words, 'pull NAME…'), chosenBackend(command), command),
  verify: (words, command) => verifyModels(words, command),
  remove: (words, command) => removeModels(expectWords(words, 'remove NAME…'), command),
  import: (words, command) => importModel(expectWords(words, 'import FILE'), command),
} as const satisfies Record<string, (words: readonly string[], command: ModelsContext) => Promise<boolean>>

/**
 * `hailstream models list | pull | verify | remove | import`. Gives whether all was well, for the exit status. Throws `invalid` for other
 * words, and as the store does.
 */
export async function runModelsCommand(
  line: Pick<CommandLine, 'words' | 'flags' | 'json'>,
  config: Config,
  output: Output,
  signal: AbortSignal,
): Promise<boolean> {
  const [verb = '', ...words] = line.words
  const run = Object.hasOwn(verbs, verb) ? verbs[verb as keyof typeof verbs] : undefined
  if (run === undefined)
    throw new EngineError(
      'invalid',
      `Expected models ${Object.keys(verbs).join(', ')}, received models ${line.words.join(' ')}`,
    )
  const catalogue = loadCatalogue()
  const { paths, mirror } = config.models
  const log = createLog('warn')
  const store = new ModelStore({
    catalogue,
    stateFolder: config.state,
    paths,
    mirror,
    ollama: ollamaFolders(process.env),
    log,
  })
  try {
    return await run(words, { store, catalogue, output, flags: line.flags, json: line.json, signal })
  } finally {
    await store[Symbol.asyncDispose]()
  }
}

function expectWords(words: readonly string[], form: string): readonly string[] {
  if (words.length > 0) return words
  throw new EngineError('invalid', `Expected models ${form}, received no name`)
}

function chosenBackend({ flags: { backend } }: ModelsContext): BackendName | undefined {
  const known = backendNames.find((name) => name === backend)
  if (backend === undefined || known !== undefined) return known
  throw new EngineError('invalid', `Expected --backend to be ${backendNames.join(', ')}, received ${backend}`)
}

import { join } from 'node:path'
import { inferenceThreads } from './config.ts'
import type { HostStatus } from './hosts/host.ts'
import type { Catalogue } from './inference/catalogue.ts'
import { HailoLanguageBackend } from './inference/hailo-language-backend.ts'
import { HailoLanguageHost } from './inference/hailo-language-host.ts'
import { HailoPictures } from './inference/hailo-pictures.ts'
import { HailoRecogniser, type HailoRecogniserOptions } from './inference/hailo-recogniser.ts'
import type { HailoSupport } from './inference/hailo-support.ts'
import type { LanguageCapabilities } from './inference/language.ts'
import { LanguageEngine } from './inference/language-engine.ts'
import type { LearnedSizes } from './inference/learned-sizes.ts'
import { LlamaBackend } from './inference/llama.ts'
import type { ModelStore } from './inference/model-store.ts'
import { createRemoteLanguages } from './inference/remote-language.ts'
import type { Residency } from './inference/residency.ts'
import type { OnWorked } from './inference/scheduler.ts'
import type { TrustedFiles } from './inference/trusted-files.ts'
import type { LoadedModelStatus } from './inference/vision-model-status.ts'
import type { ModelsSurroundings } from './models-surroundings.ts'
import { reportHostStart } from './problems.ts'

/** Tasks of the catalogue's models that the engine's language runs. */
const languageTasks = ['language', 'vision-language', 'embed-text']

/** Of a model that the catalogue does not know. */
function guessTask({ vision, chat, completion }: LanguageCapabilities): (typeof languageTasks)[number] {
  if (vision) return 'vision-language'
  return chat || completion ? 'language' : 'embed-text'
}

/** What language models are built with. */
export interface LanguageParts {
  readonly around: ModelsSurroundings
  /** Left out where there is no way to a device. */
  readonly support?: HailoSupport | undefined
  readonly catalogue: Catalogue
  readonly store: ModelStore
  readonly residency: Residency
  readonly sizes: LearnedSizes
  readonly trusted: TrustedFiles
}

/** Language models, and what of speech the Hailo device does. */
export interface ComposedLanguage {
  readonly language: LanguageEngine
  /** The device's recogniser, live by the given way; undefined where there is no way to a device. */
  readonly hailoRecogniser: (openStream: HailoRecogniserOptions['openStream']) => HailoRecogniser | undefined
  readonly hosts: () => HostStatus[]
  /** All language models, also those that the catalogue does not know, as health and lists show them. */
  readonly status: () => Promise<LoadedModelStatus[]>
  /** Whether a model of the catalogue is one of language. */
  readonly isOurs: (name: string) => boolean
}

/** GGUF files that the catalogue does not know are searched where all models are. */
function llamaOptions({ around: { config }, catalogue, store }: LanguageParts) {
  const { paths, mirror } = config.models
  const near = mirror === null || /^https?:/.test(mirror) ? [] : [mirror]
  const folders = [...paths, ...near, join(config.state, 'models')]
  const { contextLength } = config.language
  const hashOf = (path: string) => store.search.hashOf(path)
  return { catalogue, store, folders, hashOf, threads: inferenceThreads(config), contextLength }
}

/** Builds what runs language models: on the device, where there is a way to one, by llama.cpp, and by servers that the configuration names. */
export function composeLanguage(parts: LanguageParts): ComposedLanguage {
  const { around, support, catalogue, residency, sizes } = parts
  const { pool, closing, metrics } = around
  const log = around.log.child({ part: 'language' })
  const onWorked: OnWorked = (resource, timing) => metrics.worked(resource, timing)
  const onHostStart = reportHostStart(around.problems)
  const host = support && closing.use('language host', new HailoLanguageHost({ support, pool, log, onHostStart }))
  const device = host && { ...parts, host, pictures: new HailoPictures(host, pool) }
  const llama = new LlamaBackend({ ...llamaOptions(parts), pool, log, onHostStart })
  const servers = createRemoteLanguages(around.config.language.servers)
  const backends = [...(device ? [new HailoLanguageBackend(device)] : []), llama, ...servers]
  const language = closing.use('language', new LanguageEngine({ backends, residency, sizes, log, onWorked }))
  const taskOf = (name: string) => catalogue.models.find((model) => model.name === name)?.task
  return {
    language,
    hailoRecogniser: (openStream) =>
      device && closing.use('hailo recogniser', new HailoRecogniser({ ...device, openStream, onWorked })),
    hosts: () => [...(host ? [host.status] : []), ...llama.hosts()],
    status: async () =>
      (await language.status()).map(({ name, backend, state, why, capabilities }) => {
        const task = taskOf(name) ?? guessTask(capabilities)
        return { name, task, backend, state, why }
      }),
    isOurs: (name) => languageTasks.includes(taskOf(name) ?? ''),
  }
}

import { join } from 'node:path'
import { composeLanguage } from './compose-language.ts'
import { composeSpeech } from './compose-speech.ts'
import { inferenceThreads } from './config.ts'
import { EngineError, messageOf } from './errors.ts'
import type { HostStatus } from './hosts/host.ts'
import { type Catalogue, loadCatalogue } from './inference/catalogue.ts'
import { type DefaultModel, defaultLanguage } from './inference/default-model.ts'
import type { Memory } from './inference/eviction.ts'
import { FaceGallery } from './inference/face-gallery.ts'
import { type FoundHailo, findHailo } from './inference/find-hailo.ts'
import { HailoBackend } from './inference/hailo.ts'
import type { HailoDeviceStatus } from './inference/hailo-link.ts'
import type { LanguageEngine } from './inference/language-engine.ts'
import { LearnedSizes } from './inference/learned-sizes.ts'
import { listModels } from './inference/model-list.ts'
import { createStock } from './inference/model-stock.ts'
import { ModelStore } from './inference/model-store.ts'
import { ollamaFolders } from './inference/ollama-store.ts'
import { Residency } from './inference/residency.ts'
import type { OnWorked } from './inference/scheduler.ts'
import type { SpeechEngine } from './inference/speech-engine.ts'
import { TrustedFiles } from './inference/trusted-files.ts'
import { VisionEngine, type VisionStatus } from './inference/vision-engine.ts'
import type { VisionTask } from './inference/vision-task.ts'
import type { ModelsSurroundings } from './models-surroundings.ts'
import { loadAllTasks } from './plugin-folders.ts'
import { reportHostStart, reportWriting } from './problems.ts'
import { reportResidency } from './residency-report.ts'
import type { ModelsParts } from './routes/models.ts'

/** Everything that finds, loads and runs models. */
export interface ComposedModels extends Omit<ModelsParts, 'resources'> {
  readonly vision: VisionEngine
  /** Faces that have a name. */
  readonly gallery: FaceGallery
  readonly tasks: readonly VisionTask[]
  readonly residency: Residency
  /** The Hailo device, for health. */
  readonly hailo: () => HailoDeviceStatus
  /** The child processes that run models. */
  readonly hosts: () => HostStatus[]
  readonly catalogue: Catalogue
  readonly store: ModelStore
  readonly language: LanguageEngine
  readonly speech: SpeechEngine
  /** Which models of language and speech are taken where nobody names one, for health. */
  readonly defaults: () => Promise<Readonly<Record<string, DefaultModel>>>
  /** Of all models, for health. Nothing is loaded, fetched or converted by asking. */
  readonly status: () => Promise<VisionStatus>
  /** Loads these before anybody asks. What goes wrong with one is logged, and the next one is loaded. */
  readonly preload: (names: readonly string[]) => Promise<void>
}

/** Builds the part of the engine that finds, loads and runs models. Throws `invalid` for a name in the configuration that the catalogue lacks. */
export async function composeModels(around: ModelsSurroundings): Promise<ComposedModels> {
  const { config, pool, closing, metrics, problems } = around
  const catalogue = loadCatalogue()
  const { preload, pin } = config.models
  expectModels(catalogue, { 'models.preload': preload, 'models.pin': pin })
  const log = around.log.child({ part: 'vision' })
  const files = { stateFolder: config.state, log, onWritten: reportWriting(problems) }
  const hailoLog = around.log.child({ part: 'hailo' })
  const found = await findHailo({ ...config.hailo, stateFolder: config.state, log: hailoLog, closing })
  const places = { paths: [...found.models, ...config.models.paths], mirror: config.models.mirror }
  const ollama = ollamaFolders(process.env)
  const store = closing.use('model store', new ModelStore({ ...files, ...places, catalogue, ollama }))
  const sizes = closing.use('learned sizes', new LearnedSizes(files))
  let hailo: HailoBackend | undefined
  const residency = createResidency(around, () => hailo?.budgetBytes ?? null)
  hailo = openHailo(found, around, residency)
  const tasks = await loadAllTasks()
  const onWorked: OnWorked = (resource, timing) => metrics.worked(resource, timing)
  const onHostStart = reportHostStart(problems)
  const trusted = new TrustedFiles(config.state, (path) => store.search.hashOf(path))
  const device = { hailo, noHailo: found.absent, trusted }
  const parts = { ...device, pool, catalogue, store, tasks, residency, sizes, threads: inferenceThreads(config), log }
  const { keepPictures } = config.faces
  const gallery = closing.use(
    'faces',
    new FaceGallery({ file: join(config.state, 'faces.db'), keepsPictures: keepPictures }),
  )
  const vision = closing.use('vision', new VisionEngine({ ...parts, knownFaces: gallery, onWorked, onHostStart }))
  const { support } = found
  const spoken = composeLanguage({ around, support, catalogue, store, residency, sizes, trusted })
  const hasHailo = () => hailo?.status.state === 'ready'
  const { hailoRecogniser } = spoken
  const speech = composeSpeech({ around, catalogue, store, residency, hailoRecogniser, hasHailo })
  // Before the hosts: what waits for a model is refused, and none is loaded any more.
  closing.use('residency', residency)
  const status = async () => {
    const [seen, said, heard] = await Promise.all([vision.status(), spoken.status(), speech.status()])
    return { ...seen, models: [...seen.models, ...said, ...heard] }
  }
  const stock = createStock(catalogue.models, store)
  return {
    ...{ vision, gallery, tasks, residency, catalogue, store },
    hailo: () => hailo?.status ?? { state: 'absent', reason: found.absent ?? '', simulated: false },
    hosts: () => [...vision.hosts(), ...(hailo?.hosts() ?? []), ...spoken.hosts(), ...speech.hosts()],
    ...{ language: spoken.language, speech, status },
    defaults: async () => {
      const [language, heard] = await Promise.all([defaultLanguage(spoken.language), speech.defaults()])
      return { language, ...heard }
    },
    preload: async (names) => {
      await vision.preload(names.filter((name) => !spoken.isOurs(name)))
      await spoken.language.preload(names.filter(spoken.isOurs))
    },
    list: () => listModels({ residency, sizes, status: async () => (await status()).models, stock, hasHailo }),
    unload: async (name) => residency.unload(catalogue.model(name).name),
  }
}

function openHailo(
  { support }: FoundHailo,
  around: ModelsSurroundings,
  residency: Residency,
): HailoBackend | undefined {
  if (support === undefined) return undefined
  const { pool, problems, closing } = around
  const log = around.log.child({ part: 'hailo' })
  const ownBytes = () => (residency.isChanging('device') ? undefined : residency.use('device').used)
  const backend = new HailoBackend({ support, pool, log, onHostStart: reportHostStart(problems), ownBytes })
  return closing.use('hailo', backend)
}

function createResidency(
  { config: { models }, log, metrics }: ModelsSurroundings,
  device: () => number | null,
): Residency {
  const wanted = models.budget.device
  const budget = (memory: Memory) => (memory === 'host' ? models.budget.host : wanted === 'auto' ? device() : wanted)
  const onEvent = reportResidency(log.child({ part: 'models' }), metrics)
  return new Residency({ budget, pinned: models.pin, keepAlive: models.keepAlive, onEvent })
}

/** A name that is wrong would be noticed only when the model is missed. */
function expectModels(catalogue: Catalogue, lists: Readonly<Record<string, readonly string[]>>): void {
  for (const [key, names] of Object.entries(lists))
    for (const [i, name] of names.entries()) expectModel(`${key}.${i}`, name)

  function expectModel(place: string, name: string): void {
    try {
      catalogue.model(name)
    } catch (error) {
      throw new EngineError('invalid', `configuration: ${place}: ${messageOf(error)}`, { cause: error })
    }
  }
}

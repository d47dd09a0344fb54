import { composeAssistant } from './compose-assistant.ts'
import { composeChat } from './compose-chat.ts'
import { composeHouse } from './compose-house.ts'
import { composeModels } from './compose-models.ts'
import { composeStreams } from './compose-streams.ts'
import { composeTls } from './compose-tls.ts'
import { composeVoice } from './compose-voice.ts'
import type { Config } from './config.ts'
import { AnchoredClock } from './core/clock.ts'
import { ImagePool } from './core/image-pool.ts'
import { ClosingStack } from './core/lifecycle.ts'
import { errorBodyFor } from './error-bodies.ts'
import { createHealth } from './health.ts'
import type { SharedPool } from './hosts/host.ts'
import type { Language } from './inference/language.ts'
import type { Residency } from './inference/residency.ts'
import type { Speech } from './inference/speech.ts'
import type { VisionEngine } from './inference/vision-engine.ts'
import { jobProgressSchema } from './jobs/job-topics.ts'
import { openListeners } from './listeners.ts'
import { LoadWatch } from './load-watch.ts'
import type { Logger } from './log.ts'
import { MachineLoad } from './machine-load.ts'
import { Metrics } from './metrics.ts'
import { addon } from './native/addon.ts'
import { Problems, reportClockStep, reportHostStart } from './problems.ts'
import { ResourceWatch } from './resource-watch.ts'
import { readResources } from './resources.ts'
import { joinDescribed } from './routes/documents.ts'
import { faceRoutes } from './routes/faces.ts'
import { type Health, healthRoutes } from './routes/health.ts'
import { metricsRoutes } from './routes/metrics.ts'
import { modelRoutes } from './routes/models.ts'
import { pipelineRoutes } from './routes/pipelines.ts'
import { describeService } from './routes/speech-aliases.ts'
import { topicRoutes } from './routes/topics.ts'
import { visionRoutes } from './routes/vision.ts'
import { socketSchemas } from './server/requests.ts'
import { Hub } from './streams/hub.ts'
import { socketAnswerSchema } from './streams/message-schema.ts'
import type { MachineOptions } from './voice/settings.ts'

/** How often the wall clock is compared with the anchor of our times. */
const clockCheckMs = 1000

/** The running engine. Disposing it stops everything in reverse order. */
export interface App extends AsyncDisposable {
  /** Where it listens. */
  readonly url: string
  /** Where it speaks TLS; undefined: nowhere. */
  readonly secureUrl: string | undefined
  readonly pool: SharedPool
  health(): Promise<Health>
}

/** Parts that are not built from the configuration. */
export interface GivenParts {
  /** Language models in the place of the engine's own. */
  readonly language?: Language
  /** Speech in the place of the engine's own. */
  readonly speech?: Speech
  /** Times and limits of voice sessions in the place of the usual ones. */
  readonly voice?: Partial<MachineOptions>
}

/**
 * Builds every part and connects them. Rejects with `conflict` when the port is taken, `unavailable` when the addon or
 * the page is not built; nothing stays open then.
 */
export async function createApp(config: Config, version: string, log: Logger, given: GivenParts = {}): Promise<App> {
  const closing = new ClosingStack()
  try {
    return await compose(config, { version, log, given }, closing)
  } catch (error) {
    await closing[Symbol.asyncDispose]()
    throw error
  }
}

async function compose(
  config: Config,
  { version, log, given }: { readonly version: string; readonly log: Logger; readonly given: GivenParts },
  closing: ClosingStack,
): Promise<App> {
  const { clock, problems } = startClock(log, closing)
  const pool = createPool(config, closing)
  const metrics = closing.use('metrics', new Metrics(version))
  const models = await composeModels({ config, pool, log, closing, metrics, problems })
  const { vision, tasks, residency } = models
  const onStart = reportHostStart(problems)
  const hub = createHub({ clock, log, pool, metrics })
  const speech = given.speech ?? models.speech
  const chat = composeChat({ config, ...models, language: given.language ?? models.language, speech, clock, version })
  const talking = { hub, clock, language: chat.language, speech, pipelines: () => pipelines }
  const assistant = composeAssistant({ ...talking, config, closing })
  const around = { state: config.state, hub, clock, log, closing }
  const voice = composeVoice({ config, ...assistant, machine: given.voice, metrics: metrics.voice, log, closing })
  const asked = { vision, speech, voices: voice.sessions, tasks }
  const streams = await composeStreams({ config, pool, hub, clock, log, closing, onStart, ...asked })
  const { pipelines, browser } = streams
  assistant.expectTopics()
  const load = closing.use('load watch', watchLoad(vision, problems, log))
  const hosts = () => [...models.hosts(), ...streams.hosts()]
  const tls = composeTls({ config, problems, log, closing })
  const house = composeHouse({ ...around, vision, ...chat, speech })
  const watched = { hosts, pipelines, jobs: house.jobs, problems, load, tls }
  const health = createHealth({ ...models, ...watched, version, clock, closing })
  const resources = { residency, hosts, temperature: () => load.status.temperature, stateFolder: config.state }
  const routes = [
    topicRoutes(hub),
    visionRoutes(vision),
    faceRoutes(vision, models.gallery),
    modelRoutes({ ...models, resources: () => readResources(resources) }),
    healthRoutes(health, () => describeService(speech)),
    metricsRoutes(() => readMetrics({ metrics, health, hub, pool, residency }), metrics.contentType),
    pipelineRoutes(pipelines),
    ...chat.routes,
    ...house.routes,
  ]
  const socket = { ...socketSchemas, answer: socketAnswerSchema, progress: jobProgressSchema }
  const { fetch } = joinDescribed(routes, { version, socket, topics: () => hub.topics(), errorBody: errorBodyFor })
  const served = { hub, browserSources: browser, fetch, chat: chat.routes, socketApps: voice.socketApps }
  const ports = { config, ...served, tls, assistant, version, problems, log, closing }
  const { url, secureUrl, onDescriptors } = await openListeners(ports)
  void models.preload(config.models.preload)
  closing.use('resource watch', new ResourceWatch({ problems, stateFolder: config.state, onDescriptors }))
  return { url, secureUrl, pool, health, [Symbol.asyncDispose]: () => closing[Symbol.asyncDispose]() }
}

/** What `/metrics` answers. */
async function readMetrics(parts: {
  readonly metrics: Metrics
  readonly health: () => Promise<Health>
  readonly hub: Hub
  readonly pool: SharedPool
  readonly residency: Residency
}): Promise<string> {
  const { metrics, health, hub, pool, residency } = parts
  const [topics, images] = [hub.traffic(), pool.ledger.stats()]
  return metrics.text({ health: await health(), topics, images, residency: residency.use('host') })
}

function startClock(log: Logger, closing: ClosingStack): { clock: AnchoredClock; problems: Problems } {
  const clock = new AnchoredClock((byMs) => {
    log.warn({ byMs }, 'the wall clock was set; times are anchored anew')
    reportClockStep(problems, byMs)
  })
  const problems = new Problems(clock, log)
  const timer = setInterval(() => clock.check(), clockCheckMs).unref()
  closing.defer('clock', () => clearInterval(timer))
  return { clock, problems }
}

function watchLoad(vision: VisionEngine, problems: Problems, log: Logger): LoadWatch {
  return new LoadWatch({
    machine: new MachineLoad(),
    ranks: () => vision.liveRanks(),
    limit: (limits) => vision.limitLoad(limits),
    problems,
    log: log.child({ part: 'load' }),
  })
}

function createHub({ clock, log, pool, metrics }: HubParts): Hub {
  const readImage = (image: { slot: number; bytes: number }) => pool.memory.read(image.slot, 0, image.bytes)
  const onPublished = (topic: string, latency: bigint) => metrics.published(topic, latency)
  return new Hub({ clock, log: log.child({ part: 'hub' }), readImage, onPublished })
}

interface HubParts {
  readonly clock: AnchoredClock
  readonly log: Logger
  readonly pool: SharedPool
  readonly metrics: Metrics
}

function createPool({ images: { slots, maxSize } }: Config, closing: ClosingStack): SharedPool {
  const memory = addon().createPool(slots, addon().imageLayout('rgb', maxSize.width, maxSize.height).bytes)
  closing.defer('image pool', () => memory.close())
  return { memory, ledger: new ImagePool({ slots }) }
}

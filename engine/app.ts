import { join } from 'node:path'
import { type Config, inferenceThreads } from './config.ts'
import { AnchoredClock } from './core/clock.ts'
import { ImagePool } from './core/image-pool.ts'
import { ClosingStack } from './core/lifecycle.ts'
import { createHealth } from './health.ts'
import { GstCaptureHosts } from './hosts/capture-hosts.ts'
import type { SharedPool } from './hosts/host.ts'
import { loadCatalogue } from './inference/catalogue.ts'
import { ModelStore } from './inference/model-store.ts'
import type { OnWorked } from './inference/scheduler.ts'
import { VisionEngine } from './inference/vision-engine.ts'
import { LoadWatch } from './load-watch.ts'
import type { Logger } from './log.ts'
import { MachineLoad } from './machine-load.ts'
import { Metrics } from './metrics.ts'
import { addon } from './native/addon.ts'
import { PipelineSet } from './pipeline-set.ts'
import { loadAllPlugins, loadAllTasks } from './plugin-folders.ts'
import { Problems, reportClockStep, reportHostStart, reportWriting } from './problems.ts'
import { ResourceWatch } from './resource-watch.ts'
import { projectRoot } from './root.ts'
import { joinRoutes } from './routes/answer.ts'
import { type Health, healthRoutes } from './routes/health.ts'
import { metricsRoutes } from './routes/metrics.ts'
import { pipelineRoutes } from './routes/pipelines.ts'
import { topicRoutes } from './routes/topics.ts'
import { visionRoutes } from './routes/vision.ts'
import { Server } from './server/server.ts'
import { BrowserSourceRegistry } from './streams/browser-sources.ts'
import { Hub } from './streams/hub.ts'
import { accessRules } from './token.ts'

/** How often the wall clock is compared with the anchor of our times. */
const clockCheckMs = 1000

/** The running engine. Disposing it stops everything in reverse order. */
export interface App extends AsyncDisposable {
  /** Where it listens. */
  readonly url: string
  readonly pool: SharedPool
  health(): Promise<Health>
}

/**
 * Builds every part and connects them. Rejects with `conflict` when the port is taken, `unavailable` when the addon or
 * the page is not built; nothing stays open then.
 */
export async function createApp(config: Config, version: string, log: Logger): Promise<App> {
  const closing = new ClosingStack()
  try {
    return await compose(config, version, log, closing)
  } catch (error) {
    await closing[Symbol.asyncDispose]()
    throw error
  }
}

async function compose(config: Config, version: string, log: Logger, closing: ClosingStack): Promise<App> {
  const { clock, problems } = startClock(log, closing)
  const pool = createPool(config, closing)
  const metrics = closing.use('metrics', new Metrics(version))
  const { vision, tasks } = await createVision({ config, pool, log, closing, metrics, problems })
  const onStart = reportHostStart(problems)
  const captureHosts = new GstCaptureHosts({ pool, maxSize: config.images.maxSize, onStart })
  const capture = closing.use('capture hosts', captureHosts)
  const browser = new BrowserSourceRegistry(clock)
  const readImage = (image: { slot: number; bytes: number }) => pool.memory.read(image.slot, 0, image.bytes)
  const onPublished = (topic: string, latency: bigint) => metrics.published(topic, latency)
  const hub = new Hub({ clock, log: log.child({ part: 'hub' }), readImage, onPublished })
  const plugins = await loadAllPlugins(tasks)
  const shared = { clock, capture, vision, browser, media: join(config.state, 'media') }
  const folder = config.pipelinesFolder
  const pipelines = closing.use('pipelines', new PipelineSet({ folder, plugins, shared, hub, clock, log }))
  for (const entry of config.pipelines) pipelines.start(entry)
  const load = closing.use('load watch', watchLoad(vision, problems, log))
  const health = createHealth({ version, clock, vision, capture, pipelines, problems, load, closing })
  const readMetrics = async () =>
    metrics.text({ health: await health(), topics: hub.traffic(), images: pool.ledger.stats() })
  const fetch = joinRoutes([
    topicRoutes(hub),
    visionRoutes(vision),
    healthRoutes(health),
    metricsRoutes(readMetrics, metrics.contentType),
    pipelineRoutes(() => pipelines.summary()),
  ]).fetch
  const { host, port } = config.listen
  const page = join(projectRoot, 'dist/web')
  const rules = accessRules(config, log)
  const server = await Server.listen({
    host,
    port,
    rules,
    hub,
    browserSources: browser,
    fetch,
    page,
    log: log.child({ part: 'server' }),
  })
  closing.use('server', server)
  const onDescriptors = (are: 'short' | 'enough') => (are === 'short' ? server.pause() : void server.resume())
  closing.use('resource watch', new ResourceWatch({ problems, stateFolder: config.state, onDescriptors }))
  const url = `http://${host.includes(':') ? `[${host}]` : host}:${server.port}`
  return { url, pool, health, [Symbol.asyncDispose]: () => closing[Symbol.asyncDispose]() }
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

function createPool({ images: { slots, maxSize } }: Config, closing: ClosingStack): SharedPool {
  const memory = addon().createPool(slots, addon().imageLayout('rgb', maxSize.width, maxSize.height).bytes)
  closing.defer('image pool', () => memory.close())
  return { memory, ledger: new ImagePool({ slots }) }
}

interface VisionParts {
  readonly config: Config
  readonly pool: SharedPool
  readonly log: Logger
  readonly closing: ClosingStack
  readonly metrics: Metrics
  readonly problems: Problems
}

async function createVision({ config, pool, log, closing, metrics, problems }: VisionParts) {
  const { mirror, paths } = config.models
  const catalogue = loadCatalogue()
  const part = log.child({ part: 'vision' })
  const store = closing.use(
    'model store',
    new ModelStore({
      catalogue,
      stateFolder: config.state,
      paths,
      mirror,
      log: part,
      onWritten: reportWriting(problems),
    }),
  )
  const tasks = await loadAllTasks()
  const threads = inferenceThreads(config)
  const onWorked: OnWorked = (resource, timing) => metrics.worked(resource, timing)
  const onHostStart = reportHostStart(problems)
  const engine = new VisionEngine({ pool, catalogue, store, tasks, threads, log: part, onWorked, onHostStart })
  const vision = closing.use('vision', engine)
  return { vision, tasks }
}

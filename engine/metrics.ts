import { readdirSync } from 'node:fs'
import { type IntervalHistogram, monitorEventLoopDelay } from 'node:perf_hooks'
import { Counter, Gauge, Histogram, Registry } from 'prom-client'
import type { PoolStats } from './core/image-pool.ts'
import type { StreamState } from './core/running-stream.ts'
import type { ResidencyEvent, ResidencyUse } from './inference/residency-options.ts'
import type { WorkTiming } from './inference/scheduler.ts'
import { fill, type Rows, setKnown } from './metric-values.ts'
import type { Health } from './routes/health.ts'
import type { TopicTraffic } from './streams/hub.ts'
import { VoiceMetrics } from './voice-metrics.ts'

/** What is read when somebody asks; all else was counted as it happened. */
export interface MetricsReading {
  readonly health: Health
  readonly topics: readonly TopicTraffic[]
  readonly images: PoolStats
  readonly residency: ResidencyUse
}

const states: readonly StreamState[] = ['idle', 'opening', 'live', 'stalled', 'restarting', 'failed']
const byStream = ['pipeline', 'stream'] as const
/** From one frame's time on a fast machine to a stall. */
const latencyBuckets = [0.002, 0.005, 0.01, 0.02, 0.035, 0.05, 0.075, 0.1, 0.15, 0.25, 0.5, 1, 2.5]
/** From a small network in the file cache to a language model. */
const loadBuckets = [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 60]
/** How often the event loop is looked at, in ms; the monitor counts it as part of the delay. */
const loopResolutionMs = 10

/** Every metric of the engine, for Prometheus. Disposing ends the watch over the event loop. */
export class Metrics implements Disposable {
  readonly #registry = new Registry()
  readonly voice = new VoiceMetrics(this.#registry)
  readonly #loop: IntervalHistogram = monitorEventLoopDelay({ resolution: loopResolutionMs })
  readonly #stream = this.#declareStreams()
  readonly #topic = this.#declareTopics()
  readonly #parts = this.#declareParts()
  readonly #process = this.#declareProcess()
  readonly #work = this.#declareWork()
  readonly #models = this.#declareModels()

  constructor(version: string) {
    const build = this.#gauge('build_info', 'Always 1; the labels say what runs.', ['version', 'node'])
    build.set({ version, node: process.version }, 1)
    this.#loop.enable()
  }

  /** A message of a topic was published so long after its frame's capture; nanoseconds. */
  published(topic: string, latency: bigint): void {
    const [pipeline = '', ...stream] = topic.split('/')
    this.#topic.latency.observe({ pipeline, stream: stream.join('/') }, Number(latency) / 1e9)
  }

  /** Work on a model, or on pictures, is over. */
  worked(resource: string, { waitedMs, tookMs }: WorkTiming): void {
    this.#work.waited.observe({ resource }, waitedMs / 1000)
    this.#work.took.observe({ resource }, tookMs / 1000)
  }

  /** A model was loaded or unloaded, or did not fit. */
  residency(event: ResidencyEvent): void {
    const { name: model, backend } = event.model
    if (event.what === 'loaded') this.#models.loads.observe({ model, backend }, event.ms / 1000)
    else if (event.what === 'refused') this.#models.refused.inc({ model })
    else this.#models.unloads.inc({ model, why: event.why })
  }

  /** Everything in Prometheus' text format. */
  text({ health, topics, images, residency }: MetricsReading): Promise<string> {
    this.#readStreams(health)
    this.#readTopics(topics)
    this.#readParts(health, images)
    this.#readProcess(health)
    fill(this.#models.resident, [[{ memory: 'host' }, residency.models]])
    fill(this.#models.bytes, [[{ memory: 'host' }, residency.used]])
    return this.#registry.metrics()
  }

  get contentType(): string {
    return this.#registry.contentType
  }

  [Symbol.dispose](): void {
    this.#loop.disable()
  }

  #declareStreams() {
    return {
      in: this.#counter('packets_in_total', 'Packets that came to a stream, each input counted.', byStream),
      out: this.#counter('packets_out_total', 'Packets that a stream gave, or used.', byStream),
      dropped: this.#counter('packets_dropped_total', 'Packets left out because newer ones came.', byStream),
      failed: this.#counter('packets_failed_total', 'Packets whose work failed.', byStream),
      waiting: this.#gauge(
        'packets_waiting',
        'Packets that wait or are worked on: in - out - dropped - failed.',
        byStream,
      ),
      fps: this.#gauge('stream_fps', 'Packets per second over the last 2 s.', byStream),
      age: this.#gauge(
        'stream_frame_age_seconds',
        'Since the capture of the newest packet; absent before it.',
        byStream,
      ),
      state: this.#gauge('stream_state', '1 for the state that the stream is in.', [...byStream, 'state']),
      frozen: this.#gauge('stream_frozen', '1 while a source gives the same picture again and again.', byStream),
      restarts: this.#counter('stream_restarts_total', 'Openings after a stream broke off.', byStream),
    }
  }

  #declareTopics() {
    const latency = new Histogram({
      name: 'hailstream_publish_latency_seconds',
      help: 'From the capture of a frame to the publication of its message.',
      labelNames: byStream,
      buckets: latencyBuckets,
      registers: [this.#registry],
    })
    return {
      latency,
      published: this.#counter(
        'messages_published_total',
        'Messages of a topic, counted once for all clients.',
        byStream,
      ),
      dropped: this.#counter(
        'messages_dropped_total',
        'Messages that slow clients missed, counted per client.',
        byStream,
      ),
      subscribers: this.#gauge('topic_subscribers', 'Clients of a topic.', byStream),
    }
  }

  #declareParts() {
    return {
      images: this.#gauge('images', 'Slots of the image pool.', ['state']),
      leaked: this.#counter('images_leaked_total', 'Images that nobody let go of. Must stay 0.'),
      stale: this.#counter('images_stale_loans_total', 'Messages about loans that were over.'),
      hostUp: this.#gauge('host_up', '1 while the child process is up.', ['host']),
      hostRestarts: this.#counter('host_restarts_total', 'Starts after the first.', ['host']),
      loaded: this.#gauge('model_loaded', '1 while the model is loaded.', ['model', 'task', 'backend']),
      problem: this.#gauge('problem', '1 while health names it: what the engine lacks of its surroundings.', ['name']),
      clockSteps: this.#counter('clock_steps_total', 'Times that the wall clock was set.'),
      jobs: this.#gauge('jobs', 'Jobs that are kept, by status; absent while their database does not answer.', [
        'status',
      ]),
      jobsBytes: this.#gauge('jobs_bytes', 'Of inputs that wait, and of results.'),
    }
  }

  #declareProcess() {
    return {
      level: this.#gauge(
        'load_level',
        'Steps by which work is slowed: 0 none, 1 batch, from 2 on live streams as well.',
      ),
      machineCpu: this.#gauge(
        'machine_cpu_ratio',
        'Share of the whole machine over the last second; absent before it is known.',
      ),
      temperature: this.#gauge('processor_celsius', 'Temperature of the processor; absent where there is no sensor.'),
      uptime: this.#gauge('uptime_seconds', 'Since the start of the engine.'),
      memory: this.#gauge('memory_bytes', 'Proportional set size of the engine and its hosts.'),
      resident: this.#gauge('process_resident_memory_bytes', 'Resident memory of the engine process.'),
      heap: this.#gauge('process_heap_used_bytes', 'JavaScript heap in use.'),
      cpu: this.#counter('process_cpu_seconds_total', 'CPU time of the engine process, user and system.'),
      descriptors: this.#gauge('process_open_fds', 'Open file descriptors of the engine process.'),
      loop: this.#gauge('event_loop_delay_seconds', 'Delay of the event loop since the last scrape.', ['quantile']),
    }
  }

  #declareWork() {
    return {
      took: this.#histogram('work_seconds', 'Work of a model, or on pictures.', ['resource'], latencyBuckets),
      waited: this.#histogram('work_wait_seconds', 'Before its start.', ['resource'], latencyBuckets),
    }
  }

  #declareModels() {
    return {
      resident: this.#gauge('models_resident', 'Models that take memory.', ['memory']),
      bytes: this.#gauge('models_memory_bytes', 'What they take, as measured.', ['memory']),
      loads: this.#histogram('model_load_seconds', 'Loading of a model.', ['model', 'backend'], loadBuckets),
      unloads: this.#counter('model_unloads_total', 'Models that left their memory, and why.', ['model', 'why']),
      refused: this.#counter('model_loads_refused_total', 'Loads for which there was no room.', ['model']),
    }
  }

  #readStreams({ pipelines }: Health): void {
    const all = pipelines.flatMap(({ name: pipeline, streams }) =>
      streams.map((status) => ({ labels: { pipeline, stream: status.name }, status })),
    )
    const read = (value: (status: (typeof all)[number]['status']) => number): Rows =>
      all.map(({ labels, status }) => [labels, value(status)])
    for (const key of ['in', 'out', 'dropped', 'failed', 'waiting', 'fps', 'restarts'] as const)
      fill(
        this.#stream[key],
        read((status) => status[key]),
      )
    fill(
      this.#stream.frozen,
      read(({ frozen }) => Number(frozen)),
    )
    const aged = all.filter(({ status }) => status.lastFrameAgeMs !== null)
    fill(
      this.#stream.age,
      aged.map(({ labels, status }) => [labels, (status.lastFrameAgeMs ?? 0) / 1000]),
    )
    fill(
      this.#stream.state,
      all.flatMap(({ labels, status }) =>
        states.map((state) => [{ ...labels, state }, Number(status.state === state)] as const),
      ),
    )
  }

  #readTopics(topics: readonly TopicTraffic[]): void {
    for (const key of ['published', 'dropped', 'subscribers'] as const)
      fill(
        this.#topic[key],
        topics.map((topic) => [{ pipeline: topic.pipeline, stream: topic.stream }, topic[key]]),
      )
  }

  #readParts({ hosts, models, clockSteps, problems, jobs }: Health, images: PoolStats): void {
    const { leaked, stale, hostUp, hostRestarts, loaded } = this.#parts
    fill(
      this.#parts.images,
      (['free', 'lent', 'held'] as const).map((state) => [{ state }, images[state]]),
    )
    fill(leaked, [[{}, images.leaked]])
    fill(stale, [[{}, images.staleLoans]])
    fill(
      hostUp,
      hosts.map(({ name: host, state }) => [{ host }, Number(state === 'up')]),
    )
    fill(
      hostRestarts,
      hosts.map(({ name: host, restarts }) => [{ host }, restarts]),
    )
    fill(
      loaded,
      models.map(({ name: model, task, backend, state }) => [{ model, task, backend }, Number(state === 'loaded')]),
    )
    fill(this.#parts.clockSteps, [[{}, clockSteps]])
    fill(
      this.#parts.jobs,
      Object.entries(jobs.counts).map(([status, count]) => [{ status }, count]),
    )
    setKnown(this.#parts.jobsBytes, jobs.bytes)
    fill(
      this.#parts.problem,
      problems.map(({ name }) => [{ name }, 1]),
    )
  }

  #readProcess({ uptime_s, memory_used_mb, load }: Health): void {
    this.#process.level.set(load.level)
    setKnown(this.#process.machineCpu, load.cpu)
    setKnown(this.#process.temperature, load.temperature)
    const { uptime, memory, resident, heap, cpu, descriptors, loop } = this.#process
    const { rss, heapUsed } = process.memoryUsage()
    const { user, system } = process.cpuUsage()
    uptime.set(uptime_s)
    memory.set(memory_used_mb * 1e6)
    resident.set(rss)
    heap.set(heapUsed)
    fill(cpu, [[{}, (user + system) / 1e6]])
    setKnown(descriptors, countDescriptors())
    for (const quantile of [0.5, 0.99, 1])
      loop.set({ quantile }, Math.max(0, this.#loop.percentile(quantile * 100) / 1e9 - loopResolutionMs / 1000))
    this.#loop.reset()
  }

  #counter(name: string, help: string, labelNames: readonly string[] = []): Counter {
    return new Counter({ name: `hailstream_${name}`, help, labelNames, registers: [this.#registry] })
  }

  #histogram(name: string, help: string, labelNames: readonly string[], buckets: number[]): Histogram {
    return new Histogram({ name: `hailstream_${name}`, help, labelNames, buckets, registers: [this.#registry] })
  }

  #gauge(name: string, help: string, labelNames: readonly string[] = []): Gauge {
    return new Gauge({ name: `hailstream_${name}`, help, labelNames, registers: [this.#registry] })
  }
}

/** NaN when there is none left to look with. */
function countDescriptors(): number | null {
  try {
    return readdirSync('/proc/self/fd').length
  } catch {
    // EMFILE or ENFILE: the metric of the problem tells it.
    return null
  }
}

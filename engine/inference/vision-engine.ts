import type { Logger } from 'pino'
import { z } from 'zod'
import type { DetectedObject, PooledImage } from '../core/packet.ts'
import { EngineError } from '../errors.ts'
import { Host, type HostStatus, type OnHostStart, type SharedPool } from '../hosts/host.ts'
import type { VisionProtocol } from '../hosts/protocol.ts'
import type { DeviceBackend } from './backend.ts'
import type { Catalogue } from './catalogue.ts'
import { devices } from './devices.ts'
import type { LearnedSizes } from './learned-sizes.ts'
import { type LiveSession, LiveSessions } from './live-sessions.ts'
import type { LoadLimits } from './load-governor.ts'
import { ModelChoice } from './model-choice.ts'
import type { ModelStore } from './model-store.ts'
import { OnnxBackend } from './onnx.ts'
import { Pictures } from './pictures.ts'
import type { Residency } from './residency.ts'
import { type OnWorked, Scheduler } from './scheduler.ts'
import { ImageTaskSession } from './task-session.ts'
import type { TrustedFiles } from './trusted-files.ts'
import {
  type DecodedPicture,
  defaultRank,
  type Priority,
  type SessionTraits,
  type TaskDescription,
  type TaskSession,
  type Vision,
} from './vision.ts'
import type { LoadedModelStatus } from './vision-model-status.ts'
import type { KnownFaces, VisionTask } from './vision-task.ts'

/** What the engine’s vision is made with. */
export interface VisionEngineOptions {
  readonly pool: SharedPool
  readonly catalogue: Catalogue
  readonly store: Pick<ModelStore, 'locate' | 'status'>
  /** The Hailo device, its owner's; or why there is none. */
  readonly hailo?: DeviceBackend | undefined
  readonly noHailo?: string | undefined
  readonly trusted?: TrustedFiles | undefined
  readonly tasks: readonly VisionTask[]
  /** Its owner's; left out: nobody is known. */
  readonly knownFaces?: KnownFaces | undefined
  /** Which models are loaded; shared with all else that loads some. Its owner's, like `sizes`. */
  readonly residency: Residency
  readonly sizes: LearnedSizes
  /** Threads of one model's inference, at least 1. */
  readonly threads: number
  readonly log: Logger
  readonly onWorked?: OnWorked
  readonly onHostStart?: OnHostStart
}

/** How the models are, for health. */
export interface VisionStatus {
  readonly models: readonly LoadedModelStatus[]
  /** Models whose files are there but do not load, or that were to be preloaded and are not. */
  readonly skippedModels: readonly string[]
}

/** How a session may ask. */
interface Access {
  readonly priority: Priority
  readonly rank: number
  readonly user: string
  /** Of a live session of its own; one that another session asks is slowed with that one. */
  readonly live?: LiveSession | undefined
}

/** Tasks on images, and pictures, by one vision host, which is started by the first question. Its owner disposes it. */
export class VisionEngine implements Vision, AsyncDisposable {
  readonly tasks: readonly string[]
  readonly #tasks: ReadonlyMap<string, VisionTask>
  readonly #host: Host<VisionProtocol>
  readonly #hailo: DeviceBackend | undefined
  readonly #choice: ModelChoice
  readonly #pictures: Pictures
  readonly #scheduler: Scheduler
  readonly #live = new LiveSessions()
  readonly #residency: Residency
  readonly #log: Logger
  readonly #knownFaces: KnownFaces | undefined
  readonly #ending = new AbortController()

  constructor(options: VisionEngineOptions) {
    const { pool, tasks, residency, threads, log, onWorked, onHostStart: onStart, hailo } = options
    this.#residency = residency
    this.#log = log
    this.#knownFaces = options.knownFaces
    this.#scheduler = new Scheduler(devices(threads), onWorked)
    this.tasks = tasks.map(({ name }) => name)
    this.#tasks = new Map(tasks.map((task) => [task.name, task]))
    this.#host = new Host<VisionProtocol>({ name: 'vision', entry: 'vision', pool, log, restart: true, onStart })
    const onnx = new OnnxBackend({ host: this.#host, pool, threads })
    this.#hailo = hailo
    this.#choice = new ModelChoice({
      ...options,
      backends: hailo ? [hailo, onnx] : [onnx],
      settled: hailo && (() => hailo.settled()),
    })
    this.#host.onExit(() => void this.#choice.restore(onnx))
    hailo?.onLost(() => this.#choice.lose(hailo))
    hailo?.onReady(() => void this.#welcome(hailo))
    this.#pictures = new Pictures({ host: this.#host, pool, scheduler: this.#scheduler })
  }

  openTask(task: string, options: unknown, priority: Priority, more: SessionTraits = {}): TaskSession {
    const { rank = defaultRank, user = task } = more
    const live = priority === 'realtime' ? this.#live.open(rank) : undefined
    try {
      return this.#open(task, options, { priority, rank, user, live })
    } catch (error) {
      live?.close()
      throw error
    }
  }

  /** Slows batch and live sessions, or lets them run. */
  limitLoad(limits: LoadLimits): void {
    this.#live.limits = limits
    this.#scheduler.paceBatch(limits.batchShare)
  }

  /** Of the live sessions that are open. */
  liveRanks(): number[] {
    return this.#live.ranks
  }

  describeTask(task: string): TaskDescription {
    const { summary, options } = this.#find(task)
    if (options instanceof z.ZodObject) return { summary, options }
    throw new Error(`Expected the task ${task} to be made by defineVisionTask, with an object of options`)
  }

  #find(task: string): VisionTask {
    const found = this.#tasks.get(task)
    if (found !== undefined) return found
    throw new EngineError('not-found', `Expected a task (${this.tasks.join(', ')}), received ${JSON.stringify(task)}`)
  }

  #open(task: string, options: unknown, { priority, rank, user, live }: Access): TaskSession {
    const found = this.#find(task)
    return new ImageTaskSession({
      task: found,
      options: parseOptions(found, options),
      priority,
      user,
      choice: this.#choice,
      pictures: this.#pictures,
      scheduler: this.#scheduler,
      rank,
      live,
      knownFaces: this.#knownFaces,
      openOther: (name, others) => this.#open(name, others, { priority, rank, user }),
    })
  }

  keepAlive(model: string, seconds: number): void {
    this.#residency.keepAlive(model, seconds)
  }

  /** Loads these models one after the other. What goes wrong with one is logged and shows in health, and the next one is loaded. */
  async preload(models: readonly string[]): Promise<void> {
    await this.#hailo?.settled()
    for (const model of models) {
      if (this.#ending.signal.aborted) return
      try {
        await this.#choice.preload(model, this.#ending.signal)
      } catch (error) {
        if (!(error instanceof EngineError)) throw error
        if (!this.#ending.signal.aborted) this.#log.error({ model, reason: error.message }, 'model not preloaded')
      }
    }
  }

  /** The device has come, or come back: what it had is loaded again, then every session goes over to it. */
  async #welcome(hailo: DeviceBackend): Promise<void> {
    await this.#choice.restore(hailo)
    await this.#choice.reconsider()
  }

  prepare(): Promise<void> | undefined {
    return this.#host.state === 'up' ? undefined : this.#host.start()
  }

  decodePicture(bytes: Uint8Array, signal: AbortSignal): Promise<DecodedPicture> {
    return this.#pictures.decode(bytes, signal)
  }

  encodeJpeg(
    image: PooledImage,
    options: { readonly quality: number; readonly width: number | null },
    signal: AbortSignal,
  ): Promise<PooledImage> {
    return this.#pictures.encodeJpeg(image, options, signal)
  }

  annotate(image: PooledImage, objects: readonly DetectedObject[], signal: AbortSignal): Promise<PooledImage> {
    return this.#pictures.annotate(image, objects, signal)
  }

  /** The child processes that this engine runs. */
  hosts(): HostStatus[] {
    return [this.#host.status]
  }

  /** For health. Nothing is loaded, fetched or converted by asking. */
  async status(): Promise<VisionStatus> {
    return { models: await this.#choice.status(), skippedModels: this.#choice.skipped() }
  }

  /** Refuses what waits, ends the host; what runs fails as `unavailable`. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#ending.abort()
    this.#choice[Symbol.dispose]()
    this.#scheduler[Symbol.dispose]()
    await this.#host[Symbol.asyncDispose]()
  }
}

function parseOptions(task: VisionTask, options: unknown) {
  const parsed = task.options.safeParse(options ?? {})
  if (parsed.success) return parsed.data
  const issues = parsed.error.issues.map(({ path, message }) => `${[task.name, ...path].join('.')}: ${message}`)
  throw new EngineError('invalid', issues.join('; '))
}

import type { DetectedObject, PooledImage } from '../core/packet.ts'
import { EngineError } from '../errors.ts'
import type { InferResult } from '../hosts/protocol.ts'
import type { ModelEntry } from './catalogue.ts'
import type { LiveSession } from './live-sessions.ts'
import type { ChosenModel, LeasedModel, ModelChoice } from './model-choice.ts'
import { Pace } from './pace.ts'
import type { Pictures } from './pictures.ts'
import { scaleObjects } from './scale-objects.ts'
import type { Scheduler } from './scheduler.ts'
import { unlessAborted } from './unless-aborted.ts'
import { defaultRank, type Priority, type TaskResult, type TaskSession } from './vision.ts'
import { cropAround, type VisionTask } from './vision-task.ts'

/** Questions of one session under way: one that runs and one that waits. A live stream's edge keeps the newest beside that. */
const realtimeDepth = 2
/** The longest wait for a free model. A live frame that waited longer is worth nothing. */
const queueDeadlineMs: Readonly<Record<Priority, number>> = { realtime: 2000, interactive: 10_000, batch: 600_000 }
/** Where the task's options do not bound it. */
const defaultMaxPeople = 32

type Options = { readonly model?: string | undefined }

/** What one session is made with; `options` are parsed already. */
export interface TaskSessionOptions {
  readonly task: VisionTask
  readonly options: unknown
  readonly priority: Priority
  /** Who asks, as messages name it. */
  readonly user: string
  readonly choice: ModelChoice
  readonly pictures: Pictures
  readonly scheduler: Scheduler
  /** 0 to 31, among realtime sessions. */
  readonly rank: number
  /** Present for a live session that is slowed under load. */
  readonly live?: LiveSession | undefined
  /** A session of another task with this one's priority and rank, for models that work on what that one found. */
  readonly openOther: (task: string, options: unknown) => TaskSession
}

/**
 * One user's right to ask one task. See `TaskSession`. It holds a lease on its model from the first question to its end, so that the
 * model of a live stream is not evicted between two frames.
 */
export class ImageTaskSession implements TaskSession {
  readonly #with: TaskSessionOptions
  readonly #ending = new AbortController()
  #held: LeasedModel | undefined
  #finder: TaskSession | undefined
  readonly #pace = new Pace()
  #underWay = 0
  #closed = false

  constructor(options: TaskSessionOptions) {
    this.#with = options
  }

  prepare(): Promise<unknown> | undefined {
    const models = this.#prepareModels()
    const hold = this.#pace.wait(this.#with.live?.share() ?? 1)
    return models && hold ? Promise.all([models, hold]) : (models ?? hold)
  }

  #prepareModels(): Promise<unknown> | undefined {
    const others = this.#finder?.prepare()
    return this.#ready() ? others : Promise.all([this.#hold(), others])
  }

  async ask(image: PooledImage, signal: AbortSignal, people?: readonly DetectedObject[]): Promise<TaskResult> {
    const { task, priority } = this.#with
    if (this.#closed) throw new EngineError('closed', `Expected this session of ${task.name} to be open`)
    if (priority === 'realtime' && this.#underWay >= realtimeDepth)
      throw new EngineError('busy', `Expected at most ${realtimeDepth} questions of a live session at once`)
    this.#underWay++
    this.#pace.begin()
    try {
      return await (image.format === 'jpeg' ? this.#askJpeg(image, signal, people) : this.#ask(image, signal, people))
    } finally {
      this.#pace.end()
      this.#underWay--
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true
    this.#with.live?.close()
    this.#pace[Symbol.dispose]()
    this.#ending.abort()
    this.#held?.lease[Symbol.dispose]()
    await this.#finder?.[Symbol.asyncDispose]()
  }

  async #askJpeg(jpeg: PooledImage, signal: AbortSignal, people?: readonly DetectedObject[]): Promise<TaskResult> {
    const image = await this.#with.pictures.unpack(jpeg, signal)
    try {
      const result = await this.#ask(image, signal, people && scaleObjects(people, jpeg, image))
      return { ...result, objects: scaleObjects(result.objects, image, jpeg) }
    } finally {
      image.release()
    }
  }

  async #ask(image: PooledImage, signal: AbortSignal, people?: readonly DetectedObject[]): Promise<TaskResult> {
    const chosen = this.#ready() ?? (await unlessAborted(this.#hold(), signal))
    const { topDown } = chosen.entry
    const objects = topDown
      ? await this.#askCrops(image, chosen, topDown, signal, people)
      : this.#read(image, await this.#infer(image, chosen, null, signal), chosen.entry)
    const { name, simulated } = chosen.backend
    return { objects, model: chosen.entry.name, backend: name, simulated }
  }

  /** The model, where it can be asked now. */
  #ready(): ChosenModel | undefined {
    return this.#held && this.#with.choice.isReady(this.#held) ? this.#held : undefined
  }

  /** Chooses and loads the model for this session, which holds it then, whoever still waits for it. */
  async #hold(): Promise<ChosenModel> {
    const { task, options, priority, user, choice } = this.#with
    const { model } = options as Options
    const leased = await choice.choose(task, model, { priority, user }, this.#ending.signal)
    this.#held?.lease[Symbol.dispose]()
    this.#held = leased
    if (this.#closed) leased.lease[Symbol.dispose]()
    return leased
  }

  /** One crop around each object that was found already, or that the other task finds now. */
  async #askCrops(
    image: PooledImage,
    chosen: ChosenModel,
    topDown: NonNullable<ModelEntry['topDown']>,
    signal: AbortSignal,
    found?: readonly DetectedObject[],
  ): Promise<DetectedObject[]> {
    const { task, options, openOther } = this.#with
    const wanted = task.people?.(options) ?? {}
    this.#finder ??= openOther(topDown.task, wanted)
    const people = select(found ?? (await this.#finder.ask(image, signal)).objects, topDown.label, wanted)
    if (people.length === 0) return []
    const crops = Float32Array.from(people.flatMap(({ bbox }) => cropAround(bbox, topDown.expand)))
    return this.#read(image, await this.#infer(image, chosen, crops, signal), chosen.entry, people)
  }

  #infer(
    image: PooledImage,
    { entry, backend }: ChosenModel,
    crops: Float32Array | null,
    signal: AbortSignal,
  ): Promise<InferResult> {
    const { task, options, priority, rank, scheduler } = this.#with
    const { fit, pad, mean, scale, kernel, activated } = entry.plan
    const plan = { fit, pad, mean, scale, kernel, activated, ...task.plan(options, entry) }
    const start = () =>
      backend.infer({ model: entry.name, plan, image, crops, rank: deviceRank(priority, rank) }, signal)
    const place = { device: backend.device, resource: entry.name, deadlineMs: queueDeadlineMs[priority], rank }
    return scheduler.run(priority, { ...place, start }, signal)
  }

  #read(
    image: PooledImage,
    { rows, width, counts, masks }: InferResult,
    entry: ModelEntry,
    people?: readonly DetectedObject[],
  ): DetectedObject[] {
    const { task, options } = this.#with
    const size = [image.height, image.width] as const
    const objects: DetectedObject[] = []
    let row = 0
    for (const [crop, count] of counts.entries()) {
      const person = people?.[crop]
      for (let i = 0; i < count; i++, row++) {
        const values = rows.subarray(row * width, (row + 1) * width)
        const runs = masks?.[row]
        const mask = runs === undefined ? {} : { mask: { size, counts: runs } }
        const object = task.read(values, { entry, options, ...(person && { person }), ...mask })
        if (object) objects.push(object)
      }
    }
    return objects
  }
}

/** Requests share a device with streams that name no rank; jobs come after all of these. */
function deviceRank(priority: Priority, rank: number): number {
  return priority === 'realtime' ? rank : priority === 'interactive' ? defaultRank : 0
}

/** The most confident objects of that label, as many as the other task would have been asked for. */
function select(objects: readonly DetectedObject[], label: string, wanted: unknown): DetectedObject[] {
  const { maxObjects = defaultMaxPeople, minScore = 0 } = wanted as { maxObjects?: number; minScore?: number }
  return objects
    .filter((object) => object.label === label && object.confidence >= minScore)
    .sort((a, b) => b.confidence - a.confidence)
    .slice(0, maxObjects)
}

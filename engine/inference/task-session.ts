import type { DetectedObject, PooledImage } from '../core/packet.ts'
import { EngineError } from '../errors.ts'
import type { InferResult } from '../hosts/protocol.ts'
import type { ModelEntry } from './catalogue.ts'
import { boxCrop } from './crop.ts'
import type { LiveSession } from './live-sessions.ts'
import type { ChosenModel, ModelChoice } from './model-choice.ts'
import { ModelUse } from './model-use.ts'
import { Pace } from './pace.ts'
import type { Pictures } from './pictures.ts'
import { scaleObjects } from './scale-objects.ts'
import type { Scheduler } from './scheduler.ts'
import type { Priority, TaskResult, TaskSession } from './vision.ts'
import { cropAround, type KnownFaces, type Piece, type Step, type VisionTask } from './vision-task.ts'

/** Questions of one session under way: one that runs and one that waits. A live stream's edge keeps the newest beside that. */
const realtimeDepth = 2
/** Crops of one question to a step's model: the others have their turn between two, and its deadline is for so many. */
const cropsAtOnce = 2
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
  readonly knownFaces?: KnownFaces | undefined
  /** Present for a live session that is slowed under load. */
  readonly live?: LiveSession | undefined
  /** A session of another task with this one's priority and rank, for models that work on what that one found. */
  readonly openOther: (task: string, options: unknown) => TaskSession
}

/** A step of the task, and the use of its model. */
interface OpenStep {
  readonly step: Step
  readonly use: ModelUse
}

/** One user's right to ask one task. See `TaskSession`. */
export class ImageTaskSession implements TaskSession {
  readonly #with: TaskSessionOptions
  readonly #use: ModelUse
  readonly #steps: readonly OpenStep[]
  #finder: TaskSession | undefined
  readonly #pace = new Pace()
  #underWay = 0
  #closed = false

  constructor(options: TaskSessionOptions) {
    this.#with = options
    const { task, options: asked, priority, user, choice, scheduler, rank } = options
    const who = { priority, user, choice, scheduler, rank }
    const { model } = asked as Options
    this.#use = new ModelUse({ ...who, task, model, thresholds: (entry) => task.plan(asked, entry) })
    const steps = task.each?.steps ?? []
    this.#steps = steps.map((step) => ({
      step,
      use: new ModelUse({ ...who, task: step, thresholds: (entry) => step.plan(asked, entry) }),
    }))
  }

  prepare(): Promise<unknown> | undefined {
    const models = this.#prepareModels()
    const hold = this.#pace.wait(this.#with.live?.share() ?? 1)
    return models && hold ? Promise.all([models, hold]) : (models ?? hold)
  }

  #prepareModels(): Promise<unknown> | undefined {
    const works = [this.#use, ...this.#wantedSteps().map(({ use }) => use), this.#finder].map((one) => one?.prepare())
    return works.some((work) => work !== undefined) ? Promise.all(works) : undefined
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
    this.#use[Symbol.dispose]()
    for (const { use } of this.#steps) use[Symbol.dispose]()
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
    const chosen = await this.#use.chosen(signal)
    const { topDown } = chosen.entry
    const found = topDown
      ? await this.#askCrops(image, chosen, topDown, signal, people)
      : this.#read(image, await this.#use.infer(image, chosen, null, signal), chosen.entry)
    const { objects, simulated } = await this.#takeSteps(image, found, signal)
    const { entry, backend } = chosen
    return { objects, model: entry.name, backend: backend.name, simulated: simulated || backend.simulated }
  }

  /** Leads each object that was found through the steps, one step for all before the next. */
  async #takeSteps(image: PooledImage, found: readonly DetectedObject[], signal: AbortSignal) {
    const { each } = this.#with.task
    if (each === undefined) return { objects: found, simulated: false }
    let pieces: readonly Piece[] = found.map((object) => ({ object, crop: each.crop(object) }))
    let simulated = false
    for (const open of this.#wantedSteps()) {
      if (pieces.length === 0) break
      const chosen = await open.use.chosen(signal)
      simulated ||= chosen.backend.simulated
      const taken: Piece[] = []
      for (let from = 0; from < pieces.length; from += cropsAtOnce)
        taken.push(...(await this.#takeStep(image, open, chosen, pieces.slice(from, from + cropsAtOnce), signal)))
      pieces = taken
    }
    return { objects: pieces.map(({ object }) => object), simulated }
  }

  #wantedSteps(): readonly OpenStep[] {
    const { options, knownFaces } = this.#with
    return this.#steps.filter(({ step }) => step.wanted?.(options, knownFaces) ?? true)
  }

  async #takeStep(
    image: PooledImage,
    { step, use }: OpenStep,
    chosen: ChosenModel,
    pieces: readonly Piece[],
    signal: AbortSignal,
  ): Promise<Piece[]> {
    const { options, knownFaces } = this.#with
    const crops = pieces.map(({ crop }) => step.look?.(crop) ?? crop)
    const { rows, width, counts } = await use.infer(image, chosen, crops, signal)
    let at = 0
    return pieces.flatMap((piece, i) => {
      const values = rows.subarray(at, at + width * counts[i]!)
      at += values.length
      return step.read(values, piece, { entry: chosen.entry, options, knownFaces }) ?? []
    })
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
    const crops = people.map(({ bbox }) => boxCrop(cropAround(bbox, topDown.expand)))
    return this.#read(image, await this.#use.infer(image, chosen, crops, signal), chosen.entry, people)
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

/** The most confident objects of that label, as many as the other task would have been asked for. */
function select(objects: readonly DetectedObject[], label: string, wanted: unknown): DetectedObject[] {
  const { maxObjects = defaultMaxPeople, minScore = 0 } = wanted as { maxObjects?: number; minScore?: number }
  return objects
    .filter((object) => object.label === label && object.confidence >= minScore)
    .sort((a, b) => b.confidence - a.confidence)
    .slice(0, maxObjects)
}

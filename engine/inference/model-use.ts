import type { PooledImage } from '../core/packet.ts'
import type { InferResult } from '../hosts/protocol.ts'
import type { ModelEntry } from './catalogue.ts'
import type { Crop } from './crop.ts'
import type { AskedTask, ChosenModel, LeasedModel, ModelChoice } from './model-choice.ts'
import type { Scheduler } from './scheduler.ts'
import { unlessAborted } from './unless-aborted.ts'
import { defaultRank, type Priority } from './vision.ts'
import type { Thresholds } from './vision-task.ts'

/** The longest wait for a free model. A live frame that waited longer is worth nothing. */
const queueDeadlineMs: Readonly<Record<Priority, number>> = { realtime: 2000, interactive: 10_000, batch: 600_000 }

/** Who asks which question, and how. */
export interface ModelUseOptions {
  readonly task: AskedTask
  /** Forces a model of the task. */
  readonly model?: string | undefined
  readonly thresholds: (entry: ModelEntry) => Thresholds
  readonly priority: Priority
  /** Who asks, as messages name it. */
  readonly user: string
  /** 0 to 31, among realtime sessions. */
  readonly rank: number
  readonly choice: ModelChoice
  readonly scheduler: Scheduler
}

/**
 * One session's use of a model. It holds a lease on it from the first question to its end, so that the model of a live stream is not
 * evicted between two frames. Its owner disposes it.
 */
export class ModelUse implements Disposable {
  readonly #with: ModelUseOptions
  readonly #ending = new AbortController()
  #held: LeasedModel | undefined

  constructor(options: ModelUseOptions) {
    this.#with = options
  }

  /** Loads what the next question needs; undefined when it can be asked now. */
  prepare(): Promise<unknown> | undefined {
    return this.#ready() ? undefined : this.#hold()
  }

  /** The model that is asked now, loaded. Rejects as `ModelChoice.choose` does. */
  async chosen(signal: AbortSignal): Promise<ChosenModel> {
    return this.#ready() ?? (await unlessAborted(this.#hold(), signal))
  }

  /** Asks the chosen model about the whole image, or about each crop. Borrows the image. */
  infer(
    image: PooledImage,
    { entry, backend }: ChosenModel,
    crops: readonly Crop[] | null,
    signal: AbortSignal,
  ): Promise<InferResult> {
    const { thresholds, priority, rank, scheduler } = this.#with
    const { fit, pad, mean, scale, kernel, activated, sides } = entry.plan
    const plan = { fit, pad, mean, scale, kernel, activated, sides, ...thresholds(entry) }
    const parts = crops && Float32Array.from(crops.flat())
    const start = () =>
      backend.infer({ model: entry.name, plan, image, crops: parts, rank: deviceRank(priority, rank) }, signal)
    const place = { device: backend.device, resource: entry.name, deadlineMs: queueDeadlineMs[priority], rank }
    return scheduler.run(priority, { ...place, start }, signal)
  }

  [Symbol.dispose](): void {
    this.#ending.abort()
    this.#held?.lease[Symbol.dispose]()
  }

  /** The model, where it can be asked now. */
  #ready(): ChosenModel | undefined {
    return this.#held && this.#with.choice.isReady(this.#held) ? this.#held : undefined
  }

  /** Chooses and loads the model for this session, which holds it then, whoever still waits for it. */
  async #hold(): Promise<ChosenModel> {
    const { task, model, priority, user, choice } = this.#with
    const leased = await choice.choose(task, model, { priority, user }, this.#ending.signal)
    this.#held?.lease[Symbol.dispose]()
    this.#held = leased
    if (this.#ending.signal.aborted) leased.lease[Symbol.dispose]()
    return leased
  }
}

/** Requests share a device with streams that name no rank; jobs come after all of these. */
function deviceRank(priority: Priority, rank: number): number {
  return priority === 'realtime' ? rank : priority === 'interactive' ? defaultRank : 0
}

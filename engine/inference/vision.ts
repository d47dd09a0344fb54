import type { z } from 'zod'
import type { DetectedObject, PooledImage } from '../core/packet.ts'

/** Who waits for a model: live frames, a request, or work that fills gaps. */
export type Priority = 'realtime' | 'interactive' | 'batch'

/** Highest of the ranks of live streams, which begin at 0: as HailoRT's scheduler priorities. A stream of it is never slowed. */
export const maxRank = 31
/** The rank of a stream that names none; as in HailoRT. */
export const defaultRank = 16

/** A picture decoded into a slot. The caller releases `image`. */
export interface DecodedPicture {
  readonly image: PooledImage
  /** Upright size of the picture as it was sent; coordinates are scaled back to it. */
  readonly originalWidth: number
  readonly originalHeight: number
}

/** What was found in one image, and by what. */
export interface TaskResult {
  /** In pixels of the image that was asked about. */
  readonly objects: readonly DetectedObject[]
  readonly model: string
  readonly backend: string
  readonly simulated: boolean
}

/** One user's right to ask a task, with options and priority fixed. Loads and chooses the model at the first question. */
export interface TaskSession extends AsyncDisposable {
  /** Brings back or loads what the next question needs, and holds a live session that is slowed; undefined when it can be asked now. Rejects as the question would. */
  prepare(): Promise<unknown> | undefined
  /** `people`: boxes that a detector found already in this very image, for tasks that work on crops. Borrows the image. */
  ask(image: PooledImage, signal: AbortSignal, people?: readonly DetectedObject[]): Promise<TaskResult>
}

/** Whose session it is. */
export interface SessionTraits {
  /** 0 to 31 among realtime sessions, the higher goes first and is slowed last; left out: 16. */
  readonly rank?: number
  /** A stream or a route, for messages about who uses a model; left out: the task. */
  readonly user?: string
}

/** What a task is, as the documents of the API tell it. */
export interface TaskDescription {
  readonly summary: string
  /** Of a request: the ones that `openTask` checks. */
  readonly options: z.ZodObject
}

/** Tasks on images, and pictures: what nodes and routes see of the models and of the vision host. */
export interface Vision {
  /** Names of the tasks, as in `engine/tasks/`. */
  readonly tasks: readonly string[]
  /** Throws `not-found` for an unknown task. */
  describeTask(task: string): TaskDescription
  /**
   * Throws `not-found` for an unknown task and `invalid` for options that do not fit its schema. Nothing is loaded yet.
   */
  openTask(task: string, options: unknown, priority: Priority, more?: SessionTraits): TaskSession
  /** Seconds that a loaded model stays after its use, until it is unloaded: −1 for ever, 0 until nobody uses it. */
  keepAlive(model: string, seconds: number): void
  /** Starts what works on pictures, or waits for its restart; undefined when it is up. */
  prepare(): Promise<unknown> | undefined
  /** Decodes JPEG, PNG or WebP, upright. Throws `invalid`, `too-large` (by the header, before any pixel is decoded) or `busy`. The caller owns the image. */
  decodePicture(bytes: Uint8Array, signal: AbortSignal): Promise<DecodedPicture>
  /** A JPEG in a slot of its own; the caller owns it. quality 1 to 100; width null keeps the size. */
  encodeJpeg(
    image: PooledImage,
    options: { readonly quality: number; readonly width: number | null },
    signal: AbortSignal,
  ): Promise<PooledImage>
  /** The image with boxes, labels and skeletons drawn on it, RGB, in a slot of its own; the caller owns it. */
  annotate(image: PooledImage, objects: readonly DetectedObject[], signal: AbortSignal): Promise<PooledImage>
}

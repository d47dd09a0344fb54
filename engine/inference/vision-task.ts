import { readdir } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { defer, finalize } from 'rxjs'
import { z } from 'zod'
import { runEach } from '../core/edge.ts'
import { type DetectedObject, derivePacket, type ObjectsPayload } from '../core/packet.ts'
import type { JoinedPacket, Node } from '../core/plugin.ts'
import { EngineError, messageOf } from '../errors.ts'
import { defineNode, type Tools } from '../tools.ts'
import type { ModelEntry } from './catalogue.ts'
import type { Crop } from './crop.ts'
import { defaultRank, maxRank, type TaskSession } from './vision.ts'

/** What the decode kernel is told beside the model's own plan. Scores and IoU are 0 to 1. */
export interface Thresholds {
  readonly minScore: number
  readonly iou: number
  readonly maxRows: number
  /** Class indexes to keep; empty keeps all. */
  readonly classes: readonly number[]
  /** Each row's mask is wanted; the models' kernels have some. */
  readonly masks?: boolean
}

/** Faces that have a name. */
export interface KnownFaces {
  /** Whether there is one at all that was seen by this model. */
  knows(model: string): boolean
  /** The most similar one, −1 to 1; undefined where it is less like the face than that, or there is none. */
  identify(
    model: string,
    embedding: Float32Array,
    least: number,
  ): { readonly name: string; readonly similarity: number } | undefined
}

/** What a row is read with. `person` is the object whose crop was asked about, present only for a model with `topDown`. */
export interface RowContext<O = unknown> {
  readonly entry: ModelEntry
  readonly options: O
  readonly person?: DetectedObject
  /** On the pixels of the image, where the plan asks for masks. */
  readonly mask?: DetectedObject['mask']
  readonly knownFaces?: KnownFaces | undefined
}

/** An object on its way through the steps of a task, and the part of the image that the next step is asked about. */
export interface Piece {
  readonly object: DetectedObject
  readonly crop: Crop
}

/** A second question of a task, about the crop of every object that the first one found. */
export interface Step<O = unknown> {
  /** As its models have it in the catalogue. */
  readonly name: string
  readonly models: readonly string[]
  /** Asked for every image; left out: always. */
  wanted?(options: O, knownFaces?: KnownFaces): boolean
  /** The part of a piece's crop that it looks at; left out: all of it. */
  look?(crop: Crop): Crop
  plan(options: O, entry: ModelEntry): Thresholds
  /** All rows of one crop, one after the other; undefined drops the object. */
  read(rows: Float32Array, piece: Piece, context: RowContext<O>): Piece | undefined
}

/** A question about an image, whatever model answers it. Its file in `engine/tasks/` has its name. */
export interface VisionTask<O = unknown> {
  readonly name: string
  readonly summary: string
  /** Names in the catalogue, in the order in which they are tried. */
  readonly models: readonly string[]
  /** The task's own options, and `model`, which forces one of `models`. Strict. */
  readonly options: z.ZodType<O & { readonly model?: string | undefined }>
  /** The same with `priority`, the rank among live streams, which only a stream has. Strict. */
  readonly liveOptions: z.ZodType<O & { readonly model?: string | undefined; readonly priority: number }>
  /** Options that may be changed while a stream runs: the task's own. */
  readonly tunable: readonly string[]
  /** The kernel's thresholds for one model. Throws `invalid` when the model cannot serve the options. */
  plan(options: O, entry: ModelEntry): Thresholds
  /** For models with `topDown`: the options of the task that finds the objects to crop. */
  people?(options: O): unknown
  /** One row of the kernel, in source pixels, as an object; undefined drops it. */
  read(row: Float32Array, context: RowContext<O>): DetectedObject | undefined
  /** For a task in several steps: which part of the image each object is, and what is asked about it, one step after the other. */
  readonly each?: { crop(object: DetectedObject): Crop; readonly steps: readonly Step<O>[] }
}

type Definition<S extends z.ZodRawShape, O> = Omit<VisionTask<O>, 'options' | 'liveOptions' | 'tunable'> & {
  readonly options: z.ZodObject<S>
}

/** Checks a task's definition and adds the options `model`, and for streams `priority`. */
export function defineVisionTask<S extends z.ZodRawShape>(
  definition: Definition<S, z.output<z.ZodObject<S>>>,
): VisionTask<z.output<z.ZodObject<S>>> {
  const model = z.enum([...definition.models]).optional()
  const options = definition.options.extend({ model })
  const liveOptions = options.extend({ priority: z.number().int().min(0).max(maxRank).default(defaultRank) })
  type Task = VisionTask<z.output<z.ZodObject<S>>>
  return {
    ...definition,
    options: options as unknown as Task['options'],
    liveOptions: liveOptions as unknown as Task['liveOptions'],
    tunable: Object.keys(definition.options.shape),
  }
}

/** Every task in the folder, by its default export. Throws `invalid` when a file's name is not its task's name. */
export async function loadTasks(folder: string): Promise<VisionTask[]> {
  const files = (await readdir(folder)).filter((file) => /^[^.]+\.(ts|js)$/.test(file)).sort()
  return Promise.all(files.map((file) => loadTask(join(folder, file))))
}

async function loadTask(file: string): Promise<VisionTask> {
  const loaded = (await import(pathToFileURL(file).href)) as { default?: VisionTask }
  const expected = basename(file).replace(/\.(ts|js)$/, '')
  if (loaded.default?.name === expected) return loaded.default
  throw new EngineError(
    'invalid',
    `${file}: Expected its default export to be the task ${expected}, received ${loaded.default?.name ?? 'none'}`,
  )
}

const inputs = { image: 'image', objects: { kind: 'objects', optional: true } } as const
type Inputs = JoinedPacket<typeof inputs>

/** One graph node per task: images in, objects out. With a second input `objects`, a top-down model crops those. */
export function visionNodes(tasks: readonly VisionTask[]): Node[] {
  return tasks.map((task) =>
    defineNode({
      name: task.name,
      summary: task.summary,
      options: task.liveOptions,
      tunable: task.tunable as never[],
      accepts: inputs,
      emits: 'objects',
      create:
        ({ priority, ...options }, tools: Tools) =>
        (packets) =>
          defer(() => {
            const more = { rank: priority, user: `${tools.pipeline}/${tools.stream}` }
            const session = tools.vision.openTask(task.name, options, 'realtime', more)
            const answer = async ({ inputs: { image, objects } }: Inputs, signal: AbortSignal) => {
              const payload = await ask(session, image.payload.image, signal, objects?.payload.objects)
              return derivePacket(image, tools.stream, payload)
            }
            return packets.pipe(
              runEach(tools.edge, answer, { prepare: () => session.prepare() }),
              finalize(() => void closeSession(session, tools)),
            )
          }),
    }),
  )
}

async function ask(session: TaskSession, ...[image, signal, found]: Parameters<TaskSession['ask']>) {
  const { objects, model, backend, simulated } = await session.ask(image, signal, found)
  const frame = { width: image.width, height: image.height }
  return { kind: 'objects', objects, frame, model, backend, simulated } satisfies ObjectsPayload as ObjectsPayload
}

async function closeSession(session: TaskSession, tools: Tools): Promise<void> {
  try {
    await session[Symbol.asyncDispose]()
  } catch (error) {
    tools.log.warn({ error: messageOf(error) }, 'could not close the task session')
  }
}

/**
 * The square that a top-down model is asked about: around the middle of the box, its side `expand` × the longer side,
 * as x, y, width, height in source pixels. It may reach outside of the image.
 */
export function cropAround(bbox: DetectedObject['bbox'], expand: number): [number, number, number, number] {
  const [x, y, width, height] = bbox
  const side = expand * Math.max(width, height)
  return [x + width / 2 - side / 2, y + height / 2 - side / 2, side, side]
}

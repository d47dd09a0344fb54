import { EngineError } from '../errors.ts'
import { scaleObjects } from '../inference/scale-objects.ts'
import type { DecodedPicture, Vision } from '../inference/vision.ts'
import { toResultObject } from '../streams/encode.ts'
import type { ResultObject } from '../streams/wire.ts'
import type { JobTask, JobWorker } from './job-worker.ts'

/** Options of a vision job; those of the task were checked by opening it. */
export interface VisionJob {
  readonly task: string
  readonly options: Readonly<Record<string, unknown>>
}

/** What comes of a picture, in its own pixels. */
export interface VisionResult {
  readonly model: string
  readonly backend: string
  readonly simulated?: true
  readonly objects: readonly ResultObject[]
}

/** Works on pictures, between live frames and requests. */
export function visionWork(vision: Vision): JobWorker {
  return async ({ request, input }: JobTask, signal): Promise<VisionResult> => {
    if (!('bytes' in input)) throw new EngineError('invalid', 'Expected pictures in a job of a vision task')
    const { task, options } = request as unknown as VisionJob
    const session = vision.openTask(task, options, 'batch', { user: 'jobs' })
    let picture: DecodedPicture | undefined
    try {
      picture = await vision.decodePicture(input.bytes, signal)
      const { objects, model, backend, simulated } = await session.ask(picture.image, signal)
      const original = { width: picture.originalWidth, height: picture.originalHeight }
      const scaled = scaleObjects(objects, picture.image, original).map(toResultObject)
      return { model, backend, ...(simulated ? { simulated } : {}), objects: scaled }
    } finally {
      picture?.image.release()
      await session[Symbol.asyncDispose]()
    }
  }
}

import type { Context, Hono } from 'hono'
import { EngineError } from '../errors.ts'
import { parseKeepAlive } from '../inference/keep-alive.ts'
import { scaleObjects } from '../inference/scale-objects.ts'
import type { DecodedPicture, TaskResult, Vision } from '../inference/vision.ts'
import { toResultObject } from '../streams/encode.ts'
import type { ResultObject } from '../streams/wire.ts'
import { answer, createRoutes, refuseOtherMethods } from './answer.ts'
import { readPicture, WrongType } from './picture.ts'

/** From the request's last byte to its answer. */
const deadlineMs = 30_000

type Shape = (objects: readonly ResultObject[]) => unknown

/** What each task's answer looks like; a task that is not here answers its objects as topics have them. */
const shapes: Readonly<Record<string, Shape>> = {
  detect: (objects) => objects.map(({ label, confidence, bbox }) => ({ label, confidence, bbox })),
  pose: (objects) => objects.map(({ keypoints = [] }, person_id) => ({ person_id, keypoints })),
}

/**
 * `POST /api/<task>` for every task: a picture in, what was found out. Options come as query, fields or JSON keys: the task's own, and
 * `keep_alive`, how long the model that answered stays (see `parseKeepAlive`). Headers name the model, its backend, and whether it is simulated.
 */
export function visionRoutes(vision: Vision): Hono {
  const app = createRoutes()
  for (const task of vision.tasks) {
    app.post(`/api/${task}`, (context) => answerTask(vision, task, context))
    refuseOtherMethods(app, `/api/${task}`, 'POST')
  }
  return app
}

async function answerTask(vision: Vision, task: string, { req }: Context): Promise<Response> {
  try {
    const { bytes, options } = await readPicture(req.raw)
    const { objects, ...by } = await ask(vision, task, bytes, options, req.raw.signal)
    return Response.json((shapes[task] ?? ((found) => found))(objects), { headers: describe(by) })
  } catch (error) {
    if (error instanceof WrongType) return answer(415, 'invalid', error.message)
    throw error
  }
}

/** The answers of this house are lists: who computed them is told in their headers. */
function describe({ model, backend, simulated }: Omit<TaskResult, 'objects'>): Record<string, string> {
  const headers = { 'hailstream-model': model, 'hailstream-backend': backend }
  return simulated ? { ...headers, 'hailstream-simulated': 'true' } : headers
}

async function ask(
  vision: Vision,
  task: string,
  bytes: Uint8Array,
  { keep_alive, ...options }: Readonly<Record<string, unknown>>,
  hungUp: AbortSignal,
): Promise<Omit<TaskResult, 'objects'> & { readonly objects: ResultObject[] }> {
  const keepAlive = keep_alive === undefined ? undefined : parseKeepAlive(keep_alive)
  const session = vision.openTask(task, options, 'interactive', { user: `POST /api/${task}` })
  const late = AbortSignal.timeout(deadlineMs)
  const signal = AbortSignal.any([hungUp, late])
  let picture: DecodedPicture | undefined
  try {
    picture = await vision.decodePicture(bytes, signal)
    const { objects, ...by } = await session.ask(picture.image, signal)
    if (keepAlive !== undefined) vision.keepAlive(by.model, keepAlive)
    const original = { width: picture.originalWidth, height: picture.originalHeight }
    return { ...by, objects: scaleObjects(objects, picture.image, original).map(toResultObject) }
  } catch (error) {
    if (!late.aborted) throw error
    throw new EngineError('timeout', `Expected an answer within ${deadlineMs / 1000} s. Try again later`, {
      cause: error,
    })
  } finally {
    picture?.image.release()
    await session[Symbol.asyncDispose]()
  }
}

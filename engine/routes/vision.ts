import type { Context, Hono } from 'hono'
import { z } from 'zod'
import { EngineError } from '../errors.ts'
import { parseKeepAlive } from '../inference/keep-alive.ts'
import { scaleObjects } from '../inference/scale-objects.ts'
import type { DecodedPicture, TaskResult, Vision } from '../inference/vision.ts'
import { toResultObject } from '../streams/encode.ts'
import { objectSchema } from '../streams/message-schema.ts'
import type { ResultObject } from '../streams/wire.ts'
import { answer, createRoutes, houseFailure, refuseOtherMethods } from './answer.ts'
import { describeRoutes, type Operation } from './operation.ts'
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
  const operations = vision.tasks.map((task) => describeTask(vision, task))
  return describeRoutes(app, { name: 'Pictures', failure: houseFailure, operations })
}

const { label, confidence, bbox, keypoints } = objectSchema.shape
/** What `shapes` make. */
const shapeSchemas: Readonly<Record<string, z.ZodType>> = {
  detect: z.array(z.strictObject({ label, confidence, bbox })),
  pose: z.array(z.strictObject({ person_id: z.number().int(), keypoints: keypoints.unwrap() })),
}
const keepAlive = z
  .union([z.number(), z.string()])
  .optional()
  .describe('How long the model stays loaded: seconds, or a time such as 5m; -1 for ever')

function describeTask(vision: Vision, task: string): Operation {
  const { summary, options } = vision.describeTask(task)
  const query = options.extend({ keep_alive: keepAlive })
  const schema = shapeSchemas[task] ?? z.array(objectSchema)
  return {
    method: 'post',
    path: `/api/${task}`,
    summary: summary.replace(/\.$/, ''),
    detail:
      'Takes JPEG, PNG or WebP. Options come as query, as fields beside the picture, or as keys of the JSON; lists as text are separated by commas. The headers hailstream-model, hailstream-backend and, where it is so, hailstream-simulated tell who answered.',
    query,
    body: {
      'multipart/form-data': { schema: query.extend({ image: z.file() }) },
      'image/*': {},
      'application/octet-stream': {},
      'application/json': { schema: query.extend({ image: z.string().describe('Base64 or a data URL') }) },
    },
    answers: { 200: { summary: 'What was found', content: { 'application/json': { schema } } } },
    failures: [400, 413, 415, 503, 504],
  }
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

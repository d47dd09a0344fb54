import type { Context, Hono } from 'hono'
import { z } from 'zod'
import { EngineError } from '../errors.ts'
import { chooseFormat, NotAcceptable, optionsFor } from '../formats/choose-format.ts'
import type { Format } from '../formats/format.ts'
import { formatsOf } from '../formats/formats.ts'
import { askAbout } from '../inference/ask-about.ts'
import { parseKeepAlive } from '../inference/keep-alive.ts'
import { scaleObjects } from '../inference/scale-objects.ts'
import type { TaskResult, Vision } from '../inference/vision.ts'
import { toResultObject } from '../streams/encode.ts'
import type { ResultObject } from '../streams/wire.ts'
import { answer, createRoutes, houseFailure, refuseOtherMethods } from './answer.ts'
import { type Contents, describeRoutes, type Operation } from './operation.ts'
import { readPicture, WrongType } from './picture.ts'

/**
 * `POST /api/<task>` for every task: a picture in, what was found out. Options come as query, fields or JSON keys: the task's own,
 * `keep_alive`, how long the model that answered stays (see `parseKeepAlive`), and `format`, one of `formatsOf(task)`. Headers name the model, its backend, and whether it is simulated.
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

const keepAlive = z
  .union([z.number(), z.string()])
  .optional()
  .describe('How long the model stays loaded: seconds, or a time such as 5m; -1 for ever')
const imageId = z.number().int().min(0).optional().describe('The number of the picture in a format that numbers them')

function describeTask(vision: Vision, task: string): Operation {
  const { summary, options } = vision.describeTask(task)
  const formats = formatsOf(task)
  const named = formats.map(({ name, summary }) => `${name}: ${summary}`).join('; ')
  const format = z
    .enum(formats.map(({ name }) => name))
    .optional()
    .describe(`${named}. Left out: ${formats[0].name}`)
  const numbered = formats.some((one) => one.numbered) ? { image_id: imageId } : {}
  const query = options.extend({ keep_alive: keepAlive, format, ...numbered })
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
    answers: { 200: { summary: 'What was found', content: describeFormats(formats) } },
    failures: [400, 406, 413, 415, 503, 504],
  }
}

function describeFormats(formats: readonly Format[]): Contents {
  const types = [...new Set(formats.map(({ type }) => type))]
  return Object.fromEntries(
    types.map((type) => {
      const schemas = formats.flatMap((format) => (format.type === type && format.schema ? [format.schema] : []))
      const schema = schemas.length > 1 ? z.union(schemas) : schemas[0]
      return [type, schema ? { schema } : {}]
    }),
  )
}

async function answerTask(vision: Vision, task: string, { req }: Context): Promise<Response> {
  try {
    const { bytes, options } = await readPicture(req.raw)
    const { format: name, image_id: id, ...others } = options
    const format = chooseFormat(task, name, req.raw.headers.get('accept') ?? '*/*')
    const imageId = readImageId(id, format)
    const { objects, size, ...by } = await ask(vision, task, bytes, optionsFor(format, others), req.raw.signal)
    return respond(format, await format.write(objects, { ...size, imageId }), describe(by))
  } catch (error) {
    if (error instanceof WrongType) return answer(415, 'invalid', error.message)
    if (error instanceof NotAcceptable) return answer(406, 'invalid', error.message)
    throw error
  }
}

function readImageId(id: unknown, { name, numbered }: Format): number {
  if (id === undefined) return 0
  if (!numbered)
    throw new EngineError('invalid', `Expected no image_id with format ${name}, which does not number pictures`)
  const parsed = imageId.safeParse(id)
  if (parsed.success && parsed.data !== undefined) return parsed.data
  throw new EngineError('invalid', `Expected image_id to be a whole number from 0, received ${JSON.stringify(id)}`)
}

function respond({ type }: Format, written: unknown, headers: Record<string, string>): Response {
  if (type === 'application/json') return Response.json(written, { headers })
  return new Response(written as string | Uint8Array<ArrayBuffer>, { headers: { 'content-type': type, ...headers } })
}

/** The answers of this house are lists: who computed them is told in their headers. */
function describe({ model, backend, simulated }: Omit<TaskResult, 'objects'>): Record<string, string> {
  const headers = { 'hailstream-model': model, 'hailstream-backend': backend }
  return simulated ? { ...headers, 'hailstream-simulated': 'true' } : headers
}

/** What was found, in pixels of the picture as it was sent, and the size of that. */
interface Asked extends Omit<TaskResult, 'objects'> {
  readonly objects: ResultObject[]
  readonly size: { readonly width: number; readonly height: number }
}

async function ask(
  vision: Vision,
  task: string,
  bytes: Uint8Array,
  { keep_alive, ...options }: Readonly<Record<string, unknown>>,
  hungUp: AbortSignal,
): Promise<Asked> {
  const keepAlive = keep_alive === undefined ? undefined : parseKeepAlive(keep_alive)
  const question = { task, options, user: `POST /api/${task}`, bytes, hungUp }
  return askAbout(vision, question, ({ objects, ...by }, picture) => {
    if (keepAlive !== undefined) vision.keepAlive(by.model, keepAlive)
    const original = { width: picture.originalWidth, height: picture.originalHeight }
    return { ...by, size: original, objects: scaleObjects(objects, picture.image, original).map(toResultObject) }
  })
}

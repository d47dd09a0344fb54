import type { Context, Hono } from 'hono'
import { z } from 'zod'
import { EngineError } from '../errors.ts'
import { askAbout } from '../inference/ask-about.ts'
import type { FaceGallery } from '../inference/face-gallery.ts'
import type { Vision } from '../inference/vision.ts'
import { answer, createRoutes, houseFailure, refuseOtherMethods } from './answer.ts'
import { describeRoutes, type Operation } from './operation.ts'
import { readPicture, WrongType } from './picture.ts'

const path = '/api/faces/people'

const person = z.strictObject({
  name: z.string(),
  faces: z.number().int().describe('That are known of them'),
  pictures: z.number().int().describe('That are kept of them; none where faces.keepPictures is off'),
})
const name = z.string().min(1).max(100).describe('As recognised faces are called')
const places = { name: 'Of somebody who is known' }
const fields = z.strictObject({ name })

/** Who is known by face: enrol, list, remove. Whose faces a picture shows is asked at `POST /api/faces`. */
export function faceRoutes(vision: Vision, gallery: FaceGallery): Hono {
  const app = createRoutes()
  app.get(path, () => Response.json(gallery.list()))
  app.post(path, (context) => enrol(vision, gallery, context))
  app.get(`${path}/:name/picture`, ({ req }) => {
    const picture = new Uint8Array(gallery.picture(req.param('name')))
    return new Response(picture, { headers: { 'content-type': 'application/octet-stream' } })
  })
  app.delete(`${path}/:name`, ({ req }) => Response.json(gallery.remove(req.param('name'))))
  refuseOtherMethods(app, path, 'GET, HEAD, POST')
  refuseOtherMethods(app, `${path}/:name/picture`, 'GET, HEAD')
  refuseOtherMethods(app, `${path}/:name`, 'DELETE')
  return describeRoutes(app, { name: 'People', failure: houseFailure, operations: operations() })
}

function operations(): Operation[] {
  const json = (schema: z.ZodType) => ({ 'application/json': { schema } })
  return [
    {
      method: 'get',
      path,
      summary: 'Who is known by face',
      answers: { 200: { summary: 'By name', content: json(z.array(person)) } },
      failures: [503],
    },
    {
      method: 'post',
      path,
      summary: 'Enrol somebody',
      detail:
        'The picture shows one face, which is known by that name from then on; the same name may be given several faces. Kept are numbers that tell the face from others; the picture only where faces.keepPictures is on.',
      query: fields,
      body: {
        'multipart/form-data': { schema: fields.extend({ image: z.file() }) },
        'image/*': {},
        'application/octet-stream': {},
        'application/json': { schema: fields.extend({ image: z.string().describe('Base64 or a data URL') }) },
      },
      answers: { 201: { summary: 'What is known of them now', content: json(person) } },
      failures: [400, 409, 413, 415, 503, 504],
    },
    {
      method: 'get',
      path: `${path}/:name/picture`,
      places,
      summary: 'The newest picture that is kept of somebody',
      answers: { 200: { summary: 'As it was sent', content: { 'application/octet-stream': {} } } },
      failures: [404, 503],
    },
    {
      method: 'delete',
      path: `${path}/:name`,
      places,
      summary: 'Forget somebody',
      detail: 'All faces and pictures of theirs are erased.',
      answers: { 200: { summary: 'What was known of them', content: json(person) } },
      failures: [404, 503],
    },
  ]
}

async function enrol(vision: Vision, gallery: FaceGallery, { req }: Context): Promise<Response> {
  try {
    const { bytes, options } = await readPicture(req.raw)
    const parsed = fields.safeParse(options)
    if (!parsed.success)
      throw new EngineError(
        'invalid',
        parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`).join('; '),
      )
    const { model, values } = await findFace(vision, bytes, req.raw.signal)
    const face = { name: parsed.data.name, model, embedding: Float32Array.from(values), picture: bytes }
    return Response.json(gallery.add(face, Date.now()), { status: 201 })
  } catch (error) {
    if (error instanceof WrongType) return answer(415, 'invalid', error.message)
    throw error
  }
}

/** The vector of the one face that the picture shows. */
function findFace(vision: Vision, bytes: Uint8Array, hungUp: AbortSignal) {
  const options = { embedding: true, recognise: false, maxFaces: 2 }
  return askAbout(vision, { task: 'faces', options, user: `POST ${path}`, bytes, hungUp }, ({ objects }) => {
    const [face, ...others] = objects
    if (face?.embedding && others.length === 0) return face.embedding
    const seen = objects.length > 1 ? 'several' : 'none'
    throw new EngineError(
      'invalid',
      `Expected a picture of one face, received one that shows ${seen}. Cut out the one that is meant`,
    )
  })
}

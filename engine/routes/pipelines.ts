import type { Hono } from 'hono'
import { z } from 'zod'
import { EngineError, messageOf } from '../errors.ts'
import { createRoutes, houseFailure, refuseOtherMethods } from './answer.ts'
import { describeRoutes, type Operation } from './operation.ts'

/** One pipeline of `GET /api/pipelines`: what is wired to what. */
export interface PipelineSummary {
  readonly name: string
  readonly state: string
  readonly streams: readonly StreamSummary[]
}

/** One stream of a pipeline. */
export interface StreamSummary {
  readonly name: string
  /** `nothing` for a sink, and for a node that has side outputs only. */
  readonly kind: string
  /** The source or node that makes it, or the sink that ends it. */
  readonly plugin: string
  /** The source stream that its packets began in; of a joined stream that of the first input. */
  readonly source: string
  readonly published: boolean
  /** Options that can be changed while it runs, as they are now. */
  readonly tunable: Readonly<Record<string, unknown>>
}

/** The pipelines, as these routes see them. */
export interface PipelinesPort {
  summary(): readonly PipelineSummary[]
  /** Changes options of a stream, all or none. Throws `not-found`, or `invalid` with the place. */
  tune(pipeline: string, stream: string, values: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>>
}

const optionsSchema = z.record(z.string(), z.unknown())
const streamSchema = z.strictObject({
  name: z.string(),
  kind: z.string(),
  plugin: z.string().describe('The source or node that makes it, or the sink that ends it'),
  source: z.string().describe('The source stream that its packets began in'),
  published: z.boolean(),
  tunable: optionsSchema.describe('Options that can be changed while it runs, as they are now; null: left out'),
})
const pipelinesSchema = z.array(z.strictObject({ name: z.string(), state: z.string(), streams: z.array(streamSchema) }))

/** `/api/pipelines`: the pipelines, how their streams hang together, and what can be changed of them. How they fare is told by `/api/health`. */
export function pipelineRoutes(pipelines: PipelinesPort): Hono {
  const app = createRoutes()
  app.get('/api/pipelines', () => Response.json(pipelines.summary()))
  refuseOtherMethods(app, '/api/pipelines', 'GET, HEAD')
  const path = '/api/pipelines/:pipeline/streams/:stream'
  app.patch(path, async ({ req }) => {
    const values = await readOptions(req.raw)
    return Response.json({ tunable: pipelines.tune(req.param('pipeline'), req.param('stream'), values) })
  })
  refuseOtherMethods(app, path, 'PATCH')
  return describeRoutes(app, {
    name: 'Topics and pipelines',
    failure: houseFailure,
    operations: [list, change(path)],
  })
}

const list: Operation = {
  method: 'get',
  path: '/api/pipelines',
  summary: 'The pipelines, and what is wired to what',
  answers: { 200: { summary: 'All of them', content: { 'application/json': { schema: pipelinesSchema } } } },
  failures: [],
}

function change(path: string): Operation {
  const answer = z.strictObject({ tunable: optionsSchema.describe('All that can be changed of it, as it is now') })
  return {
    method: 'patch',
    path,
    summary: 'Changes options of a stream that runs',
    detail:
      'Those that GET /api/pipelines lists as tunable; all of them are changed, or none. null leaves an option out again. The stream goes on with the next frame; what its node remembered is lost. A change lasts until the engine stops: what should stay belongs into the pipeline’s file.',
    places: { pipeline: 'Name of the pipeline', stream: 'Name of the stream' },
    body: { 'application/json': { schema: optionsSchema, example: { minScore: 0.6 } } },
    answers: { 200: { summary: 'They hold now', content: { 'application/json': { schema: answer } } } },
    failures: [400, 404],
  }
}

async function readOptions(request: Request): Promise<Readonly<Record<string, unknown>>> {
  const parsed = optionsSchema.safeParse(await readJson(request))
  if (parsed.success) return parsed.data
  throw new EngineError('invalid', 'Expected a body of JSON with options by name, as {"minScore": 0.6}')
}

/** Here null means something: that an option is left out again. */
async function readJson(request: Request): Promise<unknown> {
  try {
    return await request.json()
  } catch (error) {
    throw new EngineError('invalid', `Expected a body of JSON: ${messageOf(error)}`, { cause: error })
  }
}

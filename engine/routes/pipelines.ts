import type { Hono } from 'hono'
import { z } from 'zod'
import { createRoutes, houseFailure, refuseOtherMethods } from './answer.ts'
import { describeRoutes } from './operation.ts'

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
}

const streamSchema = z.strictObject({
  name: z.string(),
  kind: z.string(),
  plugin: z.string().describe('The source or node that makes it, or the sink that ends it'),
  source: z.string().describe('The source stream that its packets began in'),
  published: z.boolean(),
})
const pipelinesSchema = z.array(z.strictObject({ name: z.string(), state: z.string(), streams: z.array(streamSchema) }))

/** `/api/pipelines`: the pipelines and how their streams hang together. How they fare is told by `/api/health`. */
export function pipelineRoutes(pipelines: () => readonly PipelineSummary[]): Hono {
  const app = createRoutes()
  app.get('/api/pipelines', () => Response.json(pipelines()))
  refuseOtherMethods(app, '/api/pipelines', 'GET, HEAD')
  return describeRoutes(app, {
    name: 'Topics and pipelines',
    failure: houseFailure,
    operations: [
      {
        method: 'get',
        path: '/api/pipelines',
        summary: 'The pipelines, and what is wired to what',
        answers: { 200: { summary: 'All of them', content: { 'application/json': { schema: pipelinesSchema } } } },
        failures: [],
      },
    ],
  })
}

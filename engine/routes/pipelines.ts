import type { Hono } from 'hono'
import { createRoutes, refuseOtherMethods } from './answer.ts'

/** One pipeline of `GET /api/pipelines`: what is wired to what. */
export interface PipelineSummary {
  readonly name: string
  readonly state: string
  readonly streams: readonly StreamSummary[]
}

/** One stream of a pipeline. */
export interface StreamSummary {
  readonly name: string
  readonly kind: string
  /** The source or node that makes it. */
  readonly plugin: string
  /** The source stream that its packets began in; of a joined stream that of the first input. */
  readonly source: string
  readonly published: boolean
}

/** `/api/pipelines`: the pipelines and how their streams hang together. How they fare is told by `/api/health`. */
export function pipelineRoutes(pipelines: () => readonly PipelineSummary[]): Hono {
  const app = createRoutes()
  app.get('/api/pipelines', () => Response.json(pipelines()))
  refuseOtherMethods(app, '/api/pipelines', 'GET, HEAD')
  return app
}

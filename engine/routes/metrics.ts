import type { Hono } from 'hono'
import { createRoutes, houseFailure, refuseOtherMethods } from './answer.ts'
import { describeRoutes } from './operation.ts'

/** `/metrics` for Prometheus; `type` is the media type of its text. */
export function metricsRoutes(text: () => Promise<string>, type: string): Hono {
  const app = createRoutes()
  app.get('/metrics', async () => {
    return new Response(await text(), { headers: { 'content-type': type, 'cache-control': 'no-store' } })
  })
  refuseOtherMethods(app, '/metrics', 'GET, HEAD')
  return describeRoutes(app, {
    name: 'Health',
    failure: houseFailure,
    operations: [
      {
        method: 'get',
        path: '/metrics',
        summary: 'Figures for Prometheus',
        answers: { 200: { summary: 'In its text format', content: { 'text/plain': {} } } },
        failures: [],
      },
    ],
  })
}

import type { Hono } from 'hono'
import { createRoutes, refuseOtherMethods } from './answer.ts'

/** `/metrics` for Prometheus; `type` is the media type of its text. */
export function metricsRoutes(text: () => Promise<string>, type: string): Hono {
  const app = createRoutes()
  app.get('/metrics', async () => {
    return new Response(await text(), { headers: { 'content-type': type, 'cache-control': 'no-store' } })
  })
  refuseOtherMethods(app, '/metrics', 'GET, HEAD')
  return app
}

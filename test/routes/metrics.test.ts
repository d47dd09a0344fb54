import { expect, it } from 'vitest'
import { metricsRoutes } from '../../engine/routes/metrics.ts'

it('answers GET with the text and its type, and refuses what would change something', async () => {
  const app = metricsRoutes(async () => 'up 1\n', 'text/plain; version=0.0.4')
  const response = await app.request('/metrics')
  expect([response.status, await response.text()]).toEqual([200, 'up 1\n'])
  expect(response.headers.get('content-type')).toBe('text/plain; version=0.0.4')
  expect((await app.request('/metrics', { method: 'POST' })).status).toBe(405)
})

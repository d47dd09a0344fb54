import { describe, expect, it } from 'vitest'
import { type Health, healthRoutes } from '../../engine/routes/health.ts'

const health: Health = {
  status: 'ok',
  version: '0.1.0',
  uptime_s: 12,
  models_loaded: [],
  memory_used_mb: 312,
  device_memory_used_mb: null,
  clockSteps: 0,
  load: { level: 0, name: 'normal', cpu: 0.25, temperature: 51.5 },
  problems: [],
  skippedModels: [],
  devices: { onnx: { state: 'ready' } },
  models: [],
  defaults: { language: { name: null, backend: null, why: 'none' } },
  jobs: { state: 'ready', counts: { queued: 0 }, bytes: 0, limits: null },
  pipelines: [{ name: 'demo', state: 'running', streams: [] }],
  hosts: [],
  tls: null,
}

describe('health', () => {
  it.each([
    ['ok', 200],
    ['degraded', 200],
    ['error', 503],
  ] as const)(
    '%s answers %d on both paths, with what clients of single services read on the second',
    async (status, expected) => {
      const service = { model: 'ears', model_loaded: true, uptime_seconds: 12.5 }
      const app = healthRoutes(
        () => ({ ...health, status }),
        async () => service,
      )
      for (const [path, more] of [
        ['/api/health', {}],
        ['/health', service],
      ] as const) {
        const response = await app.request(path)
        expect(response.status).toBe(expected)
        expect(await response.json()).toEqual({ ...health, status, ...more })
      }
    },
  )
})

import { beforeEach, describe, expect, it } from 'vitest'
import { EngineError } from '../../engine/errors.ts'
import type { ModelDescription } from '../../engine/inference/model-list.ts'
import { joinRoutes } from '../../engine/routes/answer.ts'
import { modelRoutes, type Resources } from '../../engine/routes/models.ts'

const yolo: ModelDescription = {
  ...{ name: 'yolov8n', task: 'detect', backend: 'onnx', state: 'loaded', why: 'found', licence: 'AGPL-3.0' },
  ...{ disk_mb: 12.8, memory_mb: 51.2, pinned: false, in_use: 1, users: ['demo/objects'] },
  artefacts: [{ backend: 'onnx', state: 'available', disk_mb: 12.8 }],
  ...{ last_used: 1_764_011_045_123, keep_alive: -1, expires_at: null },
}
const resources: Resources = {
  memory: { host: { budget_mb: 4000, used_mb: 51.2 }, device: null },
  models: [
    { name: 'yolov8n', backend: 'onnx', memory: 'host', state: 'loaded', memory_mb: 51.2, pinned: false, users: [] },
  ],
  loads_waiting: 0,
  hosts: [{ name: 'vision', pid: 4242, state: 'up', memory_mb: 116 }],
  cpu: { count: 4, load: [0.5, 0.4, 0.3], temperature_c: 51.2 },
  disk: { path: '/state', free_mb: 1000, total_mb: 2000 },
}

let asked: string[]
let refusal: EngineError | undefined
let app: ReturnType<typeof joinRoutes>
beforeEach(() => {
  asked = []
  refusal = undefined
  const unload = async (model: string) => {
    asked.push(model)
    if (refusal) throw refusal
    return model === 'yolov8n' ? { unloaded: true, bytes: 51_234_567 } : { unloaded: false, bytes: 0 }
  }
  app = joinRoutes([modelRoutes({ list: async () => [yolo], unload, resources: async () => resources })])
})

const post = (body: unknown) =>
  app.request('/api/unload', { method: 'POST', body: typeof body === 'string' ? body : JSON.stringify(body) })

describe('POST /api/unload', () => {
  it('says what came free', async () => {
    const response = await post({ model: 'yolov8n' })
    expect(response.status).toBe(200)
    expect(await response.json()).toEqual({ model: 'yolov8n', unloaded: true, freed_mb: 51.2 })
    expect(await (await post({ model: 'pose' })).json()).toEqual({ model: 'pose', unloaded: false, freed_mb: 0 })
    expect(asked).toEqual(['yolov8n', 'pose'])
  })

  it.each([
    ['not-found', 404],
    ['conflict', 409],
    ['closed', 503],
  ] as const)('answers %s by its status', async (code, status) => {
    refusal = new EngineError(code, 'because')
    const response = await post({ model: 'yolov8n' })
    expect([response.status, await response.json()]).toEqual([status, { error: code, detail: 'because' }])
  })

  it.each(['', '{', '[]', '{}', '{"model":7}', '{"model":""}', '{"model":"a","force":true}', 'null'])(
    'refuses %j with what was expected',
    async (body) => {
      const response = await post(body)
      expect(response.status).toBe(400)
      expect(await response.json()).toEqual({
        error: 'invalid',
        detail: expect.stringContaining('{"model": "<name>"}'),
      })
      expect(asked).toEqual([])
    },
  )
})

describe('what is there', () => {
  it('is told by GET /api/models and GET /api/list-resources, which nobody may cache', async () => {
    const [models, list] = [await app.request('/api/models'), await app.request('/api/list-resources')]
    expect(await models.json()).toEqual([yolo])
    expect(await list.json()).toEqual(resources)
    for (const response of [models, list]) expect(response.headers.get('cache-control')).toBe('no-store')
  })

  it.each([
    ['/api/models', 'POST', 'GET, HEAD'],
    ['/api/list-resources', 'DELETE', 'GET, HEAD'],
    ['/api/unload', 'GET', 'POST'],
  ])('refuses on %s the method %s', async (path, method, allowed) => {
    const response = await app.request(path, { method })
    expect([response.status, response.headers.get('allow')]).toEqual([405, allowed])
  })
})

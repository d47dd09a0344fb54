import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { createApp } from '../engine/app.ts'
import { parseCommandLine } from '../engine/command-line.ts'
import { loadConfig } from '../engine/config.ts'
import { loadCatalogue } from '../engine/inference/catalogue.ts'
import type { ModelDescription } from '../engine/inference/model-list.ts'
import { createLog } from '../engine/log.ts'
import type { Resources } from '../engine/routes/models.ts'
import { startApp, type TestApp } from './support/app.ts'
import { hasTestData, testData } from './support/data.ts'
import { parseMetrics, sampleOf } from './support/metrics.ts'
import { until } from './support/wait.ts'

const get = async <T>({ url }: TestApp, path: string) => (await (await fetch(`${url}${path}`)).json()) as T
const findModel = async (engine: TestApp, name: string) =>
  (await get<ModelDescription[]>(engine, '/api/models')).find((model) => model.name === name) as ModelDescription

function detect({ url }: TestApp, query = ''): Promise<Response> {
  const body = readFileSync(testData('media/bus.jpg'))
  return fetch(`${url}/api/detect${query}`, { method: 'POST', body, headers: { 'content-type': 'image/jpeg' } })
}

function unload({ url }: TestApp, model: string): Promise<Response> {
  return fetch(`${url}/api/unload`, { method: 'POST', body: JSON.stringify({ model }) })
}

describe.skipIf(!hasTestData)('models of a running engine', () => {
  it('are preloaded, listed, kept as long as a request says, and unloaded on request', async () => {
    const preload = ['yolov8n', 'centernet-mobilenet']
    await using engine = await startApp({
      ...{ 'models.paths': [testData('models')], 'models.preload': preload },
      ...{ 'models.pin': ['centernet-mobilenet'], 'models.budget.host': '300MB' },
    })
    const isLoaded = async (name: string) => (await findModel(engine, name)).state === 'loaded'
    await until(
      'both models',
      async () => (await isLoaded('yolov8n')) && (await isLoaded('centernet-mobilenet')),
      60_000,
    )
    const yolo = await findModel(engine, 'yolov8n')
    expect(yolo).toMatchObject({ disk_mb: 12.8, in_use: 0, users: [], last_used: null, keep_alive: -1, pinned: false })
    expect(yolo.licence).toContain('AGPL-3.0')
    expect(yolo.memory_mb).toBeGreaterThan(25)
    const all = await get<ModelDescription[]>(engine, '/api/models')
    expect(all.map(({ name }) => name)).toEqual(loadCatalogue().models.map(({ name }) => name))
    // Nobody has ever loaded this one, on the simulated device neither.
    expect(await findModel(engine, 'yolov8x')).toMatchObject({ backend: 'hailo', state: 'missing', memory_mb: null })
    expect(await findModel(engine, 'qwen2.5-1.5b-instruct')).toMatchObject({
      ...{ task: 'language', backend: 'llama', state: 'missing', in_use: 0 },
      artefacts: [{ backend: 'hailo', state: 'missing', disk_mb: 1640 }, { backend: 'llama' }],
    })

    expect((await detect(engine, '?keep_alive=0')).status).toBe(200)
    await until('the unloading', async () => !(await isLoaded('yolov8n')))
    expect(Date.now() - ((await findModel(engine, 'yolov8n')).last_used ?? 0)).toBeLessThan(60_000)
    expect((await detect(engine, '?keep_alive=1h')).status).toBe(200)
    const kept = await findModel(engine, 'yolov8n')
    expect([kept.state, kept.keep_alive, (kept.expires_at ?? 0) - Date.now() > 3_500_000]).toEqual([
      'loaded',
      3600,
      true,
    ])
    expect((await detect(engine, '?keep_alive=soon')).status).toBe(400)

    const { memory, models, hosts, cpu, disk } = await get<Resources>(engine, '/api/list-resources')
    expect(memory).toEqual({ host: { budget_mb: 300, used_mb: expect.any(Number) }, device: null })
    expect(models.map(({ name, pinned }) => [name, pinned])).toEqual([
      ['centernet-mobilenet', true],
      ['yolov8n', false],
    ])
    expect(memory.host.used_mb).toBeCloseTo(
      models.reduce((sum, { memory_mb }) => sum + memory_mb, 0),
      0,
    )
    expect(hosts.find(({ name }) => name === 'vision')?.memory_mb).toBeGreaterThan(memory.host.used_mb)
    expect([cpu.count > 0, cpu.load.length, (disk?.free_mb ?? 0) > 0]).toEqual([true, 3, true])

    expect(await (await unload(engine, 'yolov8n')).json()).toMatchObject({ model: 'yolov8n', unloaded: true })
    expect(await (await unload(engine, 'yolov8n')).json()).toEqual({ model: 'yolov8n', unloaded: false, freed_mb: 0 })
    expect((await unload(engine, 'nobody')).status).toBe(404)
    const samples = parseMetrics(await (await fetch(`${engine.url}/metrics`)).text())
    const value = (name: string, labels = {}) => sampleOf(samples, `hailstream_${name}`, labels)
    expect(value('models_resident', { memory: 'host' })).toBe(1)
    expect(value('model_load_seconds_count', { model: 'yolov8n' })).toBe(2)
    expect(value('model_unloads_total', { model: 'yolov8n', why: 'idle' })).toBe(1)
    expect(value('model_unloads_total', { model: 'yolov8n', why: 'asked' })).toBe(1)
  })

  it('answer 503 with Retry-After and what holds the memory, when there is no room for another', async () => {
    await using engine = await startApp({
      ...{ 'models.paths': [testData('models')], 'models.pin': ['centernet-mobilenet'] },
      ...{ 'models.budget.host': '100MB' },
    })
    expect((await detect(engine, '?model=centernet-mobilenet')).status).toBe(200)
    const refused = await detect(engine, '?model=yolov8n')
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '1'])
    const body = (await refused.json()) as { error: string; detail: string }
    expect(body.error).toBe('busy')
    expect(body.detail).toMatch(
      /^Expected yolov8n, .* 100 MB of models.budget.host, .*centernet-mobilenet \d+ MB \(pinned\)/,
    )
    const samples = parseMetrics(await (await fetch(`${engine.url}/metrics`)).text())
    expect(sampleOf(samples, 'hailstream_model_loads_refused_total', { model: 'yolov8n' })).toBe(1)
  })
})

describe('names of models in the configuration', () => {
  it.each(['models.preload', 'models.pin'])(
    'that the catalogue lacks are refused with their place: %s',
    async (key) => {
      const line = parseCommandLine(['start', '--port', '0', '--set', `${key}=["yolov8n","yolo-9000"]`])
      const config = loadConfig({ ...line, set: [...line.set, { path: 'pipelines', text: '[]' }] }, {})
      await expect(createApp(config, '0.0.0-test', createLog('error'))).rejects.toMatchObject({
        code: 'invalid',
        message: expect.stringMatching(new RegExp(`^configuration: ${key}.1: Expected .*yolo-9000`)),
      })
    },
  )
})

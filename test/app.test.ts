import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import WebSocket from 'ws'
import { projectRoot } from '../engine/root.ts'
import type { Health } from '../engine/routes/health.ts'
import { startApp } from './support/app.ts'
import { hasTestData, testData } from './support/data.ts'
import { until } from './support/wait.ts'

type Found = { label: string; confidence: number; bbox: [number, number, number, number] }
type Truth = { cls: string; score: number; xyxy: [number, number, number, number] }

const getHealth = async (url: string) => (await (await fetch(`${url}/api/health`)).json()) as Health

async function post<T>(url: string, file: string, type = 'image/jpeg'): Promise<T> {
  const response = await fetch(url, {
    method: 'POST',
    body: readFileSync(testData(file)),
    headers: { 'content-type': type },
  })
  expect(response.status).toBe(200)
  return (await response.json()) as T
}

function overlap([ax, ay, aw, ah]: Found['bbox'], [x1, y1, x2, y2]: Truth['xyxy']): number {
  const width = Math.min(ax + aw, x2) - Math.max(ax, x1)
  const height = Math.min(ay + ah, y2) - Math.max(ay, y1)
  const shared = Math.max(0, width) * Math.max(0, height)
  return shared / (aw * ah + (x2 - x1) * (y2 - y1) - shared)
}

describe.skipIf(!hasTestData)('the engine asked about pictures', () => {
  it('finds what is on bus.jpg with YOLOv8n from a folder of models', async () => {
    await using engine = await startApp({ 'models.paths': [testData('models')] })
    const truth = JSON.parse(readFileSync(testData('truth/detect.json'), 'utf8')).yolov8n_fp32['bus.jpg']
      .dets as Truth[]
    const found = await post<Found[]>(`${engine.url}/api/detect?minScore=0.3`, 'media/bus.jpg')
    expect(found.map(({ label }) => label).sort()).toEqual(['bus', 'person', 'person', 'person', 'person'])
    for (const { cls, score, xyxy } of truth) {
      const best = found
        .filter(({ label }) => label === cls)
        .sort((a, b) => overlap(b.bbox, xyxy) - overlap(a.bbox, xyxy))[0]
      expect(overlap(best?.bbox ?? [0, 0, 0, 0], xyxy)).toBeGreaterThanOrEqual(0.9)
      expect(Math.abs((best?.confidence ?? 0) - score)).toBeLessThanOrEqual(0.05)
    }
    const { models, models_loaded } = await getHealth(engine.url)
    expect(models_loaded).toContain('yolov8n')
    expect(models.find(({ name }) => name === 'yolov8n')).toMatchObject({ state: 'loaded', backend: 'onnx' })
  })

  it('finds three persons and the bus with the bundled model, and gives skeletons', async () => {
    await using engine = await startApp()
    const labels = (await post<Found[]>(`${engine.url}/api/detect`, 'media/bus.jpg')).map(({ label }) => label)
    expect(labels.filter((label) => label === 'person').length).toBeGreaterThanOrEqual(3)
    expect(labels).toContain('bus')
    const people = await post<{ person_id: number; keypoints: { name: string }[] }[]>(
      `${engine.url}/api/pose`,
      'media/bus.jpg',
    )
    expect(people.length).toBeGreaterThanOrEqual(3)
    expect(people.map(({ person_id }) => person_id)).toEqual(people.map((_, i) => i))
    for (const { keypoints } of people) expect(keypoints).toHaveLength(17)
  })

  it('names a corrupt model file, does not load it, and answers with the next one', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'hailstream-models-'))
    writeFileSync(join(folder, 'yolov8n.onnx'), readFileSync(testData('models/yolov8n.onnx')).subarray(0, 100_000))
    await using engine = await startApp({ 'models.paths': [folder] })
    const labels = (await post<Found[]>(`${engine.url}/api/detect`, 'media/bus.jpg')).map(({ label }) => label)
    expect(labels).toContain('bus')
    const { models, skippedModels, status } = await getHealth(engine.url)
    expect(skippedModels).toEqual(['yolov8n'])
    expect(status).toBe('degraded')
    expect(models.find(({ name }) => name === 'yolov8n')).toMatchObject({
      state: 'failed',
      why: expect.stringContaining('yolov8n.onnx'),
    })
    expect(models.find(({ name }) => name === 'centernet-mobilenet')).toMatchObject({ state: 'loaded' })
  })
})

describe('the engine and its pipelines', () => {
  const good = {
    name: 'good',
    streams: { pattern: { source: 'test', size: '320x240', rate: 10 } },
    publish: ['pattern'],
  }

  it('runs the good pipelines beside a broken one, and health names the place of the mistake', async () => {
    const broken = { name: 'broken', streams: { pattern: { source: 'test', sise: '320x240' } }, publish: ['pattern'] }
    await using engine = await startApp({ pipelines: [broken, good, 'nowhere'] })
    const { pipelines, status } = await getHealth(engine.url)
    expect(status).toBe('degraded')
    expect(pipelines.find(({ name }) => name === 'broken')).toMatchObject({
      state: 'failed',
      error: expect.stringMatching(/streams\.pattern.*sise/),
    })
    expect(pipelines.find(({ name }) => name === 'nowhere')).toMatchObject({ state: 'failed' })
    const picture = await fetch(`${engine.url}/api/topics/good/pattern`)
    expect(picture.status).toBe(200)
    expect(picture.headers.get('content-type')).toBe('image/jpeg')
  })

  it('opens a camera once for ten subscribers, and closes it after the last has left', async () => {
    await using engine = await startApp({
      pipelines: [{ ...good, streams: { pattern: { ...good.streams.pattern, linger: 100 } } }],
    })
    const sockets = Array.from({ length: 10 }, () => new WebSocket(`${engine.socketUrl}/ws/good/pattern?credits=2`))
    const firsts = sockets.map((socket) => new Promise((resolve) => socket.once('message', resolve)))
    await Promise.all(firsts)
    const capturing = async () => (await getHealth(engine.url)).hosts.filter(({ name }) => name.startsWith('capture'))
    expect(await capturing()).toHaveLength(1)
    for (const socket of sockets) socket.close()
    await until('the camera to close', async () => (await capturing()).length === 0)
    const [stream] = (await getHealth(engine.url)).pipelines[0]?.streams ?? []
    expect(stream).toMatchObject({ state: 'idle', in: (stream?.out ?? 0) + (stream?.dropped ?? 0) })
  })
})

describe('the command line', () => {
  const main = join(projectRoot, 'dist/engine/main.js')
  const exit = (...args: string[]) =>
    new Promise<{ code: number | null; text: string }>((resolve) => {
      const child = spawn(process.execPath, [main, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
      let text = ''
      child.stdout.on('data', (chunk) => (text += chunk))
      child.stderr.on('data', (chunk) => (text += chunk))
      child.on('close', (code) => resolve({ code, text }))
    })

  it('ends with status 2 for a mistake and 3 for a taken port, and says which', async () => {
    expect(await exit('start', '--prot', '1')).toMatchObject({ code: 2, text: expect.stringContaining('--prot') })
    expect(await exit('start', '--set', 'listen.prot=1')).toMatchObject({
      code: 2,
      text: expect.stringContaining('prot'),
    })
    const taken = createServer().listen(0, '127.0.0.1')
    const { port } = (await until('an address', () => taken.address() ?? undefined)) as { port: number }
    const set = ['--set', 'pipelines=[]']
    expect(await exit('start', '--port', String(port), ...set)).toMatchObject({
      code: 3,
      text: expect.stringContaining(String(port)),
    })
    taken.close()
    expect(await exit('--help')).toMatchObject({ code: 0, text: expect.stringContaining('--port') })
  })

  it('stops on SIGTERM with status 0 and leaves no host behind', async () => {
    const child = spawn(
      process.execPath,
      [
        main,
        'start',
        '--port',
        '0',
        '--set',
        `pipelines=${JSON.stringify([
          { name: 'good', streams: { pattern: { source: 'test', size: '320x240', rate: 10 } }, publish: ['pattern'] },
        ])}`,
      ],
      { env: { ...process.env, ORT_DISABLE_TELEMETRY: '0' }, stdio: ['ignore', 'pipe', 'inherit'] },
    )
    let text = ''
    child.stdout.on('data', (chunk) => (text += chunk))
    const url = await until('the address', () => /http:\/\/[^"]+/.exec(text)?.[0])
    expect((await fetch(`${url}/api/topics/good/pattern`)).status).toBe(200)
    const pids = (await getHealth(url)).hosts.flatMap(({ pid }) => pid ?? [])
    expect(pids.length).toBeGreaterThanOrEqual(1)
    // ONNX Runtime would report to its maker otherwise.
    for (const pid of pids) expect(readFileSync(`/proc/${pid}/environ`, 'utf8')).toContain('ORT_DISABLE_TELEMETRY=1')
    child.kill('SIGTERM')
    expect(await new Promise((resolve) => child.on('close', resolve))).toBe(0)
    for (const pid of pids) expect(() => process.kill(pid, 0)).toThrow('ESRCH')
  })
})

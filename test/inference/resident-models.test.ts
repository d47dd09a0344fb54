import { copyFile, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { PooledImage } from '../../engine/core/packet.ts'
import { hasTestData, testData } from '../support/data.ts'
import { privateBytes } from '../support/processes.ts'
import { createVision, type VisionSetup, type VisionSetupOptions } from '../support/vision.ts'
import { until } from '../support/wait.ts'

const never = new AbortController().signal
/** Names in the catalogue; behind each lies a copy of the same file, which takes 45 to 70 MB. */
const names = ['yolov8n', 'yolo11n', 'yolov8s'] as const
const [roomForTwo, roomForOne] = [140e6, 80e6]
/** Of one of these models the host has to give back at least so much, whatever else goes on in it. */
const leastFreed = 25e6

let folder: string
let setup: VisionSetup
let image: PooledImage
beforeAll(async () => {
  if (!hasTestData) return
  folder = await mkdtemp(join(tmpdir(), 'hailstream-models-'))
  for (const name of names) await copyFile(testData('models/yolov8n.onnx'), join(folder, `${name}.onnx`))
})
afterAll(() => hasTestData && rm(folder, { recursive: true }))

async function open(options: VisionSetupOptions): Promise<void> {
  setup = await createVision({ paths: [folder], ...options })
  image = (await setup.vision.decodePicture(await readFile(testData('media/bus.jpg')), never)).image
}

async function ask(model?: (typeof names)[number]) {
  await using session = setup.vision.openTask('detect', { model }, 'interactive', { user: 'POST /api/detect' })
  const result = await session.ask(image, never)
  expect(result.objects.filter(({ label }) => label === 'person')).toHaveLength(4)
  return result.model
}

const loaded = () => setup.residency.status().flatMap(({ name, state }) => (state === 'loaded' ? [name] : []))
const happened = () =>
  setup.events.map((event) => `${event.what} ${event.model.name}${event.what === 'unloaded' ? ` ${event.why}` : ''}`)
const hostPid = () => setup.vision.hosts()[0]!.pid!

describe.skipIf(!hasTestData)('models under a small budget', () => {
  afterEach(async () => {
    image.release()
    const { ledger } = setup.pool
    await until('all slots are back', () => ledger.stats().free === ledger.stats().slots)
    expect(setup.residency.status().flatMap(({ users }) => users)).toEqual([])
    await setup[Symbol.asyncDispose]()
  })

  it('makes room by the least recently used one and nothing else, and loads that again for a question', async () => {
    await open({ budget: roomForTwo })
    for (const name of ['yolov8n', 'yolo11n', 'yolov8n', 'yolov8s', 'yolo11n'] as const)
      expect(await ask(name)).toBe(name)
    expect(happened()).toEqual([
      'loaded yolov8n',
      'loaded yolo11n',
      'unloaded yolo11n evicted',
      'loaded yolov8s',
      'unloaded yolov8n evicted',
      'loaded yolo11n',
    ])
    expect(setup.residency.use('host').used).toBeLessThanOrEqual(roomForTwo)
    const states = (await setup.vision.status()).models.filter(({ state }) => state === 'loaded')
    expect(states.map(({ name }) => name).sort()).toEqual(['yolo11n', 'yolov8s'])
  })

  it('gives the memory of the host back, each time', async () => {
    await open({ budget: roomForTwo })
    await ask('yolov8n')
    await ask('yolo11n')
    await setup.residency.unload('yolo11n')
    const one = await privateBytes(hostPid())
    for (let i = 0; i < 3; i++) {
      await ask('yolo11n')
      const two = await privateBytes(hostPid())
      const { unloaded, bytes } = await setup.residency.unload('yolo11n')
      const after = await privateBytes(hostPid())
      expect(unloaded).toBe(true)
      expect(two - after, 'freed, seen from outside').toBeGreaterThan(leastFreed)
      expect(bytes, 'freed, as the host says').toBeGreaterThan(leastFreed)
      expect(after - one, 'left behind').toBeLessThan(leastFreed)
    }
    await setup.residency.unload('yolov8n')
    expect(one - (await privateBytes(hostPid()))).toBeGreaterThan(leastFreed)
  })

  it('never evicts the model of a live stream between two frames, and says who has it', async () => {
    await open({ budget: roomForOne })
    const live = setup.vision.openTask('detect', { model: 'yolov8n' }, 'realtime', { user: 'demo/objects' })
    await live.prepare()
    await live.ask(image, never)
    await expect(ask('yolo11n')).rejects.toMatchObject({
      code: 'busy',
      message: expect.stringMatching(/yolo11n, which takes \d+ MB, .* yolov8n \d+ MB \(in use by demo\/objects\)/),
    })
    await expect(setup.residency.unload('yolov8n')).rejects.toMatchObject({ code: 'conflict' })
    expect(live.prepare()).toBeUndefined()
    await live.ask(image, never)
    const why = (await setup.vision.status()).models.find(({ name }) => name === 'yolo11n')?.why
    expect(why).toContain('in use by demo/objects')
    await live[Symbol.asyncDispose]()
    await ask('yolo11n')
    expect(happened()).toEqual(['loaded yolov8n', 'refused yolo11n', 'unloaded yolov8n evicted', 'loaded yolo11n'])
  })

  it('lets another model of the task answer that is loaded already, but loads none in place of the first', async () => {
    await open({ budget: roomForOne })
    const live = setup.vision.openTask('detect', { model: 'yolo11n' }, 'realtime', { user: 'demo/objects' })
    await live.prepare()
    expect(await ask()).toBe('yolo11n')
    const why = (await setup.vision.status()).models.find(({ name }) => name === 'yolov8n')?.why
    expect(why).toContain('in use by demo/objects')
    await live[Symbol.asyncDispose]()
    expect(await ask()).toBe('yolov8n')
    expect(happened()).toEqual(['loaded yolo11n', 'refused yolov8n', 'unloaded yolo11n evicted', 'loaded yolov8n'])
  })

  it('passes over a model that is larger than the whole budget, and says so', async () => {
    await open({ budget: 50e6 })
    await expect(ask('yolov8n')).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining('Raise models.budget.host'),
    })
    expect(loaded()).toEqual([])
    expect(setup.vision.hosts()[0]!.restarts).toBe(0)
  })

  it('unloads with the last question at a keep-alive of 0, and never a pinned model', async () => {
    await open({ keepAlive: 0, pinned: ['yolo11n'] })
    await ask('yolov8n')
    await ask('yolo11n')
    await until('the unloading', () => !loaded().includes('yolov8n'))
    expect(happened()).toEqual(['loaded yolov8n', 'unloaded yolov8n idle', 'loaded yolo11n'])
    expect(loaded()).toEqual(['yolo11n'])
  })

  it('preloads in the given order before anybody asks; one that is missing keeps no other back', async () => {
    await open({ budget: roomForTwo })
    await setup.vision.preload(['yolov8s', 'yolov8n-pose', 'yolov8n'])
    expect(happened()).toEqual(['loaded yolov8s', 'loaded yolov8n'])
    const { models, skippedModels } = await setup.vision.status()
    expect(skippedModels).toEqual(['yolov8n-pose'])
    expect(models.find(({ name }) => name === 'yolov8n-pose')?.why).toMatch(
      /^not preloaded: .*yolov8n-pose.onnx is not in/,
    )
    expect(setup.logged.filter(({ msg }) => msg === 'model not preloaded')).toMatchObject([{ model: 'yolov8n-pose' }])
    expect(await ask()).toBe('yolov8n')
    expect(happened()).toHaveLength(2)
  })

  it('learns what a model takes, for the next start', async () => {
    await open({})
    await ask('yolov8n')
    const { bytes } = setup.residency.statusOf('yolov8n')
    expect(bytes).toBeGreaterThan(leastFreed)
    expect(bytes).toBeLessThan(100e6)
    const text = await until('the sizes', () =>
      readFile(join(setup.stateFolder, 'model-sizes.json'), 'utf8').catch(() => undefined),
    )
    expect(JSON.parse(text)).toEqual({ onnx: { yolov8n: { file: 12_826_399, memory: bytes, measured: [bytes] } } })
  })

  it('has right books after kill -9 of the host, and brings back what was there, what is in use first', async () => {
    await open({ budget: roomForTwo })
    await using live = setup.vision.openTask('detect', { model: 'yolov8n' }, 'realtime', { user: 'demo/objects' })
    await live.prepare()
    await ask('yolo11n')
    const before = setup.events.length
    process.kill(hostPid(), 'SIGKILL')
    await until('both to be back', () => loaded().length === 2 && setup.events.length === before + 2, 30_000)
    expect(happened().slice(before)).toEqual(['loaded yolov8n', 'loaded yolo11n'])
    expect(setup.residency.statusOf('yolov8n').users).toEqual(['demo/objects'])
    expect(setup.residency.use('host')).toMatchObject({ models: 2 })
    expect((await live.ask(image, never)).model).toBe('yolov8n')
    expect(setup.vision.hosts()[0]).toMatchObject({ restarts: 1 })
  })
})

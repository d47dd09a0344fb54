import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { PooledImage } from '../../engine/core/packet.ts'
import { columnsOf } from '../../engine/geometry/mask-runs.ts'
import { loadCatalogue } from '../../engine/inference/catalogue.ts'
import { StandinDevice } from '../../engine/inference/standin-device.ts'
import { standinIsBuilt } from '../support/standin.ts'
import { commandStandin } from '../support/standin-control.ts'
import { createVision, iouOf, type VisionSetup } from '../support/vision.ts'
import { until } from '../support/wait.ts'

const never = () => new AbortController().signal
const [width, height] = [640, 480]
const red = [255, 0, 0] as const
const box = [200, 100, 80, 160] as const

/** Grey with one thing of a colour: red is the class 0, a person. */
function picture({ rgb }: VisionSetup): PooledImage {
  const pixels = new Uint8Array(3 * width * height).fill(114)
  const [x, y, w, h] = box
  for (let row = y; row < y + h; row++)
    for (let column = x; column < x + w; column++) pixels.set(red, 3 * (row * width + column))
  return rgb(width, height, pixels)
}

async function ask(setup: VisionSetup, task: string, options = {}) {
  const image = picture(setup)
  const session = setup.vision.openTask(task, options, 'interactive')
  try {
    return await session.ask(image, never())
  } finally {
    image.release()
    await session[Symbol.asyncDispose]()
  }
}

const backendOf = async (setup: VisionSetup) => (await ask(setup, 'detect')).backend

describe.skipIf(!standinIsBuilt())('the Hailo device', () => {
  let folder: string
  let device: StandinDevice
  let setup: VisionSetup
  const command = (control: string, more = {}) => commandStandin(device.socket, { control, ...more })
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'hailstream-hailo-'))
  })
  afterAll(() => rm(folder, { recursive: true }))
  beforeEach(async () => {
    device = await StandinDevice.start({ stateFolder: folder, log: pino({ level: 'silent' }), speed: 50 })
  })
  afterEach(async () => {
    await setup[Symbol.asyncDispose]()
    await device[Symbol.asyncDispose]()
  })

  it('gives the mask of what it finds, on the pixels of the picture', async () => {
    setup = await createVision({ standin: device })
    const { objects, ...by } = await ask(setup, 'segment')
    expect(by).toMatchObject({ backend: 'hailo', simulated: true })
    expect(objects).toMatchObject([{ label: 'person', mask: { size: [height, width] } }])
    expect(iouOf(objects[0]!.bbox, box)).toBeGreaterThan(0.8)
    const runs = columnsOf(objects[0]!.mask!).flat()
    const pixels = runs.reduce((sum, { begin, end }) => sum + end - begin, 0)
    expect(pixels / (box[2] * box[3])).toBeGreaterThan(0.5)
    expect(pixels).toBeLessThanOrEqual(1.2 * box[2] * box[3])
  })

  it('answers tasks before ONNX Runtime does, in pixels of the picture, and says that it is simulated', async () => {
    setup = await createVision({ standin: device })
    const { objects, ...by } = await ask(setup, 'detect')
    expect(by).toEqual({ model: 'yolov8m', backend: 'hailo', simulated: true })
    expect(objects.map(({ label }) => label)).toEqual(['person'])
    expect(iouOf(objects[0]!.bbox, [...box])).toBeGreaterThan(0.95)
    const people = await ask(setup, 'pose')
    expect(people).toMatchObject({ model: 'yolov8m-pose', backend: 'hailo', simulated: true })
    expect(people.objects[0]?.keypoints).toHaveLength(17)
    expect(iouOf(people.objects[0]!.bbox, [...box])).toBeGreaterThan(0.9)
  })

  it('has a network for every file of the catalogue', async () => {
    setup = await createVision({ standin: device })
    const made = await readdir(device.models)
    const named = loadCatalogue().models.flatMap(({ hailo }) => hailo?.files.map(({ name }) => name) ?? [])
    expect(named.length).toBeGreaterThan(50)
    expect(named.filter((name) => !made.includes(name))).toEqual([])
  })

  it('runs the model that was asked for by name', async () => {
    setup = await createVision({ standin: device })
    expect(await ask(setup, 'detect', { model: 'yolov5s' })).toMatchObject({ model: 'yolov5s', backend: 'hailo' })
    expect(await ask(setup, 'detect', { model: 'centernet-mobilenet' })).toMatchObject({
      backend: 'onnx',
      simulated: false,
    })
  })

  it('has a budget of its own, in which the least recently used model gives way', async () => {
    setup = await createVision({ standin: device, budget: 130e6 })
    for (const model of ['yolov8n', 'yolov6n', 'yolov8s', 'yolov5s']) await ask(setup, 'detect', { model })
    const evicted = setup.events.flatMap((event) =>
      event.what === 'unloaded' ? [`${event.model.name} ${event.why}`] : [],
    )
    expect(evicted[0]).toBe('yolov8n evicted')
    expect(setup.residency.use('device').used).toBeLessThanOrEqual(130e6)
  })

  it('is counted as away, with the reason, while its release is another than the library’s, and taken again once that is mended', {
    timeout: 120_000,
  }, async () => {
    setup = await createVision({ standin: device })
    expect(await backendOf(setup)).toBe('hailo')
    await command('driver', { version: '5.1.1' })
    await command('disconnect')
    await until('the verdict', () => setup.hailo?.status.state === 'failed', 45_000)
    expect(setup.hailo?.status.reason).toMatch(/version/i)
    expect(await backendOf(setup)).toBe('onnx')
    const detect = (await setup.vision.status()).models.find(
      ({ state, task }) => state === 'loaded' && task === 'detect',
    )
    expect(detect).toMatchObject({ backend: 'onnx', why: expect.stringContaining('the Hailo device is failed') })
    await command('driver', { version: '5.2.0' })
    await until('the device', async () => (await backendOf(setup)) === 'hailo', 45_000)
  })

  it('is absent, with the status that the library gave, where there is none', async () => {
    setup = await createVision({ standin: { env: { HAILORT_STANDIN_SOCKET: '' }, models: device.models } })
    expect(await ask(setup, 'detect')).toMatchObject({ backend: 'onnx', simulated: false })
    expect(setup.hailo?.status).toMatchObject({
      state: 'absent',
      reason: expect.stringContaining('HAILO_OUT_OF_PHYSICAL_DEVICES'),
    })
  })

  it('may come after the engine, and is taken then', { timeout: 120_000 }, async () => {
    const { env, models } = device
    await device[Symbol.asyncDispose]()
    setup = await createVision({ standin: { env, models } })
    expect(await backendOf(setup)).toBe('onnx')
    expect(setup.hailo?.status).toMatchObject({ state: 'absent', reason: expect.stringMatching(/./) })
    await until('the end of the host', () => setup.hailo?.hosts().length === 0)
    device = await StandinDevice.start({
      stateFolder: folder,
      log: pino({ level: 'silent' }),
      speed: 50,
      socket: device.socket,
    })
    await until('the device', async () => (await backendOf(setup)) === 'hailo', 45_000)
  })

  it('is not asked from the moment on when it is known to be lost, and no model is held at fault for that', {
    timeout: 120_000,
  }, async () => {
    setup = await createVision({ standin: device })
    expect(await ask(setup, 'detect')).toMatchObject({ model: 'yolov8m', backend: 'hailo' })
    await command('disconnect')
    const failures: unknown[] = []
    const answered = async () => {
      const result = await ask(setup, 'detect').catch((error: unknown) => void failures.push(error))
      return result !== undefined && (result.backend === 'onnx' || setup.hailo?.status.state === 'ready')
    }
    await until('an answer after the loss', answered, 45_000)
    // The question that found it out, one that the first had loaded anew, and two for a machine that is slow to tell.
    expect(failures.length).toBeLessThanOrEqual(4)
    const atFault = setup.logged.filter(({ msg }) => msg === 'model cannot be loaded')
    expect(atFault).toEqual([])
    await until('the device', async () => (await backendOf(setup)) === 'hailo', 45_000)
    expect(await ask(setup, 'detect')).toMatchObject({ model: 'yolov8m', backend: 'hailo' })
  })

  it('leaves a task that nothing else runs refused as unavailable while it is away', { timeout: 120_000 }, async () => {
    setup = await createVision({ standin: device })
    expect(await ask(setup, 'detect', { model: 'yolov5m' })).toMatchObject({ backend: 'hailo' })
    await command('hang')
    await expect(ask(setup, 'detect', { model: 'yolov5m' })).rejects.toMatchObject({ code: 'unavailable' })
    await until('the verdict', () => setup.hailo?.lack !== undefined)
    const refused = ask(setup, 'detect', { model: 'yolov5m' })
    await expect(refused).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining('it needs the Hailo device'),
    })
    await command('resume')
    await until(
      'the device',
      async () => (await ask(setup, 'detect', { model: 'yolov5m' }).catch(() => undefined)) !== undefined,
      45_000,
    )
  })
})

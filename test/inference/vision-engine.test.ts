import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { DetectedObject, PooledImage } from '../../engine/core/packet.ts'
import { hasTestData, testData } from '../support/data.ts'
import { createVision, iouOf, type VisionSetup } from '../support/vision.ts'
import { until } from '../support/wait.ts'

const never = () => new AbortController().signal

interface Truth {
  yolov8n_fp32: Record<string, { dets: { cls: string; score: number; xyxy: [number, number, number, number] }[] }>
}

async function decodeFile(setup: VisionSetup, file: string): Promise<PooledImage> {
  return (await setup.vision.decodePicture(await readFile(testData(file)), never())).image
}

async function askOnce(setup: VisionSetup, task: string, image: PooledImage, options = {}) {
  await using session = setup.vision.openTask(task, options, 'interactive')
  return await session.ask(image, never())
}

/** Nothing is lost: after the images were let go, every slot comes back. */
async function expectWhole({ pool: { ledger } }: VisionSetup): Promise<void> {
  await until('all slots are back', () => ledger.stats().free === ledger.stats().slots)
  expect(ledger.stats()).toMatchObject({ leaked: 0, staleLoans: 0, held: 0, lent: 0 })
}

async function stateOf({ vision }: VisionSetup, model: string): Promise<string | undefined> {
  return (await vision.status()).models.find(({ name }) => name === model)?.state
}

function count(objects: readonly DetectedObject[], label: string): number {
  return objects.filter((object) => object.label === label).length
}

describe.skipIf(!hasTestData)('VisionEngine with YOLOv8n', () => {
  let setup: VisionSetup
  beforeAll(async () => {
    setup = await createVision({ paths: [dirname(testData('models/yolov8n.onnx'))] })
  })
  afterAll(async () => {
    await expectWhole(setup)
    await setup[Symbol.asyncDispose]()
  })

  it.each(['bus.jpg', 'dog.jpg', 'zidane.jpg', 'coco_052891.jpg'])(
    'finds in %s what the reference finds',
    async (name) => {
      const truth = JSON.parse(await readFile(testData('truth/detect.json'), 'utf8')) as Truth
      const expected = truth.yolov8n_fp32[name]!.dets
      const image = await decodeFile(setup, `media/${name}`)
      const { objects, ...by } = await askOnce(setup, 'detect', image)
      expect(by).toEqual({ model: 'yolov8n', backend: 'onnx', simulated: false })
      expect(objects).toHaveLength(expected.length)
      for (const { cls, score, xyxy } of expected) {
        const [x1, y1, x2, y2] = xyxy
        const same = objects.filter(
          ({ label, bbox }) => label === cls && iouOf(bbox, [x1, y1, x2 - x1, y2 - y1]) >= 0.9,
        )
        expect(same, `${cls} at ${xyxy}`).toHaveLength(1)
        expect(Math.abs(same[0]!.confidence - score)).toBeLessThan(0.05)
      }
      image.release()
    },
  )

  it('keeps the classes, the score and the number that were asked for', async () => {
    const image = await decodeFile(setup, 'media/bus.jpg')
    const buses = await askOnce(setup, 'detect', image, { classes: ['bus'] })
    expect(buses.objects.map(({ label }) => label)).toEqual(['bus'])
    const sure = await askOnce(setup, 'detect', image, { minScore: 0.9, maxObjects: 2 })
    expect(sure.objects.map(({ confidence }) => confidence > 0.9)).toEqual([true, true])
    image.release()
  })

  it('finds the same in a JPEG that lies in a slot, in pixels of that JPEG', async () => {
    const image = await decodeFile(setup, 'media/bus.jpg')
    const jpeg = await setup.vision.encodeJpeg(image, { quality: 95, width: null }, never())
    const [raw, packed] = [await askOnce(setup, 'detect', image), await askOnce(setup, 'detect', jpeg)]
    for (const object of raw.objects.slice(0, 4))
      expect(Math.max(...packed.objects.map(({ bbox }) => iouOf(object.bbox, bbox)))).toBeGreaterThan(0.95)
    for (const one of [image, jpeg]) one.release()
  })

  it('crops only the people that are given', async () => {
    const image = await decodeFile(setup, 'media/bus.jpg')
    await using session = setup.vision.openTask('pose', {}, 'realtime')
    const given: DetectedObject[] = [
      { id: 12, label: 'person', confidence: 0.8, bbox: [50, 400, 192, 505] },
      { label: 'bus', confidence: 0.9, bbox: [20, 232, 776, 520] },
    ]
    const { objects, model } = await session.ask(image, never(), given)
    expect(model).toBe('movenet-lightning')
    expect(objects).toHaveLength(1)
    expect(objects[0]).toMatchObject(given[0]!)
    expect(objects[0]!.keypoints).toHaveLength(17)
    expect((await session.ask(image, never(), [])).objects).toEqual([])
    image.release()
  })

  it('answers cancelled at once to a caller who gives up, and takes the slot back when the host has answered', async () => {
    const image = await decodeFile(setup, 'media/bus.jpg')
    await using session = setup.vision.openTask('detect', {}, 'interactive')
    await session.ask(image, never())
    const caller = new AbortController()
    const answer = session.ask(image, caller.signal)
    await new Promise((resolve) => setImmediate(resolve))
    caller.abort()
    await expect(answer).rejects.toMatchObject({ code: 'cancelled' })
    image.release()
    expect(setup.pool.ledger.stats().held).toBe(1)
    await expectWhole(setup)
  })

  it('answers unavailable when the host is killed in the middle of a frame, loses no slot, and goes on', async () => {
    const image = await decodeFile(setup, 'media/bus.jpg')
    await using session = setup.vision.openTask('detect', {}, 'interactive')
    await session.ask(image, never())
    const { pid } = setup.vision.hosts()[0]!
    const [answer, decoded] = [
      session.ask(image, never()),
      setup.vision.decodePicture(await readFile(testData('media/dog.jpg')), never()),
    ]
    const outcomes = Promise.allSettled([answer, decoded])
    process.kill(pid!, 'SIGKILL')
    const [asked] = await outcomes
    expect(asked).toMatchObject({ status: 'rejected', reason: { code: 'unavailable' } })
    const [, other] = await outcomes
    if (other.status === 'fulfilled') other.value.image.release()
    await until('the model to be loaded again, unasked', async () => (await stateOf(setup, 'yolov8n')) === 'loaded')
    expect(count((await session.ask(image, never())).objects, 'person')).toBe(4)
    expect(setup.vision.hosts()[0]!.restarts).toBe(1)
    image.release()
    await expectWhole(setup)
  })

  it('takes turns with a session that asks all the time', async () => {
    const image = await decodeFile(setup, 'media/bus.jpg')
    await using live = setup.vision.openTask('detect', {}, 'realtime')
    await using request = setup.vision.openTask('detect', {}, 'interactive')
    await live.ask(image, never())
    const order: string[] = []
    const frames = Array.from({ length: 2 }, async () => {
      for (let i = 0; i < 5; i++) {
        await live.ask(image, never())
        order.push('frame')
      }
    })
    const asked = request.ask(image, never()).then(() => order.push('request'))
    await Promise.all([...frames, asked])
    expect(order.indexOf('request')).toBeLessThan(7)
    image.release()
  })

  it('answers busy to the third question at once of a live session', async () => {
    const image = await decodeFile(setup, 'media/bus.jpg')
    await using live = setup.vision.openTask('detect', {}, 'realtime')
    const [first, second, third] = [1, 2, 3].map(() => live.ask(image, never()))
    await expect(third).rejects.toMatchObject({ code: 'busy' })
    await Promise.all([first, second])
    image.release()
  })
})

describe.skipIf(!hasTestData)('VisionEngine with what comes with the installation', () => {
  let setup: VisionSetup
  beforeAll(async () => {
    setup = await createVision()
  })
  afterAll(async () => {
    await expectWhole(setup)
    await setup[Symbol.asyncDispose]()
  })

  it('finds at least three persons and the bus, loading the model once for all who ask first', async () => {
    const image = await decodeFile(setup, 'media/bus.jpg')
    const answers = await Promise.all([1, 2, 3].map(() => askOnce(setup, 'detect', image)))
    for (const { objects, model } of answers) {
      expect(model).toBe('centernet-mobilenet')
      expect(count(objects, 'person')).toBeGreaterThanOrEqual(3)
      expect(count(objects, 'bus')).toBe(1)
    }
    expect(setup.logged.filter(({ msg }) => msg === 'model chosen')).toHaveLength(1)
    image.release()
  })

  it('finds the keypoints of several people near those of another network', async () => {
    const image = await decodeFile(setup, 'media/bus.jpg')
    const { objects } = await askOnce(setup, 'pose', image)
    expect(objects.length).toBeGreaterThanOrEqual(3)
    for (const [bbox, keypoints] of await poseTruth()) {
      const person = objects.find((object) => iouOf(object.bbox, bbox) > 0.7)!
      const errors = Object.entries(keypoints).map(([name, [x, y]]) => {
        const point = person.keypoints!.find((one) => one.name === name)!
        return Math.hypot(point.x - x, point.y - y) / bbox[3]
      })
      const sorted = errors.toSorted((a, b) => a - b)
      expect(sorted[Math.floor(sorted.length / 2)]).toBeLessThan(0.04)
      expect(sorted[Math.floor(sorted.length * 0.8)]).toBeLessThan(0.06)
    }
    image.release()
  })

  it('tells for health which model runs, why, and which one is missing', async () => {
    const { models, skippedModels } = await setup.vision.status()
    const hosts = setup.vision.hosts()
    const states = Object.fromEntries(models.map(({ name, state, why }) => [name, `${state}: ${why}`]))
    expect(states['centernet-mobilenet']).toBe('loaded: no Hailo device; comes with the installation')
    expect(states.yolov8n).toMatch(/^missing: yolov8n.onnx is not in/)
    expect(hosts).toMatchObject([{ name: 'vision', state: 'up', restarts: 0 }])
    expect(skippedModels).toEqual([])
  })

  it('says what is missing when a model is asked for that is not there', async () => {
    const image = setup.rgb(8, 8, new Uint8Array(192))
    await expect(askOnce(setup, 'detect', image, { model: 'yolov8s' })).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining('yolov8s.onnx is not in models.paths'),
    })
    image.release()
  })

  it('finds nothing in a picture of one pixel', async () => {
    const image = setup.rgb(1, 1, new Uint8Array(3))
    expect((await askOnce(setup, 'detect', image)).objects).toEqual([])
    image.release()
  })

  it('names an unknown task, a wrong option and a closed session', async () => {
    const open = (task: string, options: unknown) => () => setup.vision.openTask(task, options, 'interactive')
    expect(open('sing', {})).toThrow('Expected a task (detect, faces, ocr, pose, segment), received "sing"')
    expect(open('detect', { minScore: 2 })).toThrow(/^detect.minScore: /)
    expect(open('detect', { colour: 'red' })).toThrow(/colour/)
    // Only streams have ranks.
    expect(open('detect', { priority: 31 })).toThrow(/priority/)
    expect(() => setup.vision.openTask('detect', { minScore: 2 }, 'realtime', { rank: 3 })).toThrow(
      /^detect.minScore: /,
    )
    expect(setup.vision.liveRanks()).toEqual([])
    const session = setup.vision.openTask('detect', undefined, 'batch')
    await session[Symbol.asyncDispose]()
    const image = setup.rgb(1, 1, new Uint8Array(3))
    await expect(session.ask(image, never())).rejects.toMatchObject({ code: 'closed' })
    image.release()
  })
})

describe.skipIf(!hasTestData)('VisionEngine with a corrupt model', () => {
  it('names the file once, takes the next model, and tries a new file after the host died', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'hailstream-models-'))
    const file = join(folder, 'yolov8n.onnx')
    await writeFile(file, (await readFile(testData('models/yolov8n.onnx'))).subarray(0, 100_000))
    const setup = await createVision({ paths: [folder] })
    const image = await decodeFile(setup, 'media/bus.jpg')
    expect((await askOnce(setup, 'detect', image)).model).toBe('centernet-mobilenet')
    expect((await askOnce(setup, 'detect', image, { classes: ['bus'] })).model).toBe('centernet-mobilenet')
    const named = setup.logged.filter(({ msg }) => msg === 'model cannot be loaded')
    expect(named).toMatchObject([{ model: 'yolov8n', reason: expect.stringContaining(file) }])
    const { models, skippedModels } = await setup.vision.status()
    expect(skippedModels).toEqual(['yolov8n'])
    expect(models.find(({ name }) => name === 'yolov8n')).toMatchObject({ state: 'failed' })

    await copyFile(testData('models/yolov8n.onnx'), file)
    process.kill(setup.vision.hosts()[0]!.pid!, 'SIGKILL')
    await until('the host is up again', () => setup.vision.hosts()[0]!.restarts === 1)
    expect((await askOnce(setup, 'detect', image)).model).toBe('yolov8n')
    expect((await setup.vision.status()).skippedModels).toEqual([])
    image.release()
    await expectWhole(setup)
    await setup[Symbol.asyncDispose]()
    await rm(folder, { recursive: true })
  })
})

type Points = Record<string, readonly [x: number, y: number]>

/** Two people of bus.jpg as BlazePose sees them; the keypoints that it is sure of, by our names. */
async function poseTruth(): Promise<[DetectedObject['bbox'], Points][]> {
  const short: Record<string, string> = { sh: 'shoulder', el: 'elbow', wr: 'wrist', kn: 'knee', an: 'ankle' }
  const toName = (name: string) =>
    name
      .replace(/^l_/, 'left_')
      .replace(/^r_/, 'right_')
      .replace(/_(sh|el|wr|kn|an)$/, (_, part: string) => `_${short[part]}`)
  const truth = JSON.parse(await readFile(testData('truth/pose.json'), 'utf8')) as Record<
    string,
    { kp: Record<string, [number, number, number]> }
  >
  return Object.entries(truth)
    .filter(([title]) => title.startsWith('bus.jpg'))
    .map(([title, { kp }]) => {
      const [x1, y1, x2, y2] = /[\d,]+$/.exec(title)![0].split(',').map(Number) as [number, number, number, number]
      const sure = Object.entries(kp).filter(([, [, , confidence]]) => confidence >= 0.8)
      return [[x1, y1, x2 - x1, y2 - y1], Object.fromEntries(sure.map(([name, [x, y]]) => [toName(name), [x, y]]))]
    })
}

import { join } from 'node:path'
import { pino } from 'pino'
import { type Observable, Subject } from 'rxjs'
import { beforeAll, describe, expect, test, vi } from 'vitest'
import { Edge } from '../../engine/core/edge.ts'
import { createJoinedPacket } from '../../engine/core/joined-packet.ts'
import { createPacket, type DetectedObject, type PacketOf, type PooledImage } from '../../engine/core/packet.ts'
import type { AnyPacket } from '../../engine/core/plugin.ts'
import { loadCatalogue } from '../../engine/inference/catalogue.ts'
import { cocoKeypoints } from '../../engine/inference/labels.ts'
import type { TaskResult, TaskSession } from '../../engine/inference/vision.ts'
import { cropAround, loadTasks, type VisionTask, visionNodes } from '../../engine/inference/vision-task.ts'
import { projectRoot } from '../../engine/root.ts'
import type { Tools } from '../../engine/tools.ts'

const catalogue = loadCatalogue()
const folder = join(projectRoot, 'engine/tasks')
let tasks: VisionTask[]
beforeAll(async () => {
  tasks = await loadTasks(folder)
})

function task(name: string): VisionTask {
  const found = tasks.find((one) => one.name === name)
  if (found === undefined) throw new Error(`no task ${name}`)
  return found
}

const parse = (name: string, options: object) => task(name).options.parse(options)

const [yolo, centernet, yoloPose, movenet] = [
  'yolov8n',
  'centernet-mobilenet',
  'yolov8n-pose',
  'movenet-lightning',
].map((name) => catalogue.entry(name))
const person: DetectedObject = { label: 'person', confidence: 0.75, bbox: [10, 20, 30, 40] }
const keypointValues = cocoKeypoints.flatMap((_, i) => [i, 100 + i, i / 16])

describe('detect', () => {
  test('reads a row as a labelled box', () => {
    const row = Float32Array.of(10, 20, 110, 70, 0.5, 16)
    const object = task('detect').read(row, { entry: yolo!, options: parse('detect', {}) })
    expect(object).toEqual({ label: 'dog', confidence: 0.5, bbox: [10, 20, 100, 50] })
  })

  test('turns labels into class numbers, and names the labels there are for one that is unknown', () => {
    expect(task('detect').plan(parse('detect', { classes: ['dog', 'person'] }), yolo!).classes).toEqual([16, 0])
    const { error } = task('detect').options.safeParse({ classes: ['unicorn'] })
    expect(error?.issues[0]?.path).toEqual(['classes', 0])
    expect(error?.message).toMatch(/person.*bicycle.*toothbrush/)
  })

  test('leaves the thresholds to the model unless it is told', () => {
    const { plan } = task('detect')
    expect(plan(parse('detect', {}), yolo!)).toEqual({ minScore: 0.25, iou: 0.45, maxRows: 100, classes: [] })
    expect(plan(parse('detect', {}), centernet!).minScore).toBe(0.3)
    const told = parse('detect', { minScore: 0.6, iou: 0.7, maxObjects: 3 })
    expect(plan(told, centernet!)).toEqual({ minScore: 0.6, iou: 0.7, maxRows: 3, classes: [] })
  })
})

describe('pose', () => {
  test('reads a row of a model that sees all people', () => {
    const row = Float32Array.of(10, 20, 40, 60, 0.75, 0, ...keypointValues)
    const object = task('pose').read(row, { entry: yoloPose!, options: parse('pose', {}) })
    expect(object).toMatchObject(person)
    expect(object?.keypoints?.[5]).toEqual({ name: 'left_shoulder', x: 5, y: 105, confidence: 5 / 16 })
  })

  test('takes box and confidence from the person whose crop was asked about', () => {
    const context = { entry: movenet!, options: parse('pose', {}), person: { ...person, id: 7 } }
    const object = task('pose').read(Float32Array.from(keypointValues), context)
    expect(object).toMatchObject({ ...person, id: 7 })
    expect(object?.keypoints?.map(({ name }) => name)).toEqual(cocoKeypoints)
  })

  test('leaves out keypoints below the confidence asked for', () => {
    const context = { entry: movenet!, options: parse('pose', { minKeypoint: 0.5 }), person }
    const object = task('pose').read(Float32Array.from(keypointValues), context)
    expect(object?.keypoints?.map(({ name }) => name)).toEqual(cocoKeypoints.slice(8))
  })

  test('asks a top-down model for one person a crop, whatever their score, and the detector for the people', () => {
    const options = parse('pose', { minScore: 0.6, maxPeople: 4 })
    expect(task('pose').plan(options, movenet!)).toMatchObject({ minScore: 0, maxRows: 1 })
    expect(task('pose').plan(options, yoloPose!)).toMatchObject({ minScore: 0.6, maxRows: 4 })
    expect(task('pose').people?.(options)).toEqual({ classes: ['person'], minScore: 0.6, maxObjects: 4 })
  })
})

describe('the square around a person', () => {
  test('has the same middle and may reach outside of the image', () => {
    expect(cropAround([10, 0, 20, 80], 1.25)).toEqual([-30, -10, 100, 100])
    expect(cropAround([0, 10, 80, 20], 1)).toEqual([0, -20, 80, 80])
  })
})

/** A node's surroundings: what it asks of the models, and an answer for it. */
function surroundings(answer: () => Promise<TaskResult>) {
  const prepare = () => undefined
  const session = {
    prepare,
    ask: vi.fn<TaskSession['ask']>(answer),
    [Symbol.asyncDispose]: vi.fn(() => Promise.resolve()),
  }
  const openTask = vi.fn(() => session)
  const edge = new Edge('people', { queue: 8, full: 'oldest' })
  const names = { pipeline: 'demo', stream: 'people' }
  const tools = { vision: { openTask }, ...names, edge, log: pino({ level: 'silent' }) } as unknown as Tools
  return { tools, session, openTask, edge }
}

/** The node `name` at work on what `packets` gives. */
function node(
  name: string,
  options: object,
  tools: Tools,
  packets: Observable<AnyPacket>,
): Observable<PacketOf<'objects'>> {
  const plugin = visionNodes(tasks).find((one) => one.name === name)!
  return packets.pipe(plugin.create(plugin.options.parse(options), tools)) as Observable<PacketOf<'objects'>>
}

const found: TaskResult = { objects: [person], model: 'yolov8n', backend: 'onnx', simulated: false }

/** A frame of 640 × 480 that counts who holds it; at first its packet alone. */
function frameImage(): PooledImage & { holders: number } {
  return {
    ...{ slot: 3, width: 640, height: 480, format: 'rgb', bytes: 921_600, holders: 1 },
    hold() {
      this.holders++
    },
    release() {
      this.holders--
    },
  }
}

function joined(seq: number, image: PooledImage, objects?: readonly DetectedObject[]): AnyPacket {
  const moment = { source: 'camera', seq, capturedAt: BigInt(seq) * 1_000_000n }
  const frame = createPacket({ ...moment, stream: 'camera', payload: { kind: 'image', image } })
  if (objects === undefined) return createJoinedPacket(frame, { image: frame })
  const answer = { kind: 'objects', ...found, objects, frame: { width: 640, height: 480 } } as const
  return createJoinedPacket(frame, {
    image: frame,
    objects: createPacket({ ...moment, stream: 'seen', payload: answer }),
  })
}

describe('a node made from a task', () => {
  test('answers with the time and number of its frame, and lets go of the pixels', async () => {
    const { tools, session, openTask } = surroundings(async () => found)
    const frames = new Subject<AnyPacket>()
    const packets: PacketOf<'objects'>[] = []
    node('detect', { minScore: 0.5 }, tools, frames).subscribe((packet) => packets.push(packet))
    const image = frameImage()
    frames.next(joined(4, image))
    await vi.waitUntil(() => packets.length === 1)
    expect(packets[0]).toMatchObject({ stream: 'people', source: 'camera', seq: 4, capturedAt: 4_000_000n })
    const frame = { width: 640, height: 480 }
    expect(packets[0]?.payload).toEqual({ kind: 'objects', ...found, frame })
    expect(image.holders).toBe(0)
    const more = { rank: 16, user: 'demo/people' }
    const options = { minScore: 0.5, maxObjects: 100 }
    expect(openTask).toHaveBeenCalledExactlyOnceWith('detect', options, 'realtime', more)
    expect(session.ask.mock.calls[0]?.[2]).toBeUndefined()
  })

  test('opens its session with its priority as rank, and takes nothing but 0 to 31', () => {
    const { tools, openTask } = surroundings(async () => found)
    node('pose', { priority: 31, maxPeople: 2 }, tools, new Subject<AnyPacket>()).subscribe()
    expect(openTask).toHaveBeenCalledExactlyOnceWith('pose', { minKeypoint: 0, maxPeople: 2 }, 'realtime', {
      rank: 31,
      user: 'demo/people',
    })
    for (const priority of [-1, 32, 1.5, 'high'])
      expect(() => node('pose', { priority }, tools, new Subject<AnyPacket>())).toThrow(/priority/)
  })

  test('hands on the objects that another stream found in the same frame', async () => {
    const { tools, session } = surroundings(async () => found)
    const frames = new Subject<AnyPacket>()
    node('pose', {}, tools, frames).subscribe()
    frames.next(joined(0, frameImage(), [person]))
    await vi.waitUntil(() => session.ask.mock.calls.length === 1)
    expect(session.ask.mock.calls[0]?.[2]).toEqual([person])
  })

  test('opens its session with its first viewer and closes it with the last', async () => {
    const { tools, session, openTask } = surroundings(async () => found)
    const stream = node('detect', {}, tools, new Subject<AnyPacket>())
    expect(openTask).not.toHaveBeenCalled()
    const viewer = stream.subscribe()
    expect(openTask).toHaveBeenCalledOnce()
    expect(session[Symbol.asyncDispose]).not.toHaveBeenCalled()
    viewer.unsubscribe()
    expect(session[Symbol.asyncDispose]).toHaveBeenCalledOnce()
  })

  test('goes on after a frame that failed, and after a session that would not close', async () => {
    const { tools, session, edge } = surroundings(async () => found)
    session.ask.mockRejectedValueOnce(new Error('the host died'))
    session[Symbol.asyncDispose].mockRejectedValue(new Error('no'))
    const frames = new Subject<AnyPacket>()
    const packets: PacketOf<'objects'>[] = []
    const viewer = node('detect', {}, tools, frames).subscribe((packet) => packets.push(packet))
    for (const seq of [0, 1]) frames.next(joined(seq, frameImage()))
    await vi.waitUntil(() => packets.length === 1)
    expect(packets[0]?.seq).toBe(1)
    expect(edge.counts).toEqual({ in: 2, out: 1, dropped: 0, failed: 1, waiting: 0 })
    viewer.unsubscribe()
  })

  test('stops asking when its last viewer leaves', async () => {
    let stopped: AbortSignal | undefined
    const { tools, session } = surroundings(() => Promise.resolve(found))
    session.ask.mockImplementation((_, signal) => {
      stopped = signal
      return new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
    })
    const frames = new Subject<AnyPacket>()
    const viewer = node('detect', {}, tools, frames).subscribe()
    const image = frameImage()
    frames.next(joined(0, image))
    await vi.waitUntil(() => stopped !== undefined)
    viewer.unsubscribe()
    expect(stopped?.aborted).toBe(true)
    await vi.waitUntil(() => image.holders === 0)
  })
})

import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import onnxProto from 'onnx-proto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { PooledImage } from '../../engine/core/packet.ts'
import { Host } from '../../engine/hosts/host.ts'
import type { Plan, VisionProtocol } from '../../engine/hosts/protocol.ts'
import { toSlotImage } from '../../engine/inference/onnx.ts'
import { hasTestData, testData } from '../support/data.ts'
import { createSharedPool, testLog } from '../support/shared-pool.ts'
import { until } from '../support/wait.ts'

const { onnx } = onnxProto
const { DataType } = onnx.TensorProto

const pool = createSharedPool(8, 640 * 480 * 3)
const host = new Host<VisionProtocol>({ name: 'vision', entry: 'vision', pool, log: testLog, restart: true })
const within = (deadlineMs = 10_000) => ({ signal: new AbortController().signal, deadlineMs })
const plan: Plan = {
  fit: 'stretch',
  pad: 0,
  mean: [0, 0, 0],
  scale: [1, 1, 1],
  kernel: 'yolo-v8',
  minScore: 0.5,
  iou: 0.5,
  maxRows: 10,
  classes: [],
}

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hailstream-networks-'))
  await host.start()
})
afterAll(async () => {
  await host[Symbol.asyncDispose]()
  expect(pool.ledger.stats()).toMatchObject({ lent: 0, held: 0, staleLoans: 0, leaked: 0 })
  pool.memory.close()
  await rm(folder, { recursive: true })
})

/** An image of one value, 8 × 8. */
function flat(value: number): PooledImage {
  const { slot, loan } = pool.ledger.lend('test')!
  pool.memory.write(slot, new Uint8Array(8 * 8 * 3).fill(value), 0)
  return pool.ledger.filled(loan, { width: 8, height: 8, format: 'rgb', bytes: 8 * 8 * 3 })!
}

type Sizes = readonly (number | string)[]

/** A network that hands its input on as the head of a detector: 4 box values and 2 scores for each of 8 cells. */
async function writeNetwork(name: string, elemType: number, sizes: Sizes): Promise<string> {
  const shaped = (title: string, type: number, dims: Sizes) =>
    onnx.ValueInfoProto.create({
      name: title,
      type: {
        tensorType: {
          elemType: type,
          shape: { dim: dims.map((size) => (typeof size === 'number' ? { dimValue: size } : { dimParam: size })) },
        },
      },
    })
  const shape = new BigInt64Array([1n, 6n, 8n])
  const attribute = [{ name: 'to', type: onnx.AttributeProto.AttributeType.INT, i: DataType.FLOAT }]
  const graph = {
    name,
    node: [
      { opType: 'Cast', input: ['image'], output: ['float'], attribute },
      { opType: 'Reshape', input: ['float', 'shape'], output: ['head'] },
    ],
    initializer: [{ name: 'shape', dims: [3], dataType: DataType.INT64, rawData: new Uint8Array(shape.buffer) }],
    input: [shaped('image', elemType, sizes)],
    output: [shaped('head', DataType.FLOAT, [1, 6, 8])],
  }
  const model = onnx.ModelProto.create({ irVersion: 7, opsetImport: [{ domain: '', version: 13 }], graph })
  const path = join(folder, `${name}.onnx`)
  await writeFile(path, onnx.ModelProto.encode(model).finish())
  return path
}

async function load(model: string, path: string) {
  return host.call('load', { model, path, threads: 1 }, within(60_000))
}

function infer(model: string, image: PooledImage, crops: Float32Array | null = null) {
  return host.begin('infer', { model, plan, image: toSlotImage(image), crops }, within(20_000))
}

describe('the vision host', () => {
  it.each([
    ['float32', DataType.FLOAT, [1, 4, 4, 3]],
    ['uint8', DataType.UINT8, [1, 3, 4, 4]],
    ['int32', DataType.INT32, [1, 4, 4, 3]],
    ['float32', DataType.FLOAT, ['batch', 3, 4, 4]],
  ] as const)('feeds a network with %s pixels (type %i) in the shape %j', async (type, elemType, sizes) => {
    const path = await writeNetwork(`${type}-${sizes.join('-')}`, elemType, sizes)
    const { inputs, outputs } = await load(type, path)
    expect(inputs).toEqual([{ name: 'image', type, shape: [1, ...sizes.slice(1)] }])
    expect(outputs).toEqual([{ name: 'head', type: 'float32', shape: [1, 6, 8] }])
    const image = flat(1)
    const { rows, width, counts } = await infer(type, image).answer
    expect([width, counts]).toEqual([6, [1]])
    // Box 0.5 to 1.5 of the 4 × 4 input, on an image twice as large.
    expect([...rows]).toEqual([1, 1, 3, 3, 1, 0])
    image.release()
  })

  it('answers once per crop, in source pixels', async () => {
    await load('crops', await writeNetwork('crops', DataType.FLOAT, [1, 3, 4, 4]))
    const image = flat(1)
    const crops = new Float32Array([4, 0, 0, 0, 4, 0, 4, 0, 4, 0, 4, 4])
    const { rows, counts } = await infer('crops', image, crops).answer
    expect(counts).toEqual([1, 1])
    expect([...rows].map(Math.fround)).toEqual([0.5, 0.5, 1.5, 1.5, 1, 0, 4.5, 4.5, 5.5, 5.5, 1, 0])
    image.release()
  })

  it('names the file that is no network, is not there, or takes no image', async () => {
    const text = join(folder, 'text.onnx')
    await writeFile(text, 'not a network')
    await expect(load('text', text)).rejects.toMatchObject({ code: 'invalid', message: expect.stringContaining(text) })
    const absent = join(folder, 'absent.onnx')
    await expect(load('absent', absent)).rejects.toMatchObject({
      code: 'not-found',
      message: `Expected a model file at ${absent}`,
    })
    const flatInput = await writeNetwork('flat', DataType.FLOAT, [1, 48])
    await expect(load('flat', flatInput)).rejects.toMatchObject({
      code: 'invalid',
      message: expect.stringContaining('found image [1, 48]'),
    })
    const image = flat(1)
    await expect(infer('text', image).answer).rejects.toMatchObject({ code: 'unavailable' })
    image.release()
  })

  it('goes on after a plan that the network cannot serve', async () => {
    await load('plain', await writeNetwork('plain', DataType.FLOAT, [1, 3, 4, 4]))
    const image = flat(1)
    const wrong = { model: 'plain', plan: { ...plan, kernel: 'movenet' }, image: toSlotImage(image), crops: null }
    await expect(host.call('infer', wrong, within())).rejects.toThrow()
    await expect(host.call('infer', { ...wrong, plan: { ...plan, kernel: 'none' } }, within())).rejects.toThrow(/none/)
    expect((await infer('plain', image).answer).counts).toEqual([1])
    image.release()
  })

  it('fails the calls of a worker that ends as unavailable, and no other model’s', async () => {
    const path = await writeNetwork('twice', DataType.FLOAT, [1, 3, 4, 4])
    await Promise.all([load('twice', path), load('other', path)])
    const image = flat(1)
    const long = infer('twice', image, new Float32Array(4 * 200_000).fill(4))
    const refused = expect(long.answer).rejects.toMatchObject({ code: 'unavailable' })
    const { pid } = host
    await load('twice', path)
    await refused
    expect((await infer('other', image).answer).counts).toEqual([1])
    expect((await infer('twice', image).answer).counts).toEqual([1])
    expect(host.pid).toBe(pid)
    image.release()
  })
})

describe.skipIf(!hasTestData)('the vision host with a real network', () => {
  const manyCrops = Float32Array.from({ length: 6 * 5000 }, (_, i) => (i % 6 === 1 || i % 6 === 3 ? 0 : 8))
  const crowd = { model: 'yolov8n', plan: { ...plan, scale: [1 / 255, 1 / 255, 1 / 255] as const } }

  it('answers pings and other calls while a model runs, and stops between two crops when the caller gives up', async () => {
    await load('yolov8n', testData('models/yolov8n.onnx'))
    const image = flat(100)
    const caller = new AbortController()
    const params = { ...crowd, image: toSlotImage(image), crops: manyCrops }
    const long = host.begin('infer', params, { signal: caller.signal, deadlineMs: 20_000 })
    let settled = false
    void long.settled.then(() => {
      settled = true
    })
    await host.call('ping', {}, within(2000))
    const target = pool.ledger.lend('test')!
    const picture = { image: toSlotImage(image), target, scratch: null, quality: 80, width: null }
    expect((await host.call('encodePicture', picture, within(5000))).bytes).toBeGreaterThan(100)
    pool.ledger.settle(target.loan)
    expect(settled).toBe(false)
    caller.abort()
    await expect(long.answer).rejects.toMatchObject({ code: 'cancelled' })
    expect(settled).toBe(false)
    await long.settled
    const { pid } = host
    expect((await host.call('infer', { ...params, crops: null }, within())).counts).toEqual([0])
    expect(host.pid).toBe(pid)
    image.release()
  })

  it('is killed and started again when a call passes its deadline', async () => {
    await load('yolov8n', testData('models/yolov8n.onnx'))
    const image = flat(100)
    const { pid } = host
    const params = { ...crowd, image: toSlotImage(image), crops: manyCrops }
    const late = host.begin('infer', params, within(300))
    await expect(late.answer).rejects.toMatchObject({ code: 'timeout' })
    await late.settled
    await until('the host is up again', () => host.state === 'up' && host.pid !== pid)
    await expect(infer('yolov8n', image).answer).rejects.toMatchObject({ code: 'unavailable' })
    image.release()
  })
})

import { InferenceSession, Tensor } from 'onnxruntime-node'
import { describe, expect, test } from 'vitest'
import { convertGraphModel } from '../../engine/inference/import-tfjs.ts'

interface Constant {
  shape: number[]
  values: number[]
  dtype?: 'int32' | 'float32'
}
interface Operation {
  op: string
  inputs: string[]
  attr?: Record<string, unknown>
}

const text = (value: string) => ({ s: Buffer.from(value).toString('base64') })
const texts = (...values: string[]) => ({ list: { s: values.map((value) => Buffer.from(value).toString('base64')) } })
// TensorFlow.js writes whole numbers as text.
const numbers = (...values: number[]) => ({ list: { i: values.map(String) } })

const window = (padding: string, stride = 1) => ({
  strides: numbers(1, stride, stride, 1),
  padding: text(padding),
  data_format: text('NHWC'),
})

/** A graph model with the input `x` of this shape. */
function graph(shape: number[], constants: Record<string, Constant>, operations: Record<string, Operation>) {
  const dim = shape.map((size) => ({ size: String(size) }))
  const node = [
    { name: 'x', op: 'Placeholder', attr: { shape: { shape: { dim } }, dtype: { type: 'DT_FLOAT' } } },
    ...Object.keys(constants).map((name) => ({ name, op: 'Const' })),
    ...Object.entries(operations).map(([name, { op, inputs, attr }]) => ({ name, op, input: inputs, attr })),
  ]
  const weights = Object.entries(constants).map(([name, one]) => ({
    name,
    shape: one.shape,
    dtype: one.dtype ?? 'float32',
  }))
  const json = JSON.stringify({
    format: 'graph-model',
    modelTopology: { node },
    weightsManifest: [{ paths: [], weights }],
  })
  const parts = Object.values(constants).map(({ values, dtype }) =>
    Buffer.from((dtype === 'int32' ? Int32Array : Float32Array).from(values).buffer),
  )
  return { json, bytes: Buffer.concat(parts) }
}

type Model = ReturnType<typeof graph>

/** What the converted model answers at its output `y`. */
async function run({ json, bytes }: Model, shape: number[], values: number[]) {
  const session = await InferenceSession.create(convertGraphModel(json, bytes, ['y']), { logSeverityLevel: 3 })
  const { 'output/y': answer } = await session.run({ x: new Tensor('float32', Float32Array.from(values), shape) })
  await session.release()
  return {
    shape: answer!.dims,
    values: [...(answer!.data as Float32Array)].map((value) => Math.round(value * 1e4) / 1e4),
  }
}

const ones = (count: number) => Array<number>(count).fill(1)
const upTo = (count: number) => Array.from({ length: count }, (_, i) => i)

describe('a converted convolution', () => {
  test('pads SAME at the end where the padding is odd', async () => {
    const model = graph(
      [1, 4, 4, 1],
      { w: { shape: [3, 3, 1, 1], values: ones(9) } },
      { y: { op: 'Conv2D', inputs: ['x', 'w'], attr: window('SAME', 2) } },
    )
    expect(await run(model, [1, 4, 4, 1], ones(16))).toEqual({ shape: [1, 2, 2, 1], values: [9, 6, 6, 4] })
  })

  test('takes only whole windows with VALID', async () => {
    const model = graph(
      [1, 3, 4, 1],
      { w: { shape: [3, 3, 1, 1], values: ones(9) } },
      { y: { op: 'Conv2D', inputs: ['x', 'w'], attr: window('VALID') } },
    )
    expect(await run(model, [1, 3, 4, 1], upTo(12))).toEqual({ shape: [1, 1, 2, 1], values: [45, 54] })
  })

  test('mixes channels as TensorFlow orders them, then adds the bias and cuts at 0 and 6', async () => {
    const model = graph(
      [1, 1, 1, 2],
      { w: { shape: [1, 1, 2, 3], values: [1, 2, 3, 10, 20, 30] }, b: { shape: [3], values: [-100, -41, -60] } },
      {
        y: {
          op: '_FusedConv2D',
          inputs: ['x', 'w', 'b'],
          attr: { ...window('SAME'), fused_ops: texts('BiasAdd', 'Relu6') },
        },
      },
    )
    expect(await run(model, [1, 1, 1, 2], [1, 2])).toEqual({ shape: [1, 1, 1, 3], values: [0, 1, 3] })
  })

  test('applies each filter of a depthwise one to its channel alone', async () => {
    const model = graph(
      [1, 1, 2, 2],
      {
        w: { shape: [1, 2, 2, 2], values: [1, 10, 100, 1000, 2, 20, 200, 2000] },
        b: { shape: [4], values: [1, 2, 3, -9e5] },
      },
      {
        y: {
          op: 'FusedDepthwiseConv2dNative',
          inputs: ['x', 'w', 'b'],
          attr: { ...window('VALID'), fused_ops: texts('BiasAdd', 'Relu') },
        },
      },
    )
    // Channel 0 holds 1 and 3, channel 1 holds 2 and 4.
    expect(await run(model, [1, 1, 2, 2], [1, 2, 3, 4])).toEqual({ shape: [1, 1, 1, 4], values: [8, 72, 1003, 0] })
  })
})

describe('a converted picture operation', () => {
  test.each([
    ['from the corner', { align_corners: { b: false }, half_pixel_centers: { b: false } }, [0, 0.5, 1, 1]],
    ['from the centre', { align_corners: { b: false }, half_pixel_centers: { b: true } }, [0, 0.25, 0.75, 1]],
    ['between the corners', { align_corners: { b: true } }, [0, 0.3333, 0.6667, 1]],
  ])('resizes counting pixels %s', async (_, attr, values) => {
    const model = graph(
      [1, 1, 2, 1],
      { size: { shape: [2], values: [1, 4], dtype: 'int32' } },
      { y: { op: 'ResizeBilinear', inputs: ['x', 'size'], attr } },
    )
    expect(await run(model, [1, 1, 2, 1], [0, 1])).toEqual({ shape: [1, 1, 4, 1], values })
  })

  test('keeps the greatest of a window, and no padding', async () => {
    const model = graph(
      [1, 2, 3, 1],
      {},
      {
        y: { op: 'MaxPool', inputs: ['x'], attr: { ...window('SAME', 2), ksize: numbers(1, 3, 3, 1) } },
      },
    )
    expect(await run(model, [1, 2, 3, 1], [-5, -4, -3, -2, -7, -1])).toEqual({ shape: [1, 1, 2, 1], values: [-2, -1] })
  })

  test('takes the mean of each channel', async () => {
    const model = graph(
      [1, 2, 2, 2],
      { axes: { shape: [2], values: [1, 2], dtype: 'int32' } },
      { y: { op: 'Mean', inputs: ['x', 'axes'], attr: { keep_dims: { b: true } } } },
    )
    expect(await run(model, [1, 2, 2, 2], upTo(8))).toEqual({ shape: [1, 1, 1, 2], values: [3, 4] })
  })

  test('joins channels whichever way their axis is counted', async () => {
    const model = graph(
      [1, 1, 2, 1],
      { axis: { shape: [], values: [-1], dtype: 'int32' }, ten: { shape: [], values: [10] } },
      { more: { op: 'Mul', inputs: ['x', 'ten'] }, y: { op: 'ConcatV2', inputs: ['x', 'more', 'axis'] } },
    )
    expect(await run(model, [1, 1, 2, 1], [1, 2])).toEqual({ shape: [1, 1, 2, 2], values: [1, 10, 2, 20] })
  })
})

describe('converted arithmetic', () => {
  test('spreads constants of fewer dimensions over channels', async () => {
    const model = graph(
      [1, 1, 2, 2],
      {
        w: { shape: [1, 1, 2, 2], values: [1, 0, 0, 1] },
        perChannel: { shape: [2], values: [100, 200] },
        perColumn: { shape: [2, 1], values: [1, 2] },
        three: { shape: [], values: [3] },
      },
      {
        turned: { op: 'Conv2D', inputs: ['x', 'w'], attr: window('SAME') },
        added: { op: 'AddV2', inputs: ['turned', 'perChannel'] },
        times: { op: 'Mul', inputs: ['perColumn', 'added'] },
        y: { op: 'Sub', inputs: ['times', 'three'] },
      },
    )
    expect(await run(model, [1, 1, 2, 2], [1, 2, 3, 4])).toEqual({ shape: [1, 1, 2, 2], values: [98, 199, 203, 405] })
  })

  test('keeps what equals its greatest neighbour', async () => {
    const model = graph(
      [1, 1, 4, 1],
      {},
      {
        pooled: { op: 'MaxPool', inputs: ['x'], attr: { ...window('SAME'), ksize: numbers(1, 3, 3, 1) } },
        same: { op: 'Equal', inputs: ['x', 'pooled'] },
        mask: { op: 'Cast', inputs: ['same'] },
        peaks: { op: 'Mul', inputs: ['x', 'mask'] },
        y: { op: 'Identity', inputs: ['peaks'] },
      },
    )
    expect(await run(model, [1, 1, 4, 1], [1, 3, 2, 5])).toEqual({ shape: [1, 1, 4, 1], values: [0, 3, 0, 5] })
  })

  test('adds, drops and unpacks dimensions, and takes whole numbers for floats at the input', async () => {
    const model = graph(
      [1, 1, 2, 1],
      { first: { shape: [], values: [0], dtype: 'int32' } },
      {
        floats: { op: 'Cast', inputs: ['x'] },
        alone: { op: 'Unpack', inputs: ['floats'], attr: { axis: { i: '0' }, num: { i: '1' } } },
        wrapped: { op: 'ExpandDims', inputs: ['alone', 'first'] },
        bare: { op: 'Squeeze', inputs: ['wrapped'], attr: { squeeze_dims: numbers(0) } },
        whole: { op: 'ExpandDims', inputs: ['bare', 'first'] },
        y: { op: 'Sigmoid', inputs: ['whole'] },
      },
    )
    expect(await run(model, [1, 1, 2, 1], [0, 1])).toEqual({ shape: [1, 1, 2, 1], values: [0.5, 0.7311] })
  })

  test('cuts at 0, and at 0 and 6', async () => {
    const model = graph(
      [1, 1, 3, 1],
      {},
      {
        positive: { op: 'Relu', inputs: ['x'] },
        y: { op: 'Relu6', inputs: ['positive'] },
      },
    )
    expect((await run(model, [1, 1, 3, 1], [-1, 4, 9])).values).toEqual([0, 4, 6])
  })

  test('reads float16 weights: signs, small ones, very small ones', async () => {
    const { json } = graph([1, 1, 1, 4], { c: { shape: [4], values: [] } }, { y: { op: 'Add', inputs: ['x', 'c'] } })
    const quantised = json.replace('"dtype":"float32"', '"dtype":"float32","quantization":{"dtype":"float16"}')
    // 1.5, −2, 65504 and the smallest above 0, 2⁻²⁴.
    const bytes = Buffer.from(Uint16Array.of(0x3e00, 0xc000, 0x7bff, 0x0001).buffer)
    const session = await InferenceSession.create(convertGraphModel(quantised, bytes, ['y']))
    const { 'output/y': answer } = await session.run({ x: new Tensor('float32', new Float32Array(4), [1, 1, 1, 4]) })
    expect([...(answer!.data as Float32Array)]).toEqual([1.5, -2, 65504, 2 ** -24])
    await session.release()
  })
})

describe('a model that cannot be converted is refused, naming the part:', () => {
  const good = graph(
    [1, 2, 2, 1],
    { w: { shape: [1, 1, 1, 1], values: [1] } },
    {
      y: { op: 'Conv2D', inputs: ['x', 'w'], attr: window('SAME') },
    },
  )
  const convert = ({ json, bytes }: Model, output = 'y') => convertGraphModel(json, bytes, [output])
  const changed = (from: string, to: string) => ({ ...good, json: good.json.replace(from, to) })
  const operation = (op: string, inputs: string[], attr = {}) => graph([1, 2, 2, 1], {}, { y: { op, inputs, attr } })

  test('nothing is wrong with the model that the others change', () => {
    expect(convert(good).byteLength).toBeGreaterThan(100)
  })

  test.each([
    ['an unknown operation', operation('TopKV2', ['x']), /received TopKV2 \(y\)/],
    [
      'an unknown fused one',
      changed('"attr":{"strides"', `"attr":{"fused_ops":${JSON.stringify(texts('Elu'))},"strides"`),
      /Relu6, received Elu/,
    ],
    [
      'another padding',
      changed(JSON.stringify(text('SAME')), JSON.stringify(text('EXPLICIT'))),
      /padding.*received EXPLICIT/,
    ],
    [
      'another layout',
      changed(JSON.stringify(text('NHWC')), JSON.stringify(text('NCHW'))),
      /data_format.*received NCHW/,
    ],
    ['a second output', operation('Relu', ['x:1']), /x:1/],
    ['a node that is not there', operation('Relu', ['z']), /node z/],
    ['an input that is not there', operation('Relu', []), /Relu y: expected an input 0/],
    ['a filter that is computed', operation('Conv2D', ['x', 'x'], window('SAME')), /x to be a constant/],
    ['a size that is not known', changed('"size":"2"', '"size":"-1"'), /x to have a fixed shape/],
    ['weights that are missing', changed('"weights":[{"name":"w"', '"weights":[{"name":"v"'), /weights for w/],
    ['weights that are cut short', { ...good, bytes: Buffer.alloc(3) }, /at least 4 bytes of weights, received 3/],
    ['weights left over', { ...good, bytes: Buffer.alloc(8) }, /Expected 4 bytes of weights, received 8/],
    ['weights of another type', changed('"dtype":"float32"', '"dtype":"complex64"'), /w as int32.*received complex64/],
    ['a layers model', changed('graph-model', 'layers-model'), /graph model: format/],
    ['text that is no JSON', { ...good, json: '{' }, /graph model/],
  ])('%s', (_, model, message) => {
    expect(() => convert(model)).toThrow(
      expect.objectContaining({ code: 'invalid', message: expect.stringMatching(message) }),
    )
  })

  test('an output that is not there', () => {
    expect(() => convert(good, 'z')).toThrow(/node z/)
  })
})

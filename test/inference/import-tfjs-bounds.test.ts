import { InferenceSession, Tensor } from 'onnxruntime-node'
import { expect, test } from 'vitest'
import { convertGraphModel } from '../../engine/inference/import-tfjs.ts'

test('a converted model averages what lies between two bounds and drops rows and columns, of one picture where their number is open', async () => {
  const dim = ['-1', '2', '2', '2'].map((size) => ({ size }))
  const node = [
    { name: 'x', op: 'Placeholder', attr: { shape: { shape: { dim } }, dtype: { type: 'DT_FLOAT' } } },
    ...['axes', 'most', 'least'].map((name) => ({ name, op: 'Const' })),
    { name: 'low', op: 'Minimum', input: ['x', 'most'] },
    { name: 'held', op: 'Maximum', input: ['low', 'least'] },
    { name: 'y', op: 'Mean', input: ['held', 'axes'] },
  ]
  const weights = [
    { name: 'axes', shape: [2], dtype: 'int32' },
    { name: 'most', shape: [], dtype: 'float32' },
    { name: 'least', shape: [], dtype: 'float32' },
  ]
  const json = JSON.stringify({
    format: 'graph-model',
    modelTopology: { node },
    weightsManifest: [{ paths: [], weights }],
  })
  const bytes = Buffer.concat(
    [Int32Array.of(1, 2), Float32Array.of(6), Float32Array.of(3)].map((one) => Buffer.from(one.buffer)),
  )
  const session = await InferenceSession.create(convertGraphModel(json, bytes, ['y']), { logSeverityLevel: 3 })
  const x = new Tensor('float32', Float32Array.of(0, 1, 2, 3, 4, 5, 6, 7), [1, 2, 2, 2])
  const { 'output/y': answer } = await session.run({ x })
  await session.release()
  // Of the one channel 0 2 4 6 become 3 3 4 6, of the other 1 3 5 7 become 3 3 5 6.
  expect([answer!.dims, [...(answer!.data as Float32Array)]]).toEqual([
    [1, 2],
    [4, 4.25],
  ])
})

import { describe, expect, it } from 'vitest'
import { addon, type Tensor } from '../../engine/native/addon.ts'
import { randomNumbers } from '../support/random.ts'
import {
  decodeAnchorsInGraph,
  decodeInGraph,
  headTensor,
  matrixTensor,
  plainOptions,
  type RawHead,
  rawHead,
  rawStrides,
} from '../support/raw-heads.ts'

const classes = 5
const random = randomNumbers(7)
const logit = () => random() * 8 - 6

function boxHeads(): RawHead[] {
  return rawStrides.map((stride) => rawHead(stride, 64 + classes, (i) => (i < 64 ? random() * 4 : logit())))
}

function poseHeads(): RawHead[] {
  const value = (i: number) => (i < 64 ? random() * 4 : i === 64 ? logit() + 2 : random() * 2 - 0.5)
  return rawStrides.map((stride) => rawHead(stride, 64 + 1 + 51, value))
}

/** Both as rows; a value may differ by the rounding of float32. */
function expectSameRows(kernel: string, tensors: readonly Tensor[], inGraph: string, rows: readonly number[][]): void {
  const first = inGraph === 'yolo-v5' ? 'places' : 'features'
  const expected = addon().decode([matrixTensor(rows, first)], plainOptions(inGraph))
  const received = addon().decode(tensors, plainOptions(kernel))
  expect(expected.length).toBeGreaterThan(4 * addon().decodeWidth(kernel))
  expect(received.length).toBe(expected.length)
  for (const [i, value] of expected.entries()) expect(Math.abs((received[i] ?? NaN) - value)).toBeLessThan(2e-3)
}

describe('raw heads', () => {
  it.each(['nchw', 'nhwc'] as const)('of YOLOv8 apart in %s give what the graph would have decoded', (layout) => {
    const heads = boxHeads()
    const tensors = heads.flatMap((head) => [
      headTensor(head, layout, 0, 64),
      headTensor(head, layout, 64, 64 + classes),
    ])
    const rows = heads.flatMap((head) => decodeInGraph(head, classes))
    expectSameRows('yolo-v8-raw', tensors, 'yolo-v8', rows)
    expectSameRows('yolo-v8-raw', tensors.reverse(), 'yolo-v8', rows)
  })

  it.each(['nchw', 'nhwc'] as const)('of YOLOv8 joined in %s give what the graph would have decoded', (layout) => {
    const heads = boxHeads()
    const tensors = heads.map((head) => headTensor(head, layout, 0, 64 + classes))
    expectSameRows(
      'yolo-v8-raw',
      tensors,
      'yolo-v8',
      heads.flatMap((head) => decodeInGraph(head, classes)),
    )
  })

  it.each(['nchw', 'nhwc'] as const)('of YOLOv8-pose in %s give what the graph would have decoded', (layout) => {
    const heads = poseHeads()
    const tensors = heads.flatMap((head) => [
      headTensor(head, layout, 0, 64),
      headTensor(head, layout, 64, 65),
      headTensor(head, layout, 65, 116),
    ])
    expectSameRows(
      'yolo-v8-pose-raw',
      tensors,
      'yolo-v8-pose',
      heads.flatMap((head) => decodeInGraph(head, 1)),
    )
  })

  it.each(['nchw', 'nhwc'] as const)('of YOLOv5 in %s give what the graph would have decoded', (layout) => {
    const heads = rawStrides.map((stride) => rawHead(stride, 3 * (5 + classes), () => random() * 6 - 3))
    const tensors = heads.map((head) => headTensor(head, layout, 0, 3 * (5 + classes)))
    expectSameRows('yolo-v5-raw', tensors, 'yolo-v5', heads.flatMap(decodeAnchorsInGraph))
  })

  it('of YOLOv5 with an axis for the anchors give what the graph would have decoded', () => {
    const features = 5 + classes
    const heads = rawStrides.map((stride) => rawHead(stride, 3 * features, () => random() * 6 - 3))
    const tensors = heads.map((head): Tensor => {
      const anchors = [0, 1, 2].map((i) => headTensor(head, 'nhwc', i * features, (i + 1) * features))
      const data = Float32Array.from(anchors.flatMap((anchor) => [...anchor.data]))
      return { data, shape: [1, 3, head.rows, head.columns, features] }
    })
    expectSameRows('yolo-v5-raw', tensors, 'yolo-v5', heads.flatMap(decodeAnchorsInGraph))
  })
})

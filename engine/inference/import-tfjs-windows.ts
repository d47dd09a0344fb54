import { type GraphNode, numbersOf, textOf, textsOf } from './import-tfjs-graph.ts'
import { constantOf, fourOf, needed, storeFloats, transpose, unknownForm } from './import-tfjs-values.ts'
import type { OnnxWriter, Value } from './import-tfjs-writer.ts'

/** A convolution, depthwise or not, with the bias and the activation that were fused into it. */
export function convolution(node: GraphNode, inputs: readonly Value[], writer: OnnxWriter): Value {
  const [input, filter] = [needed(node, inputs, 0), needed(node, inputs, 1)]
  const depthwise = node.op.includes('Depthwise')
  const [rows, columns, channels, last] = fourOf(node, filter.shape)
  const operations = textsOf(node, 'fused_ops')
  const hasBias = operations[0] === 'BiasAdd'
  const activation = operations[hasBias ? 1 : 0]
  const window = windowOf(node, input.shape, [rows, columns])
  const count = depthwise ? channels * last : last
  const names = [writer.nchw(input), storeFilter(filter, depthwise, writer)]
  if (hasBias) names.push(storeFloats(needed(node, inputs, 2), writer))
  const name = activation === undefined ? node.name : `${node.name}/linear`
  const attributes = { ...window.attributes, dilations: window.dilations, group: depthwise ? channels : 1 }
  writer.add({ type: 'Conv', inputs: names, output: name, attributes })
  const [batch = 1] = input.shape
  const value: Value = { name, shape: [batch, ...window.size, count], layout: 'nchw', dtype: 'float32' }
  return activation === undefined ? value : activate(node, activation, value, writer)
}

function activate(node: GraphNode, activation: string, value: Value, writer: OnnxWriter): Value {
  if (activation === 'Relu6') return clip(node.name, value, writer)
  if (activation !== 'Relu') throw unknownForm(node, 'fused operation Relu or Relu6', activation)
  writer.add({ type: 'Relu', inputs: [value.name], output: node.name })
  return { ...value, name: node.name }
}

/** Cuts at 0 and 6: ReLU6. `output` names the result. */
export function clip(output: string, value: Value, writer: OnnxWriter): Value {
  const bounds = [0, 6].map((bound) => writer.store(`clip/${bound}`, [], () => Float32Array.of(bound)))
  writer.add({ type: 'Clip', inputs: [value.name, ...bounds], output })
  return { ...value, name: output }
}

/** Rows × columns of a filter, stored as ONNX wants it: [outputs, inputs per group, rows, columns]. */
function storeFilter(filter: Value, depthwise: boolean, writer: OnnxWriter): string {
  const [rows = 1, columns = 1, channels = 1, last = 1] = filter.shape
  const weights = Float32Array.from(constantOf(filter))
  const outer = depthwise ? channels * last : last
  const inner = depthwise ? 1 : channels
  return writer.store(`${filter.name}/oihw`, [outer, inner, rows, columns], () =>
    transpose(weights, [rows * columns, channels, last], depthwise ? [1, 2, 0] : [2, 1, 0]),
  )
}

interface Window {
  /** Rows and columns of the output. */
  readonly size: readonly [number, number]
  readonly attributes: { readonly kernel_shape: number[]; readonly strides: number[]; readonly pads: number[] }
  readonly dilations: number[]
}

/** A sliding window's output size and its padding, which for SAME is one larger at the end where it is odd. */
function windowOf(node: GraphNode, shape: readonly number[], kernel: readonly [number, number]): Window {
  const [, inputRows, inputColumns] = fourOf(node, shape)
  const [strides, dilations] = [innerPair(node, 'strides'), innerPair(node, 'dilations')]
  const padding = textOf(node, 'padding')
  if (padding !== 'SAME' && padding !== 'VALID') throw unknownForm(node, 'padding SAME or VALID', padding)
  const format = textOf(node, 'data_format') || 'NHWC'
  if (format !== 'NHWC') throw unknownForm(node, 'data_format NHWC', format)
  const reach = (axis: 0 | 1) => (kernel[axis] - 1) * dilations[axis] + 1
  const vertical = place(inputRows, reach(0), strides[0], padding)
  const horizontal = place(inputColumns, reach(1), strides[1], padding)
  const pads = [vertical.before, horizontal.before, vertical.after, horizontal.after]
  return {
    size: [vertical.size, horizontal.size],
    attributes: { kernel_shape: [...kernel], strides: [...strides], pads },
    dilations: [...dilations],
  }
}

/** How often a window fits along one axis, and how much padding that needs before and after. */
function place(length: number, reach: number, stride: number, padding: 'SAME' | 'VALID') {
  if (padding === 'VALID') return { size: Math.ceil((length - reach + 1) / stride), before: 0, after: 0 }
  const size = Math.ceil(length / stride)
  const total = Math.max((size - 1) * stride + reach - length, 0)
  return { size, before: Math.floor(total / 2), after: Math.ceil(total / 2) }
}

/** Rows and columns of an attribute given as [1, rows, columns, 1]; 1 × 1 where it is left out. */
function innerPair(node: GraphNode, key: string): readonly [number, number] {
  const values = numbersOf(node, key)
  if (values.length === 0) return [1, 1]
  const [batch, rows, columns, channels] = fourOf(node, values)
  if (batch !== 1 || channels !== 1) throw unknownForm(node, `${key} [1, rows, columns, 1]`, `[${values.join(', ')}]`)
  return [rows, columns]
}

/** The greatest value of each window and channel. */
export function maxPool(node: GraphNode, inputs: readonly Value[], writer: OnnxWriter): Value {
  const input = needed(node, inputs, 0)
  const { size, attributes } = windowOf(node, input.shape, innerPair(node, 'ksize'))
  writer.add({ type: 'MaxPool', inputs: [writer.nchw(input)], output: node.name, attributes })
  const [batch, , , channels] = fourOf(node, input.shape)
  return { ...input, name: node.name, shape: [batch, ...size, channels], layout: 'nchw' }
}

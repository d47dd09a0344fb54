import { EngineError } from '../errors.ts'
import { flagOf, type GraphNode, numbersOf, shapeOf, textOf, textsOf } from './import-tfjs-graph.ts'
import type { OnnxWriter, Value } from './import-tfjs-writer.ts'

/** Turns one node into ONNX operations, and gives its output. Throws `invalid` for a form that it does not know. */
type Conversion = (node: GraphNode, inputs: readonly Value[], writer: OnnxWriter) => Value

/** Where TensorFlow's dimensions lie in NCHW memory. */
const nchwAxis = [0, 2, 3, 1] as const

/** What is converted, by TensorFlow's name of the operation. */
export const conversions: Readonly<Record<string, Conversion>> = {
  Placeholder: placeholder,
  _FusedConv2D: convolution,
  Conv2D: convolution,
  FusedDepthwiseConv2dNative: convolution,
  DepthwiseConv2dNative: convolution,
  Add: elementwise('Add'),
  AddV2: elementwise('Add'),
  Sub: elementwise('Sub'),
  Mul: elementwise('Mul'),
  Equal: elementwise('Equal'),
  Relu: elementwise('Relu'),
  Sigmoid: elementwise('Sigmoid'),
  Relu6: (node, inputs, writer) => clip(node.name, needed(node, inputs, 0), writer),
  Mean: mean,
  ResizeBilinear: resizeBilinear,
  ConcatV2: concat,
  MaxPool: maxPool,
  Cast: cast,
  Identity: (node, inputs) => needed(node, inputs, 0),
  ExpandDims: expandDims,
  Squeeze: (node, inputs, writer) => squeeze(node, numbersOf(node, 'squeeze_dims'), needed(node, inputs, 0), writer),
  Unpack: unpack,
}

function placeholder(node: GraphNode, _inputs: readonly Value[], writer: OnnxWriter): Value {
  const shape = shapeOf(node)
  writer.input(node.name, shape)
  return { name: node.name, shape, layout: 'plain', dtype: 'float32' }
}

function convolution(node: GraphNode, inputs: readonly Value[], writer: OnnxWriter): Value {
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

function clip(output: string, value: Value, writer: OnnxWriter): Value {
  const bounds = [0, 6].map((bound) => writer.store(`clip/${bound}`, [], () => Float32Array.of(bound)))
  writer.add({ type: 'Clip', inputs: [value.name, ...bounds], output })
  return { ...value, name: output }
}

/** Rows × columns of a filter, stored as ONNX wants it: [outputs, inputs per group, rows, columns]. */
function storeFilter(filter: Value, depthwise: boolean, writer: OnnxWriter): string {
  const { constant, name } = filter
  const [rows = 1, columns = 1, channels = 1, last = 1] = filter.shape
  if (!(constant instanceof Float32Array)) throw notConstant(name)
  const outer = depthwise ? channels * last : last
  const inner = depthwise ? 1 : channels
  return writer.store(`${name}/oihw`, [outer, inner, rows, columns], () => {
    // Both forms come down to this: memory [rows × columns, r] to [r, rows × columns], a full filter's r = inputs × outputs turned too.
    const turned = transpose(constant, [rows * columns, channels, last], depthwise ? [1, 2, 0] : [2, 1, 0])
    return turned
  })
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
  const [vertical, horizontal] = ([inputRows, inputColumns] as const).map((length, i) => {
    const reach = (kernel[i]! - 1) * dilations[i]! + 1
    const stride = strides[i]!
    if (padding === 'VALID') return { size: Math.ceil((length - reach + 1) / stride), before: 0, after: 0 }
    const size = Math.ceil(length / stride)
    const total = Math.max((size - 1) * stride + reach - length, 0)
    return { size, before: Math.floor(total / 2), after: Math.ceil(total / 2) }
  })
  const pads = [vertical!.before, horizontal!.before, vertical!.after, horizontal!.after]
  return {
    size: [vertical!.size, horizontal!.size],
    attributes: { kernel_shape: [...kernel], strides: [...strides], pads },
    dilations: [...dilations],
  }
}

/** Rows and columns of an attribute given as [1, rows, columns, 1]; 1 × 1 where it is left out. */
function innerPair(node: GraphNode, key: string): readonly [number, number] {
  const values = numbersOf(node, key)
  if (values.length === 0) return [1, 1]
  const [batch, rows, columns, channels] = fourOf(node, values)
  if (batch !== 1 || channels !== 1) throw unknownForm(node, `${key} [1, rows, columns, 1]`, `[${values.join(', ')}]`)
  return [rows, columns]
}

function maxPool(node: GraphNode, inputs: readonly Value[], writer: OnnxWriter): Value {
  const input = needed(node, inputs, 0)
  const { size, attributes } = windowOf(node, input.shape, innerPair(node, 'ksize'))
  writer.add({ type: 'MaxPool', inputs: [writer.nchw(input)], output: node.name, attributes })
  const [batch, , , channels] = fourOf(node, input.shape)
  return { ...input, name: node.name, shape: [batch, ...size, channels], layout: 'nchw' }
}

function elementwise(type: string): Conversion {
  return (node, inputs, writer) => {
    needed(node, inputs, 0)
    const layout = inputs.some((input) => input.layout === 'nchw') ? 'nchw' : 'plain'
    const names = inputs.map((input) => operand(input, layout, writer))
    writer.add({ type, inputs: names, output: node.name })
    const shape = broadcast(node, inputs)
    return { name: node.name, shape, layout, dtype: type === 'Equal' ? 'bool' : 'float32' }
  }
}

function operand(value: Value, layout: Value['layout'], writer: OnnxWriter): string {
  const { constant, name, shape } = value
  if (constant === undefined) return layout === 'nchw' ? writer.nchw(value) : writer.plain(value)
  if (layout === 'plain' || shape.length === 0) return storeFloats(value, writer)
  const [batch = 1, rows = 1, columns = 1, channels = 1] = [...Array(4 - shape.length).fill(1), ...shape] as number[]
  return writer.store(`${name}/nchw`, [batch, channels, rows, columns], () =>
    transpose(Float32Array.from(constant), [batch, rows * columns, channels], [0, 2, 1]),
  )
}

function broadcast(node: GraphNode, values: readonly Value[]): number[] {
  const rank = Math.max(...values.map(({ shape }) => shape.length))
  return Array.from({ length: rank }, (_, i) => {
    const sizes = values.map(({ shape }) => shape[shape.length - rank + i] ?? 1)
    const size = Math.max(...sizes)
    if (sizes.every((other) => other === size || other === 1)) return size
    throw unknownForm(node, 'inputs of one size', values.map(({ shape }) => `[${shape.join(', ')}]`).join(' and '))
  })
}

function mean(node: GraphNode, inputs: readonly Value[], writer: OnnxWriter): Value {
  const input = needed(node, inputs, 0)
  const axes = [...constantOf(needed(node, inputs, 1))].map((axis) => (axis + input.shape.length) % input.shape.length)
  if (!flagOf(node, 'keep_dims') || axes.sort().join() !== '1,2')
    throw unknownForm(node, 'rows and columns, kept', axes.join())
  writer.add({ type: 'GlobalAveragePool', inputs: [writer.nchw(input)], output: node.name })
  const [batch, , , channels] = fourOf(node, input.shape)
  return { ...input, name: node.name, shape: [batch, 1, 1, channels], layout: 'nchw' }
}

function resizeBilinear(node: GraphNode, inputs: readonly Value[], writer: OnnxWriter): Value {
  const input = needed(node, inputs, 0)
  const [rows = 1, columns = 1] = constantOf(needed(node, inputs, 1))
  const [batch, , , channels] = fourOf(node, input.shape)
  const halfPixel = flagOf(node, 'half_pixel_centers') ? 'half_pixel' : 'asymmetric'
  const mode = flagOf(node, 'align_corners') ? 'align_corners' : halfPixel
  const sizes = writer.store(`${node.name}/sizes`, [4], () =>
    BigInt64Array.from([batch, channels, rows, columns].map((size) => BigInt(size))),
  )
  const attributes = { mode: 'linear', coordinate_transformation_mode: mode }
  writer.add({ type: 'Resize', inputs: [writer.nchw(input), '', '', sizes], output: node.name, attributes })
  return { ...input, name: node.name, shape: [batch, rows, columns, channels], layout: 'nchw' }
}

function concat(node: GraphNode, inputs: readonly Value[], writer: OnnxWriter): Value {
  const parts = inputs.slice(0, -1)
  const first = needed(node, parts, 0)
  const [given = 0] = constantOf(needed(node, inputs, inputs.length - 1))
  const axis = (given + first.shape.length) % first.shape.length
  const attributes = { axis: nchwAxis[axis] ?? axis }
  writer.add({ type: 'Concat', inputs: parts.map((part) => writer.nchw(part)), output: node.name, attributes })
  const total = parts.reduce((sum, { shape }) => sum + (shape[axis] ?? 0), 0)
  return { ...first, name: node.name, shape: first.shape.with(axis, total), layout: 'nchw' }
}

function cast(node: GraphNode, inputs: readonly Value[], writer: OnnxWriter): Value {
  const input = needed(node, inputs, 0)
  // The network's own input is float32 here whatever it was, so a cast of it does nothing.
  if (input.dtype === 'float32') return input
  const onnxFloat = 1
  writer.add({ type: 'Cast', inputs: [input.name], output: node.name, attributes: { to: onnxFloat } })
  return { ...input, name: node.name, dtype: 'float32' }
}

function expandDims(node: GraphNode, inputs: readonly Value[], writer: OnnxWriter): Value {
  const input = needed(node, inputs, 0)
  const [given = 0] = constantOf(needed(node, inputs, 1))
  const rank = input.shape.length + 1
  const axis = (given + rank) % rank
  const axes = storeAxes([axis], writer)
  writer.add({ type: 'Unsqueeze', inputs: [writer.plain(input), axes], output: node.name })
  return { ...input, name: node.name, shape: input.shape.toSpliced(axis, 0, 1), layout: 'plain' }
}

function unpack(node: GraphNode, inputs: readonly Value[], writer: OnnxWriter): Value {
  const input = needed(node, inputs, 0)
  const axis = node.attributes.axis?.i ?? 0
  if (input.shape[axis] !== 1) throw unknownForm(node, 'one part', `${input.shape[axis]}`)
  return squeeze(node, [axis], input, writer)
}

function squeeze(node: GraphNode, axes: readonly number[], input: Value, writer: OnnxWriter): Value {
  writer.add({ type: 'Squeeze', inputs: [writer.plain(input), storeAxes(axes, writer)], output: node.name })
  const shape = input.shape.filter((_, axis) => !axes.includes(axis))
  return { ...input, name: node.name, shape, layout: 'plain' }
}

function storeAxes(axes: readonly number[], writer: OnnxWriter): string {
  return writer.store(`axes/${axes.join(',')}`, [axes.length], () =>
    BigInt64Array.from(axes.map((axis) => BigInt(axis))),
  )
}

function storeFloats(value: Value, writer: OnnxWriter): string {
  const values = constantOf(value)
  return writer.store(value.name, value.shape, () => Float32Array.from(values))
}

function constantOf(value: Value): Float32Array | Int32Array {
  if (value.constant === undefined) throw notConstant(value.name)
  return value.constant
}

/** Three-dimensional values in another order of dimensions: dimension i of the result is dimension order[i] of the source. */
function transpose(values: Float32Array, sizes: readonly number[], order: readonly number[]): Float32Array {
  const [, second = 1, third = 1] = sizes
  const step = [second * third, third, 1]
  const [a = 1, b = 1, c = 1] = order.map((axis) => sizes[axis]!)
  const [stepA = 1, stepB = 1, stepC = 1] = order.map((axis) => step[axis]!)
  const result = new Float32Array(values.length)
  let at = 0
  for (let i = 0; i < a; i++)
    for (let j = 0; j < b; j++) for (let k = 0; k < c; k++) result[at++] = values[i * stepA + j * stepB + k * stepC]!
  return result
}

function fourOf(node: GraphNode, values: readonly number[]): [number, number, number, number] {
  if (values.length === 4) return values as unknown as [number, number, number, number]
  throw unknownForm(node, 'four dimensions', `[${values.join(', ')}]`)
}

function needed(node: GraphNode, inputs: readonly Value[], index: number): Value {
  const input = inputs[index]
  if (input !== undefined) return input
  throw unknownForm(node, `an input ${index}`, `${inputs.length} inputs`)
}

function notConstant(name: string): EngineError {
  return new EngineError('invalid', `Expected ${name} to be a constant`)
}

function unknownForm(node: GraphNode, expected: string, received: string): EngineError {
  return new EngineError('invalid', `${node.op} ${node.name}: expected ${expected}, received ${received}`)
}

import { flagOf, type GraphNode, numbersOf, shapeOf } from './import-tfjs-graph.ts'
import { constantOf, fourOf, needed, storeFloats, transpose, unknownForm } from './import-tfjs-values.ts'
import { clip, convolution, maxPool } from './import-tfjs-windows.ts'
import type { OnnxWriter, Value } from './import-tfjs-writer.ts'

/** Turns one node into ONNX operations, and gives its output. Throws `invalid` for a form that it does not know. */
type Conversion = (node: GraphNode, inputs: readonly Value[], writer: OnnxWriter) => Value

/** Where TensorFlow's dimensions lie in NCHW memory. */
const nchwAxis = [0, 2, 3, 1] as const

/** What is converted, by TensorFlow's name of the operation. */
const table: Readonly<Record<string, Conversion>> = {
  Placeholder: placeholder,
  _FusedConv2D: convolution,
  Conv2D: convolution,
  FusedDepthwiseConv2dNative: convolution,
  DepthwiseConv2dNative: convolution,
  Add: elementwise('Add'),
  AddV2: elementwise('Add'),
  Sub: elementwise('Sub'),
  Mul: elementwise('Mul'),
  Minimum: elementwise('Min'),
  Maximum: elementwise('Max'),
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

/** The conversion of an operation; undefined for one that we do not know. */
export function conversionOf(operation: string): Conversion | undefined {
  return Object.hasOwn(table, operation) ? table[operation] : undefined
}

function placeholder(node: GraphNode, _inputs: readonly Value[], writer: OnnxWriter): Value {
  const shape = shapeOf(node)
  writer.input(node.name, shape)
  return { name: node.name, shape, layout: 'plain', dtype: 'float32' }
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
  if (axes.sort().join() !== '1,2') throw unknownForm(node, 'rows and columns', axes.join())
  const [batch, , , channels] = fourOf(node, input.shape)
  if (flagOf(node, 'keep_dims')) {
    writer.add({ type: 'GlobalAveragePool', inputs: [writer.nchw(input)], output: node.name })
    return { ...input, name: node.name, shape: [batch, 1, 1, channels], layout: 'nchw' }
  }
  writer.add({ type: 'GlobalAveragePool', inputs: [writer.nchw(input)], output: `${node.name}/kept` })
  const rowsAndColumns = storeAxes([2, 3], writer)
  writer.add({ type: 'Squeeze', inputs: [`${node.name}/kept`, rowsAndColumns], output: node.name })
  return { ...input, name: node.name, shape: [batch, channels], layout: 'plain' }
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

import { z } from 'zod'
import { EngineError, messageOf } from '../errors.ts'

const wholeNumber = z.coerce.number().int()
const attributeSchema = z.looseObject({
  s: z.string().optional(),
  i: wholeNumber.optional(),
  b: z.boolean().optional(),
  shape: z.looseObject({ dim: z.array(z.looseObject({ size: wholeNumber })).optional() }).optional(),
  list: z.looseObject({ s: z.array(z.string()).optional(), i: z.array(wholeNumber).optional() }).optional(),
})
const nodeSchema = z.looseObject({
  name: z.string(),
  op: z.string(),
  input: z.array(z.string()).default([]),
  attr: z.record(z.string(), attributeSchema).default({}),
})
const weightSchema = z.looseObject({
  name: z.string(),
  shape: z.array(z.number().int().min(0)),
  dtype: z.string(),
  quantization: z.looseObject({ dtype: z.string() }).optional(),
})
const modelSchema = z.looseObject({
  format: z.literal('graph-model'),
  modelTopology: z.looseObject({ node: z.array(nodeSchema) }),
  weightsManifest: z.array(z.looseObject({ weights: z.array(weightSchema) })),
})
type WeightSpec = z.output<typeof weightSchema>

/** A weight with float16 widened; `data` has its own memory. */
export interface Weight {
  readonly shape: readonly number[]
  readonly data: Float32Array | Int32Array
}

/** One operation of a TensorFlow graph. `inputs` are names of nodes, control inputs left out. */
export interface GraphNode {
  readonly name: string
  readonly op: string
  readonly inputs: readonly string[]
  readonly attributes: Readonly<Record<string, z.output<typeof attributeSchema>>>
}

/** A TensorFlow graph and its constants, by the names of their nodes. */
export interface GraphModel {
  readonly nodes: ReadonlyMap<string, GraphNode>
  readonly weights: ReadonlyMap<string, Weight>
}

/** Reads a TensorFlow.js graph model: its JSON, and the bytes of its weight file. Throws `invalid`, naming the part. */
export function readGraphModel(json: string, bytes: Uint8Array): GraphModel {
  const parsed = modelSchema.safeParse(parseJson(json))
  if (!parsed.success) {
    const [issue] = parsed.error.issues
    throw new EngineError(
      'invalid',
      `Expected a TensorFlow.js graph model: ${issue?.path.join('.')}: ${issue?.message}`,
    )
  }
  const nodes = parsed.data.modelTopology.node.map(({ name, op, input, attr }) => {
    const inputs = input
      .filter((reference) => !reference.startsWith('^'))
      .map((reference) => firstOutput(reference, name))
    return [name, { name, op, inputs, attributes: attr }] as const
  })
  const specs = parsed.data.weightsManifest.flatMap((group) => group.weights)
  return { nodes: new Map(nodes), weights: readWeights(specs, bytes) }
}

/** A text attribute, as `padding`. */
export function textOf(node: GraphNode, key: string): string {
  return decodeText(node.attributes[key]?.s ?? '')
}

/** A list of texts, as `fused_ops`. */
export function textsOf(node: GraphNode, key: string): string[] {
  return (node.attributes[key]?.list?.s ?? []).map(decodeText)
}

/** A list of whole numbers, as `strides`. */
export function numbersOf(node: GraphNode, key: string): readonly number[] {
  return node.attributes[key]?.list?.i ?? []
}

/** A truth value, as `keep_dims`; false where it is left out. */
export function flagOf(node: GraphNode, key: string): boolean {
  return node.attributes[key]?.b ?? false
}

/** The sizes of a placeholder. Throws `invalid` for one that is not known beforehand. */
export function shapeOf(node: GraphNode): readonly number[] {
  const sizes = node.attributes.shape?.shape?.dim?.map((dimension) => dimension.size) ?? []
  // One picture at a time.
  if ((sizes[0] ?? 0) < 0) sizes[0] = 1
  if (sizes.length > 0 && sizes.every((size) => size > 0)) return sizes
  throw new EngineError('invalid', `Expected ${node.name} to have a fixed shape, received [${sizes.join(', ')}]`)
}

function parseJson(json: string): unknown {
  try {
    return JSON.parse(json)
  } catch (error) {
    throw new EngineError('invalid', `Expected a TensorFlow.js graph model: ${messageOf(error)}`, { cause: error })
  }
}

function firstOutput(reference: string, reader: string): string {
  const [name = '', output = '0'] = reference.split(':')
  if (output === '0') return name
  // Kept as written: no node has this name, so that only a graph that really reads it fails.
  return `${name}:${output} (read by ${reader})`
}

function decodeText(base64: string): string {
  return Buffer.from(base64, 'base64').toString('latin1')
}

function readWeights(specs: readonly WeightSpec[], bytes: Uint8Array): Map<string, Weight> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const weights = new Map<string, Weight>()
  let offset = 0
  for (const spec of specs) {
    const count = spec.shape.reduce((product, size) => product * size, 1)
    const end = offset + count * bytesPerValue(spec)
    if (end > bytes.byteLength) throw wrongSize(`at least ${end}`, bytes)
    weights.set(spec.name, { shape: spec.shape, data: readValues(spec, view, offset, count) })
    offset = end
  }
  if (offset !== bytes.byteLength) throw wrongSize(`${offset}`, bytes)
  return weights
}

function wrongSize(expected: string, bytes: Uint8Array): EngineError {
  return new EngineError('invalid', `Expected ${expected} bytes of weights, received ${bytes.byteLength}`)
}

function bytesPerValue(spec: WeightSpec): number {
  return spec.quantization === undefined ? 4 : 2
}

function readValues(spec: WeightSpec, view: DataView, offset: number, count: number): Float32Array | Int32Array {
  const stored = spec.quantization?.dtype ?? spec.dtype
  const values = stored === 'int32' ? new Int32Array(count) : new Float32Array(count)
  if (stored === 'int32') for (let i = 0; i < count; i++) values[i] = view.getInt32(offset + 4 * i, true)
  else if (stored === 'float32') for (let i = 0; i < count; i++) values[i] = view.getFloat32(offset + 4 * i, true)
  else if (stored === 'float16')
    for (let i = 0; i < count; i++) values[i] = fromHalf(view.getUint16(offset + 2 * i, true))
  else throw new EngineError('invalid', `Expected ${spec.name} as int32, float32 or float16, received ${stored}`)
  return values
}

/** IEEE 754 binary16: sign, 5 bits of exponent, 10 of mantissa. */
function fromHalf(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1
  const exponent = (bits >> 10) & 0x1f
  const mantissa = bits & 0x3ff
  if (exponent === 0) return sign * mantissa * 2 ** -24
  if (exponent === 0x1f) return mantissa === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN
  return sign * (1 + mantissa / 1024) * 2 ** (exponent - 15)
}

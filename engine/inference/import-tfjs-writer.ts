import onnxProto from 'onnx-proto'
import { EngineError } from '../errors.ts'

const { onnx } = onnxProto
const { DataType } = onnx.TensorProto
const { AttributeType } = onnx.AttributeProto

/** ONNX operator set 13 needs IR version 7. */
const operatorSet = 13
const irVersion = 7

/**
 * A tensor on its way through the conversion. `shape` is TensorFlow's; a value in `nchw` lies in memory with its second
 * to fourth dimensions as channels, rows, columns.
 */
export interface Value {
  readonly name: string
  readonly shape: readonly number[]
  readonly layout: 'plain' | 'nchw'
  readonly dtype: 'float32' | 'bool'
  /** Known beforehand: not a tensor of the network until something reads it. */
  readonly constant?: Float32Array | Int32Array
}

/** One ONNX node with one output. */
export interface Operation {
  readonly type: string
  readonly inputs: readonly string[]
  /** Name of its one output. */
  readonly output: string
  readonly attributes?: Readonly<Record<string, number | string | readonly number[]>>
}

/** The ONNX graph under construction. The same calls in the same order give the same bytes. */
export class OnnxWriter {
  readonly #nodes: InstanceType<typeof onnx.NodeProto>[] = []
  readonly #tensors: InstanceType<typeof onnx.TensorProto>[] = []
  readonly #inputs: InstanceType<typeof onnx.ValueInfoProto>[] = []
  readonly #outputs: InstanceType<typeof onnx.ValueInfoProto>[] = []
  readonly #derived = new Map<string, string>()

  input(name: string, shape: readonly number[]): void {
    this.#inputs.push(describe(name, shape))
  }

  output(name: string, shape: readonly number[]): void {
    this.#outputs.push(describe(name, shape))
  }

  add({ type, inputs, output, attributes = {} }: Operation): void {
    const attribute = Object.entries(attributes).map(([name, value]) => attributeOf(name, value))
    this.#nodes.push(
      onnx.NodeProto.create({ opType: type, name: output, input: [...inputs], output: [output], attribute }),
    )
  }

  /** Stores a constant under a name, once; gives the name. */
  store(name: string, shape: readonly number[], make: () => Float32Array | BigInt64Array): string {
    return this.once(name, () => {
      const values = make()
      const dataType = values instanceof Float32Array ? DataType.FLOAT : DataType.INT64
      const rawData = new Uint8Array(values.buffer, values.byteOffset, values.byteLength)
      this.#tensors.push(onnx.TensorProto.create({ name, dims: [...shape], dataType, rawData }))
    })
  }

  /** Runs `make` at the first call for a name only: for what several readers share. Gives the name. */
  once(name: string, make: () => void): string {
    if (!this.#derived.has(name)) {
      this.#derived.set(name, name)
      make()
    }
    return name
  }

  /** The value's name with its memory in NCHW order. Throws `invalid` for a value without four dimensions. */
  nchw(value: Value): string {
    if (value.layout === 'nchw') return value.name
    if (value.shape.length !== 4)
      throw new EngineError('invalid', `Expected ${value.name} with 4 dimensions, received [${value.shape.join(', ')}]`)
    const output = `${value.name}/nchw`
    return this.once(output, () =>
      this.add({ type: 'Transpose', inputs: [value.name], output, attributes: { perm: [0, 3, 1, 2] } }),
    )
  }

  /** The value's name with its memory in TensorFlow's order. */
  plain(value: Value): string {
    if (value.layout === 'plain') return value.name
    const output = `${value.name}/nhwc`
    return this.once(output, () =>
      this.add({ type: 'Transpose', inputs: [value.name], output, attributes: { perm: [0, 2, 3, 1] } }),
    )
  }

  /** The file's bytes. */
  finish(name: string): Uint8Array {
    const graph = onnx.GraphProto.create({
      name,
      node: this.#nodes,
      initializer: this.#tensors,
      input: this.#inputs,
      output: this.#outputs,
    })
    const model = onnx.ModelProto.create({
      irVersion,
      producerName: 'hailstream',
      opsetImport: [onnx.OperatorSetIdProto.create({ domain: '', version: operatorSet })],
      graph,
    })
    return onnx.ModelProto.encode(model).finish()
  }
}

function describe(name: string, shape: readonly number[]): InstanceType<typeof onnx.ValueInfoProto> {
  const dim = shape.map((dimValue) => ({ dimValue }))
  return onnx.ValueInfoProto.create({ name, type: { tensorType: { elemType: DataType.FLOAT, shape: { dim } } } })
}

function attributeOf(name: string, value: number | string | readonly number[]) {
  const { create } = onnx.AttributeProto
  if (typeof value === 'number') return create({ name, type: AttributeType.INT, i: value })
  if (typeof value === 'string') return create({ name, type: AttributeType.STRING, s: Buffer.from(value) })
  return create({ name, type: AttributeType.INTS, ints: [...value] })
}

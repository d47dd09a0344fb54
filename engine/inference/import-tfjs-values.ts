import { EngineError } from '../errors.ts'
import type { GraphNode } from './import-tfjs-graph.ts'
import type { OnnxWriter, Value } from './import-tfjs-writer.ts'

/** Stores a constant as float32 in TensorFlow's order; gives its name. */
export function storeFloats(value: Value, writer: OnnxWriter): string {
  const values = constantOf(value)
  return writer.store(value.name, value.shape, () => Float32Array.from(values))
}

/** The numbers of a value that is known beforehand. */
export function constantOf(value: Value): Float32Array | Int32Array {
  if (value.constant === undefined) throw new EngineError('invalid', `Expected ${value.name} to be a constant`)
  return value.constant
}

/** Three-dimensional values in another order of dimensions: dimension i of the result is dimension order[i] of the source. */
export function transpose(values: Float32Array, sizes: readonly number[], order: readonly number[]): Float32Array {
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

/** The four sizes of a tensor, a filter or a window. */
export function fourOf(node: GraphNode, values: readonly number[]): [number, number, number, number] {
  if (values.length === 4) return values as unknown as [number, number, number, number]
  throw unknownForm(node, 'four dimensions', `[${values.join(', ')}]`)
}

/** The node's input number `index`. */
export function needed(node: GraphNode, inputs: readonly Value[], index: number): Value {
  const input = inputs[index]
  if (input !== undefined) return input
  throw unknownForm(node, `an input ${index}`, `${inputs.length} inputs`)
}

/** The error of a node that is of a known operation, but of a form that we do not convert. */
export function unknownForm(node: GraphNode, expected: string, received: string): EngineError {
  return new EngineError('invalid', `${node.op} ${node.name}: expected ${expected}, received ${received}`)
}

import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { OnnxWriter } from '../../engine/inference/import-tfjs-writer.ts'

const side = 640
const pixels = 3 * side * side
const places = 8400
const values = 84 * places
/** So small that no place reaches a threshold. */
const scale = 1e-6

/** A folder with a file for `models.paths`; disposing deletes it. */
export interface ModelFolder extends AsyncDisposable {
  readonly path: string
  readonly file: string
}

/**
 * A network with YOLOv8n's name, input and output that takes about a millisecond: at 30 frames a second it never waits, so that
 * what a result's age is made of is everything but the network.
 */
export async function writeLightNetwork(): Promise<ModelFolder> {
  const path = await mkdtemp(join(tmpdir(), 'hailstream-light-'))
  const file = join(path, 'yolov8n.onnx')
  await writeFile(file, makeNetwork())
  return { path, file, [Symbol.asyncDispose]: () => rm(path, { recursive: true }) }
}

function makeNetwork(): Uint8Array {
  const writer = new OnnxWriter()
  const integers = (name: string, list: readonly number[]) =>
    writer.store(name, [list.length], () => BigInt64Array.from(list, BigInt))
  writer.input('images', [1, 3, side, side])
  writer.output('output0', [1, 84, places])
  writer.add({ type: 'Reshape', inputs: ['images', integers('flat', [1, pixels])], output: 'pixels' })
  const cut = [integers('from', [0]), integers('to', [values]), integers('axis', [1])]
  writer.add({ type: 'Slice', inputs: ['pixels', ...cut], output: 'some' })
  writer.add({ type: 'Reshape', inputs: ['some', integers('head', [1, 84, places])], output: 'large' })
  const factor = writer.store('scale', [1], () => Float32Array.of(scale))
  writer.add({ type: 'Mul', inputs: ['large', factor], output: 'output0' })
  return writer.finish('light')
}

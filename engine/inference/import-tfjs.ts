import { createHash } from 'node:crypto'
import { mkdir, readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { EngineError, messageOf } from '../errors.ts'
import { projectRoot } from '../root.ts'
import { loadCatalogue } from './catalogue.ts'
import type { CatalogueModel } from './catalogue-schema.ts'
import { type GraphModel, type GraphNode, readGraphModel } from './import-tfjs-graph.ts'
import { conversionOf } from './import-tfjs-operations.ts'
import { OnnxWriter, type Value } from './import-tfjs-writer.ts'
import { expectRoom, onDisk, writeWhole } from './whole-file.ts'

/** Counts up when the same source has to be converted anew, because this converter writes another file. */
const converterVersion = 1
const hashDigits = 12

/** A model that an installed package carries. */
type OnnxArtefact = NonNullable<CatalogueModel['onnx']>
export interface BundledModel extends CatalogueModel {
  readonly onnx: OnnxArtefact & { readonly bundled: NonNullable<OnnxArtefact['bundled']> }
}

/** Whether an installed package carries the model. */
export function isBundled(model: CatalogueModel): model is BundledModel {
  return model.onnx?.bundled !== undefined
}

/**
 * Turns a TensorFlow.js graph model into an ONNX file that ends at the nodes `outputs`, in that order. Input and outputs
 * keep TensorFlow's order of dimensions and are float32; what lies between is NCHW. The same source gives the same bytes.
 * Throws `invalid`, naming the operation or the part that it cannot convert.
 */
export function convertGraphModel(json: string, weights: Uint8Array, outputs: readonly string[]): Uint8Array {
  const model = readGraphModel(json, weights)
  const writer = new OnnxWriter()
  const values = new Map<string, Value>()
  for (const name of outputs) writeOutput(name, convertNode(name, model, values, writer), writer)
  return writer.finish('tfjs')
}

/** Converts every bundled model of the catalogue that is not there yet into `<stateFolder>/models`. */
export async function convertBundledModels(stateFolder: string, onProgress: (line: string) => void): Promise<void> {
  for (const model of loadCatalogue().models.filter(isBundled)) {
    const { path, converted } = await convertBundled(model, join(stateFolder, 'models'))
    if (converted) onProgress(`converted ${model.name} (${model.licence}) to ${path}`)
  }
}

/**
 * The ONNX file of a bundled model in `folder`, made now if it is not there. Its name holds a hash of the source, so that
 * another version of the package is converted anew; files of older versions go. Throws `unavailable` without the package, or
 * when the disk refuses it.
 */
export async function convertBundled(
  model: BundledModel,
  folder: string,
): Promise<{ path: string; converted: boolean }> {
  const { json, weights } = await readSource(model)
  const hash = createHash('sha256')
    .update(`${converterVersion} ${model.onnx.bundled.outputs.join(' ')}\n`)
    .update(json)
    .update(weights)
  const stem = bundledStem(model)
  const file = `${stem}-${hash.digest('hex').slice(0, hashDigits)}.onnx`
  const path = join(folder, file)
  const files = await onDisk(path, async () => {
    await mkdir(folder, { recursive: true })
    return readdir(folder)
  })
  const earlier = files.filter((name) => name.startsWith(`${stem}-`) && name.endsWith('.onnx'))
  if (earlier.includes(file)) return { path, converted: false }
  // Numbers only grow by the conversion, which takes a second or more.
  await expectRoom(path, weights.byteLength)
  await writeWhole(path, [convertGraphModel(json, weights, model.onnx.bundled.outputs)])
  for (const old of earlier) await rm(join(folder, old), { force: true })
  return { path, converted: true }
}

/** What the names of the model's converted files begin with; a hyphen and the source's hash follow. */
export function bundledStem({ name, onnx }: BundledModel): string {
  return onnx.files[0]?.name.replace(/\.onnx$/, '') ?? name
}

async function readSource({ name, onnx: { bundled } }: BundledModel): Promise<{ json: string; weights: Uint8Array }> {
  const stem = join(projectRoot, 'node_modules', bundled.package, bundled.model)
  try {
    return { json: await readFile(`${stem}.json`, 'utf8'), weights: await readFile(`${stem}.bin`) }
  } catch (error) {
    const message = `Expected ${name} in the package ${bundled.package}: ${messageOf(error)}. Run: npm run setup`
    throw new EngineError('unavailable', message, { cause: error })
  }
}

function convertNode(name: string, model: GraphModel, values: Map<string, Value>, writer: OnnxWriter): Value {
  const known = values.get(name)
  if (known !== undefined) return known
  const node = model.nodes.get(name)
  if (node === undefined) throw new EngineError('invalid', `Expected a node ${name} in the graph, found none`)
  const value = node.op === 'Const' ? constantOf(node, model) : convertOperation(node, model, values, writer)
  values.set(name, value)
  return value
}

function convertOperation(node: GraphNode, model: GraphModel, values: Map<string, Value>, writer: OnnxWriter): Value {
  const convert = conversionOf(node.op)
  if (convert === undefined)
    throw new EngineError('invalid', `Expected operations that can be converted, received ${node.op} (${node.name})`)
  const inputs = node.inputs.map((input) => convertNode(input, model, values, writer))
  return convert(node, inputs, writer)
}

function constantOf({ name }: GraphNode, { weights }: GraphModel): Value {
  const weight = weights.get(name)
  if (weight === undefined) throw new EngineError('invalid', `Expected weights for ${name}, found none`)
  return { name, shape: weight.shape, layout: 'plain', dtype: 'float32', constant: weight.data }
}

function writeOutput(name: string, value: Value, writer: OnnxWriter): void {
  const output = `output/${name}`
  writer.add({ type: 'Identity', inputs: [writer.plain(value)], output })
  writer.output(output, value.shape)
}

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse as parseYaml } from 'yaml'
import { z } from 'zod'
import { EngineError, messageOf } from '../errors.ts'
import { projectRoot } from '../root.ts'
import { labelSets } from './labels.ts'

const perChannel = z.tuple([z.number(), z.number(), z.number()])
const fraction = z.number().min(0).max(1)

const planSchema = z.strictObject({
  fit: z.enum(['letterbox', 'stretch']),
  /** Value 0 to 255 beside a letterboxed image, and outside of the image where a crop reaches over its edge. */
  pad: z.number().int().min(0).max(255),
  /** Per channel R, G, B, on values 0 to 255: output = (value − mean) × scale. */
  mean: perChannel.default([0, 0, 0]),
  scale: perChannel.default([1, 1, 1]),
  /** Name of a decode kernel of the addon. */
  kernel: z.string().min(1),
  /** Used where the one who asks does not say. */
  minScore: fraction,
  iou: fraction.default(0.45),
})

const entrySchema = z.strictObject({
  task: z.string().regex(/^[a-z][a-z0-9-]*$/),
  summary: z.string().min(1),
  licence: z.string().min(1),
  file: z.string().regex(/^[A-Za-z0-9._-]+\.onnx$/, 'Expected the name of an .onnx file, without a folder'),
  bytes: z.number().int().positive().optional(),
  sha256: z
    .string()
    .regex(/^[0-9a-f]{64}$/)
    .optional(),
  /** Where `pull` fetches it from, on request only. `verified`: a maintainer fetched it from there and ran it. */
  download: z.strictObject({ url: z.url({ protocol: /^https$/ }), verified: z.boolean() }).optional(),
  /** A TensorFlow.js graph model in an installed npm package; `outputs` are the nodes to end at, in the kernel's order. */
  bundled: z
    .strictObject({ package: z.string().min(1), model: z.string().min(1), outputs: z.array(z.string().min(1)).min(1) })
    .optional(),
  plan: planSchema,
  labels: z.enum(Object.keys(labelSets) as [keyof typeof labelSets, ...(keyof typeof labelSets)[]]),
  /** Asked once per object with this label that the task `task` found, on a square crop `expand` × the longer side of its box. */
  topDown: z.strictObject({ task: z.string(), label: z.string(), expand: z.number().min(1).max(4) }).optional(),
})

/** One model: what it answers, where it comes from, and what the addon does around it. `file` is its name wherever it lies. */
export interface ModelEntry extends Readonly<z.output<typeof entrySchema>> {
  readonly name: string
}

/** The models we know, in the order in which a task tries them. */
export interface Catalogue {
  readonly entries: readonly ModelEntry[]
  /** Throws `not-found`, naming the models there are. */
  entry(name: string): ModelEntry
  /** The models that answer a task, best first; empty for a task without any. */
  candidates(task: string): readonly ModelEntry[]
}

/** The name of class `index` of a model. Throws `internal` for a class that its label set lacks: catalogue and weights disagree. */
export function labelOf(entry: ModelEntry, index: number): string {
  const label = (labelSets[entry.labels] as readonly string[])[index]
  if (label === undefined)
    throw new EngineError(
      'internal',
      `Expected ${entry.name} to have a class ${index} in the label set ${entry.labels}`,
    )
  return label
}

/** The index of a label in the model's classes; −1 where it has no such class. */
export function classOf(entry: ModelEntry, label: string): number {
  return (labelSets[entry.labels] as readonly string[]).indexOf(label)
}

const defaultFile = join(projectRoot, 'engine/inference/models.yaml')

/** Reads and checks the catalogue. Throws `invalid`, naming the file and the place. */
export function loadCatalogue(file: string = defaultFile): Catalogue {
  return parseCatalogue(readFileSync(file, 'utf8'), file)
}

/** The catalogue written in `text`; `file` is for messages. Throws `invalid`. */
export function parseCatalogue(text: string, file: string): Catalogue {
  const parsed = z.record(z.string().regex(/^[a-z0-9][a-z0-9.-]*$/), entrySchema).safeParse(readYaml(text, file))
  if (!parsed.success) {
    const places = parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`)
    throw new EngineError('invalid', `${file}: ${places.join('; ')}`, { cause: parsed.error })
  }
  const entries = Object.entries(parsed.data).map(([name, entry]) => ({ name, ...entry }))
  checkTogether(entries, file)
  return {
    entries,
    entry: (name) => findEntry(entries, name),
    candidates: (task) => entries.filter((entry) => entry.task === task),
  }
}

function readYaml(text: string, file: string): unknown {
  try {
    return parseYaml(text)
  } catch (error) {
    throw new EngineError('invalid', `${file}: ${messageOf(error)}`, { cause: error })
  }
}

function checkTogether(entries: readonly ModelEntry[], file: string): void {
  const files = new Map<string, string>()
  for (const { name, file: artefact, download, bundled } of entries) {
    const other = files.get(artefact)
    if (other !== undefined)
      throw new EngineError('invalid', `${file}: ${name}.file: ${artefact} belongs to ${other} already`)
    if ((download === undefined) === (bundled === undefined))
      throw new EngineError('invalid', `${file}: ${name}: Expected either download or bundled`)
    files.set(artefact, name)
  }
}

function findEntry(entries: readonly ModelEntry[], name: string): ModelEntry {
  const entry = entries.find((candidate) => candidate.name === name)
  if (entry !== undefined) return entry
  const names = entries.map((candidate) => candidate.name).join(', ')
  throw new EngineError('not-found', `Expected a model of the catalogue (${names}), received ${name}`)
}

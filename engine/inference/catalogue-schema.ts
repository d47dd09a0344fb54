import { z } from 'zod'
import { labelSets } from './labels.ts'

/**
 * What can run a model: ONNX Runtime and the Hailo device in the vision host (the device also in the language host), llama.cpp, sherpa-onnx
 * and Piper in hosts of their own.
 */
export const backendNames = ['onnx', 'hailo', 'llama', 'sherpa', 'piper'] as const
export type BackendName = (typeof backendNames)[number]

const perChannel = z.tuple([z.number(), z.number(), z.number()])
const fraction = z.number().min(0).max(1)

const side = z.number().int().min(8).max(4096)

const planSchema = z.strictObject({
  /** `corner` is `letterbox` with all padding on the right or below. */
  fit: z.enum(['letterbox', 'stretch', 'corner']),
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
  /** Raw heads with their sigmoid compiled in: scores are probabilities already. */
  activated: z.boolean().optional(),
  /** How large the input is of a network that leaves its sides open: see `OpenSides`. */
  sides: z
    .union([
      z.strictObject({ most: side }),
      z.strictObject({ height: side, narrowest: side, widest: side }),
      z.strictObject({ width: side, height: side }),
    ])
    .optional(),
})

/** What a file is to an engine that takes several. */
const roles = [
  'encoder',
  'decoder',
  'cached-decoder',
  'joiner',
  'preprocessor',
  'tokens',
  'settings',
  'projector',
  'text',
] as const

const packagePath = /^(@[a-z0-9-]+\/)?[a-z0-9-]+(\/[A-Za-z0-9_][A-Za-z0-9._-]*)+$/

const fileSchema = z.strictObject({
  /** Its name wherever it lies: in `models.paths`, in the mirror and in our own folder. */
  name: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._+-]*$/, 'Expected the name of a file, without a folder'),
  /** Where `pull` fetches it from, on request only. Left out for what an installed package carries. */
  url: z.url({ protocol: /^https$/ }).optional(),
  bytes: z.number().int().positive().optional(),
  /** About how many bytes, where only a rounded number is published: for people, nothing is held to it. */
  about: z.number().int().positive().optional(),
  sha256: z
    .string()
    .regex(/^[0-9a-f]{64}$/)
    .optional(),
  /** Left out for the one that the engine is given first. */
  role: z.enum(roles).optional(),
  /** An installed npm package carries it as it is: where, below node_modules. It is taken from there when it is nowhere else. */
  carried: z.string().regex(packagePath, 'Expected package/path').optional(),
})

/** Files of another ending than the backend reads are a mistake in the catalogue. */
const filesEndingIn = (...endings: string[]) =>
  z
    .array(
      fileSchema.refine(({ name }) => endings.some((ending) => name.endsWith(ending)), {
        error: `Expected the name of a file that ends in ${endings.join(' or ')}`,
        path: ['name'],
      }),
    )
    .min(1)

/** A maintainer fetched the files from their addresses and ran them. */
const verified = z.boolean()

const onnxSchema = z.strictObject({
  files: filesEndingIn('.onnx'),
  verified: verified.optional(),
  /** A TensorFlow.js graph model in an installed npm package; `outputs` are the nodes to end at, in the kernel's order. */
  bundled: z
    .strictObject({ package: z.string().min(1), model: z.string().min(1), outputs: z.array(z.string().min(1)).min(1) })
    .optional(),
  /** Left out while no kernel reads its outputs. */
  plan: planSchema.optional(),
})

/** As the vendor's table gives it, measured on the vendor's own host: no promise for a Raspberry Pi. */
const figuresSchema = z.strictObject({
  /** Frames a second, one and eight at a time. */
  fps: z.number().positive().optional(),
  fps8: z.number().positive().optional(),
  loadSeconds: z.number().positive().optional(),
  firstTokenSeconds: z.number().positive().optional(),
  tokensPerSecond: z.number().positive().optional(),
})

const hailoSchema = z.strictObject({
  files: filesEndingIn('.hef'),
  verified,
  /** Of each file, or of each input of one: height × width × channels of images, or words where it is no image. */
  inputs: z.array(z.string().min(1)).min(1),
  /** What comes out, in the words of the vendor. */
  outputs: z.string().min(1),
  figures: figuresSchema.optional(),
  plan: planSchema.optional(),
  /** What a language model writes beside text; left out: nothing. `thinking`: it always does, before it answers. */
  writes: z.array(z.enum(['thinking', 'tool-calls'])).optional(),
})

const llamaSchema = z.strictObject({
  /** The weights, then a projector of images where there is one. */
  files: filesEndingIn('.gguf'),
  verified,
  /** The name by which an Ollama store holds the same weights. */
  ollama: z
    .string()
    .regex(/^[a-z0-9][a-z0-9._-]*(\/[a-z0-9._-]+)?:[A-Za-z0-9._-]+$/, 'Expected name:tag')
    .optional(),
})

/** What sherpa-onnx is to make of the files. */
const sherpaKinds = ['whisper', 'moonshine', 'transducer', 'keyword', 'speaker'] as const
const sherpaSchema = z.strictObject({ kind: z.enum(sherpaKinds), files: filesEndingIn('.onnx', '.txt'), verified })

const piperSchema = z.strictObject({
  /** The voice, then its settings. */
  files: filesEndingIn('.onnx', '.onnx.json').length(2),
  verified,
  /** As Piper writes it: language_REGION. */
  language: z.string().regex(/^[a-z]{2}_[A-Z]{2}$/),
})

export const modelSchema = z.strictObject({
  task: z.string().regex(/^[a-z][a-z0-9-]*$/),
  summary: z.string().min(1),
  /** Of the weights. */
  licence: z.string().min(3),
  labels: z.enum(Object.keys(labelSets) as [keyof typeof labelSets, ...(keyof typeof labelSets)[]]).optional(),
  /** A text file of an installed npm package with the names of the classes, one a line, below node_modules. */
  labelFile: z.string().regex(packagePath, 'Expected package/path').optional(),
  /** Asked once per object with this label that the task `task` found, on a square crop `expand` × the longer side of its box. */
  topDown: z.strictObject({ task: z.string(), label: z.string(), expand: z.number().min(1).max(4) }).optional(),
  onnx: onnxSchema.optional(),
  hailo: hailoSchema.optional(),
  llama: llamaSchema.optional(),
  sherpa: sherpaSchema.optional(),
  piper: piperSchema.optional(),
})

/** One file of a model. */
export type ModelFile = Readonly<z.output<typeof fileSchema>>
/** What the addon does around a network. */
export type ModelPlan = Readonly<z.output<typeof planSchema>>
/** What all kinds of artefact have; `verified` is left out where an installed package carries it. */
export interface Artefact {
  readonly files: readonly ModelFile[]
  readonly verified?: boolean | undefined
}

/** A model as the catalogue has it: what it answers, and its artefact per backend, at least one. */
export interface CatalogueModel extends Readonly<z.output<typeof modelSchema>> {
  readonly name: string
}

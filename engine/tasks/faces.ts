import { z } from 'zod'
import { type Crop, squareCrop } from '../inference/crop.ts'
import { defineVisionTask, type Step } from '../inference/vision-task.ts'

const landmarks = ['right_eye', 'left_eye', 'nose', 'right_mouth', 'left_mouth'] as const
const valuesBeforeLandmarks = 6
/**
 * Cosine of `faceres`’ vectors from which two faces are taken for the same one. Measured on ten faces of six people: of one person 0.63 or
 * more, of two people 0.55 or less.
 */
const defaultThreshold = 0.59

const options = z.strictObject({
  /** Of a face, 0 to 1; left out: the model's own. */
  minScore: z.number().min(0).max(1).optional(),
  /** The surest ones; each that is to be recognised is looked at by itself. */
  maxFaces: z.number().int().min(1).max(100).default(20),
  /** Say whose faces these are, of those that have a name. */
  recognise: z.boolean().default(true),
  /** Faces are taken for the one that is most like them from this similarity on, 0 to 1. */
  threshold: z.number().min(0).max(1).default(defaultThreshold),
  /** Give each face's vector, to be compared elsewhere. */
  embedding: z.boolean().default(false),
})
type Options = z.output<typeof options>

/** The vector of a face. Rows `[values × 1] float32`, of length 1. */
const embed: Step<Options> = {
  name: 'embed-face',
  models: ['faceres'],
  wanted: ({ recognise, embedding }, known) => embedding || (recognise && known?.knows('faceres') === true),
  plan: (_, { plan }) => ({ minScore: 0, iou: plan.iou, maxRows: 4096, classes: [] }),
  read: (rows, piece, { entry, options: { recognise, threshold, embedding }, knownFaces }) => {
    const found = recognise && rows.length > 0 ? knownFaces?.identify(entry.name, rows, threshold) : undefined
    const object = {
      ...piece.object,
      ...(found && { identity: found.name, similarity: found.similarity }),
      ...(embedding && rows.length > 0 && { embedding: { model: entry.name, values: [...rows] } }),
    }
    return { ...piece, object }
  },
}

/** Faces. A row is `[16] float32: x1 y1 x2 y2 score class`, then 5 × (x y): eyes, nose, corners of the mouth, those on the picture's left, which are the person's right, first. */
export default defineVisionTask({
  name: 'faces',
  summary: 'Faces with five landmarks each, and whose they are.',
  models: ['scrfd-10g', 'scrfd-500m', 'scrfd-500m-bnkps'],
  options,
  plan: ({ minScore, maxFaces }, { plan }) => ({
    minScore: minScore ?? plan.minScore,
    iou: plan.iou,
    maxRows: maxFaces,
    classes: [],
  }),
  read: (row) => {
    const [x1, y1, x2, y2, confidence] = row as unknown as [number, number, number, number, number]
    const keypoints = landmarks.map((name, i) => {
      const at = valuesBeforeLandmarks + 2 * i
      return { name, x: row[at]!, y: row[at + 1]!, confidence }
    })
    return { label: 'face', confidence, bbox: [x1, y1, x2 - x1, y2 - y1], keypoints }
  },
  each: { crop: ({ bbox, keypoints = [] }) => align(bbox, keypoints), steps: [embed] },
})

type Point = { readonly x: number; readonly y: number }

/** The square around the face, as large as its box is high or wide, turned so that the eyes are level. */
function align([x, y, width, height]: readonly [number, number, number, number], points: readonly Point[]): Crop {
  const [left, right] = points as readonly [Point, Point]
  const angle = Math.atan2(right.y - left.y, right.x - left.x)
  return squareCrop([x + width / 2, y + height / 2], Math.max(width, height), angle)
}

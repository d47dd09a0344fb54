import { z } from 'zod'
import { coco80, cocoKeypoints } from '../inference/labels.ts'
import type { ResultObject } from '../streams/wire.ts'
import type { Format, PictureFacts } from './format.ts'

/** Numbers from 1 to 90 that COCO gave to no class in the end. */
const unused: ReadonlySet<number> = new Set([12, 26, 29, 30, 45, 66, 68, 69, 71, 83])
const categoryIds = new Map<string, number>(
  Array.from({ length: 90 }, (_, i) => i + 1)
    .filter((id) => !unused.has(id))
    .map((id, i) => [coco80[i]!, id]),
)
/** COCO asks for coordinates to a tenth of a pixel. */
const steps = 10
/** `v` of a keypoint in results, where nobody knows whether it is hidden. */
const labelled = 1

const result = z.strictObject({
  image_id: z.number().int(),
  category_id: z.number().int().min(1).max(90),
  bbox: z.array(z.number()).length(4),
  score: z.number().min(0).max(1),
  segmentation: z.strictObject({ size: z.array(z.number().int()).length(2), counts: z.string() }).optional(),
  keypoints: z.array(z.number()).length(51).optional().describe('17 × (x y v); 0 0 0 where a keypoint was left out'),
})

/** COCO's format for results (cocodataset.org/#format-results), of all three kinds. */
export const cocoFormat: Format = {
  name: 'coco',
  summary: "COCO's results, with its category ids 1 to 90 and image_id as the request gives it, else 0",
  type: 'application/json',
  schema: z.array(result),
  numbered: true,
  write: (objects, picture) => objects.map((object) => toResult(object, picture)),
}

function toResult({ label, confidence, bbox, mask, keypoints }: ResultObject, { imageId }: PictureFacts) {
  return {
    image_id: imageId,
    category_id: idOf(label),
    bbox: bbox.map(round),
    score: confidence,
    ...(mask && { segmentation: mask }),
    ...(keypoints && { keypoints: toTriples(keypoints) }),
  }
}

function idOf(label: string): number {
  const id = categoryIds.get(label)
  if (id === undefined) throw new Error(`Expected one of COCO's classes, received ${label}`)
  return id
}

function toTriples(keypoints: NonNullable<ResultObject['keypoints']>): number[] {
  return cocoKeypoints.flatMap((name) => {
    const point = keypoints.find((one) => one.name === name)
    return point ? [round(point.x), round(point.y), labelled] : [0, 0, 0]
  })
}

function round(value: number): number {
  return Math.round(value * steps) / steps
}

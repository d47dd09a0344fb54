import { z } from 'zod'
import type { DetectedObject, Keypoint } from '../core/packet.ts'
import { cocoKeypoints } from '../inference/labels.ts'
import { defineVisionTask } from '../inference/vision-task.ts'

const valuesPerKeypoint = 3
const valuesBeforeKeypoints = 6

/**
 * People with COCO's 17 keypoints each. A row of a model that sees all people is `[57] float32: x1 y1 x2 y2 score
 * class, then 17 × (x y score)`; one of a top-down model, which has the box already, is the 17 × (x y score) alone.
 */
export default defineVisionTask({
  name: 'pose',
  summary: "People with COCO's 17 keypoints each.",
  models: ['yolov8m-pose', 'yolov8s-pose', 'yolov8n-pose', 'movenet-lightning'],
  options: z.strictObject({
    /** Of a person, 0 to 1; left out: the model's own. */
    minScore: z.number().min(0).max(1).optional(),
    /** Keypoints with a lower confidence are left out, 0 to 1. */
    minKeypoint: z.number().min(0).max(1).default(0),
    /** A top-down model runs once per person, so its time grows with this; the most confident ones are asked first. */
    maxPeople: z.number().int().min(1).max(100).default(10),
  }),
  plan: ({ minScore, maxPeople }, entry) => ({
    minScore: entry.topDown === undefined ? (minScore ?? entry.plan.minScore) : entry.plan.minScore,
    iou: entry.plan.iou,
    maxRows: entry.topDown === undefined ? maxPeople : 1,
    classes: [],
  }),
  people: ({ minScore, maxPeople }) => ({ classes: ['person'], minScore, maxObjects: maxPeople }),
  read: (row, { options: { minKeypoint }, person }) => ({
    ...(person ?? readPerson(row)),
    keypoints: readKeypoints(row.subarray(person === undefined ? valuesBeforeKeypoints : 0), minKeypoint),
  }),
})

function readPerson(row: Float32Array): DetectedObject {
  const [x1, y1, x2, y2, confidence] = row as unknown as [number, number, number, number, number]
  return { label: 'person', confidence, bbox: [x1, y1, x2 - x1, y2 - y1] }
}

function readKeypoints(values: Float32Array, minConfidence: number): Keypoint[] {
  return cocoKeypoints
    .map((name, i) => {
      const at = i * valuesPerKeypoint
      return { name, x: values[at]!, y: values[at + 1]!, confidence: values[at + 2]! }
    })
    .filter(({ confidence }) => confidence >= minConfidence)
}

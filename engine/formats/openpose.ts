import { z } from 'zod'
import type { ResultObject } from '../streams/wire.ts'
import type { Format } from './format.ts'

type Keypoint = NonNullable<ResultObject['keypoints']>[number]
type Triple = readonly [x: number, y: number, confidence: number]

/** Of the file format. */
const version = 1.3
/** OpenPose's COCO-18 order; the neck, which COCO does not have, is the middle of the shoulders. */
const order = [
  ...['nose', 'neck', 'right_shoulder', 'right_elbow', 'right_wrist', 'left_shoulder', 'left_elbow', 'left_wrist'],
  ...['right_hip', 'right_knee', 'right_ankle', 'left_hip', 'left_knee', 'left_ankle'],
  ...['right_eye', 'left_eye', 'right_ear', 'left_ear'],
]
const absent: Triple = [0, 0, 0]
const unusedLists = [
  ...['face_keypoints_2d', 'hand_left_keypoints_2d', 'hand_right_keypoints_2d'],
  ...['pose_keypoints_3d', 'face_keypoints_3d', 'hand_left_keypoints_3d', 'hand_right_keypoints_3d'],
]
const empty = Object.fromEntries(unusedLists.map((name) => [name, [] as number[]]))

const person = z.strictObject({
  person_id: z.array(z.number().int()).length(1).describe('−1: nobody is followed from picture to picture'),
  pose_keypoints_2d: z.array(z.number()).length(54).describe('18 × (x y confidence); 0 0 0 where there is none'),
  ...Object.fromEntries(unusedLists.map((name) => [name, z.array(z.number()).max(0)])),
})

/** OpenPose's JSON (its `doc/02_output.md`), with the 18 keypoints of its COCO model. */
export const openposeFormat: Format = {
  name: 'openpose',
  summary: "OpenPose's JSON, version 1.3, with the 18 keypoints of its COCO model",
  type: 'application/json',
  schema: z.strictObject({ version: z.number(), people: z.array(person) }),
  write: (objects) => ({ version, people: objects.map(({ id, keypoints = [] }) => toPerson(id, keypoints)) }),
}

function toPerson(id: number | undefined, keypoints: readonly Keypoint[]) {
  const points = new Map<string, Triple>(keypoints.map(({ name, x, y, confidence }) => [name, [x, y, confidence]]))
  points.set('neck', middleOf(points.get('left_shoulder'), points.get('right_shoulder')))
  return {
    person_id: [id ?? -1],
    pose_keypoints_2d: order.flatMap((name) => points.get(name) ?? absent),
    ...empty,
  }
}

/** As sure as the less sure one. */
function middleOf(left: Triple | undefined, right: Triple | undefined): Triple {
  if (!left || !right) return absent
  return [(left[0] + right[0]) / 2, (left[1] + right[1]) / 2, Math.min(left[2], right[2])]
}

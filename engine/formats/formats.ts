import { z } from 'zod'
import { objectSchema } from '../streams/message-schema.ts'
import type { ResultObject } from '../streams/wire.ts'
import { cocoFormat } from './coco.ts'
import type { Format } from './format.ts'
import { pngFormat, polygonFormat, runsFormat } from './masks.ts'
import { openposeFormat } from './openpose.ts'
import { hocrFormat, plainFormat, tsvFormat } from './text.ts'

const { label, confidence, bbox, keypoints } = objectSchema.shape

/** The house's own answer of a task, under the name that asks for it. */
function houseFormat(schema: z.ZodType, write: (objects: readonly ResultObject[]) => unknown): Format {
  return { name: 'json', summary: 'the answer of this house', type: 'application/json', schema, write }
}

const objectsFormat = houseFormat(z.array(objectSchema), (objects) => objects)
const boxesFormat = houseFormat(z.array(z.strictObject({ label, confidence, bbox })), (objects) =>
  objects.map((object) => ({ label: object.label, confidence: object.confidence, bbox: object.bbox })),
)
const peopleFormat = houseFormat(
  z.array(z.strictObject({ person_id: z.number().int(), keypoints: keypoints.unwrap() })),
  (objects) => objects.map((object, person_id) => ({ person_id, keypoints: object.keypoints ?? [] })),
)

/** Formats by task, the one first that a request gets which names none. */
const formats: Readonly<Record<string, readonly [Format, ...Format[]]>> = {
  detect: [boxesFormat, cocoFormat],
  pose: [peopleFormat, cocoFormat, openposeFormat],
  ocr: [objectsFormat, plainFormat, tsvFormat, hocrFormat],
  segment: [runsFormat, polygonFormat, pngFormat, cocoFormat],
}

/** What the task's answers can be written as, the usual one first. A task without formats of its own answers its objects as topics have them. */
export function formatsOf(task: string): readonly [Format, ...Format[]] {
  return formats[task] ?? [objectsFormat]
}

import { setImmediate } from 'node:timers/promises'
import { z } from 'zod'
import { columnsOf } from '../geometry/mask-runs.ts'
import { outlinesOf } from '../geometry/outline.ts'
import { objectSchema } from '../streams/message-schema.ts'
import type { ResultObject } from '../streams/wire.ts'
import type { Format, PictureFacts } from './format.ts'
import { encodeGreyPng } from './png.ts'

/** Objects that a picture of 8 bits can tell apart. */
const mostShown = 255
/** Columns that are worked on before other work has its turn: half a millisecond or so. */
const columnsAtOnce = 128

/** Objects as topics have them: `mask` is COCO's runs. */
export const runsFormat: Format = {
  name: 'rle',
  summary: 'masks as COCO run lengths',
  type: 'application/json',
  schema: z.array(objectSchema),
  write: (objects) => objects,
}

/** Objects with their outlines in place of the mask. */
export const polygonFormat: Format = {
  name: 'polygon',
  summary: 'outlines instead of masks: per part x and y by turns, without holes',
  type: 'application/json',
  schema: z.array(objectSchema.omit({ mask: true }).extend({ polygons: z.array(z.array(z.number())) })),
  write: (objects) => writePolygons(objects),
}

/** One picture of all masks: 0 where there is none, else the number of the object, from 1, the most confident one on top. */
export const pngFormat: Format = {
  name: 'png',
  summary: 'a grey picture: each pixel is the number of its object from 1 on, the most confident on top, or 0',
  type: 'image/png',
  write: (objects, picture) => drawMasks(objects, picture),
}

async function writePolygons(objects: readonly ResultObject[]) {
  const written: unknown[] = []
  for (const { mask, ...object } of objects) {
    written.push({ ...object, polygons: mask ? outlinesOf(mask) : [] })
    await setImmediate()
  }
  return written
}

async function drawMasks(objects: readonly ResultObject[], { width, height }: PictureFacts): Promise<Uint8Array> {
  const samples = new Uint8Array(width * height)
  // From the last to the first, which lies on top.
  for (const [i, { mask }] of [...objects.slice(0, mostShown).entries()].reverse()) {
    if (!mask) continue
    for (const [x, runs] of columnsOf(mask).entries()) {
      if (x % columnsAtOnce === 0) await setImmediate()
      for (const { begin, end } of runs) for (let y = begin; y < end; y++) samples[y * width + x] = i + 1
    }
  }
  return encodeGreyPng({ width, height, samples })
}

import { z } from 'zod'
import type { Word } from '../core/packet.ts'
import { type Crop, cornerCrop, partOf, sizeOf, turnAround } from '../inference/crop.ts'
import { labelsInFile } from '../inference/label-file.ts'
import { defineVisionTask, type Step } from '../inference/vision-task.ts'

const corners = 4
/** A region that is this much higher than wide is a line from bottom to top, as PaddleOCR takes it. */
const upright = 1.5
/** Width by height of the part that tells the direction: the middle of a longer line, which its network still sees at half its width. */
const directionShape = 8
const upsideDown = 1
const surelyTurned = 0.9
const valuesPerLetter = 3

const options = z.strictObject({
  /** Of a region, 0 to 1; left out: the model's own. */
  minScore: z.number().min(0).max(1).optional(),
  /** Lines that were read with less confidence are left out, 0 to 1. */
  minConfidence: z.number().min(0).max(1).default(0.5),
  /** Look for lines that stand on their heads. */
  turned: z.boolean().default(true),
  /** Each line's words, with a box each. */
  words: z.boolean().default(false),
  /** Each line is read by itself, so the time grows with this; the surest regions are read. */
  maxLines: z.number().int().min(1).max(300).default(100),
})
type Options = z.output<typeof options>

/** Whether a line stands on its head. Rows `[count × 2] float32: class score`. */
const direction: Step<Options> = {
  name: 'text-direction',
  models: ['pp-ocr-v2-direction'],
  wanted: ({ turned }) => turned,
  look: (crop) => {
    const [width, height] = sizeOf(crop)
    const share = Math.min(1, (directionShape * height) / width)
    return partOf(crop, (1 - share) / 2, (1 + share) / 2)
  },
  plan: (_, { plan }) => ({ minScore: 0, iou: plan.iou, maxRows: 1, classes: [] }),
  read: ([label, score = 0], piece) =>
    label === upsideDown && score >= surelyTurned ? { ...piece, crop: turnAround(piece.crop) } : piece,
}

/** The letters of a line. Rows `[count × 3] float32: class score place`; class 0 is the blank, the last one the space. */
const reading: Step<Options> = {
  name: 'read-text',
  models: ['pp-ocr-v4-recognition'],
  plan: (_, { plan }) => ({ minScore: plan.minScore, iou: plan.iou, maxRows: 1000, classes: [] }),
  read: (rows, piece, { entry, options: { minConfidence, words } }) => {
    const letters = readLetters(rows, labelsInFile(entry))
    const text = letters
      .map(({ letter }) => letter)
      .join('')
      .trim()
    const confidence = meanOf(letters)
    if (text === '' || confidence < minConfidence) return undefined
    const more = words ? { words: splitWords(letters, piece.crop) } : {}
    return { ...piece, object: { ...piece.object, text, confidence, ...more } }
  },
}

/** Lines of text. A row is `[9] float32: 4 × (x y) score`. */
export default defineVisionTask({
  name: 'ocr',
  summary: 'Lines of text, each with its corners, in the order in which one reads.',
  models: ['ocr-det', 'paddle-ocr-v5-mobile-detection', 'pp-ocr-v4-detection', 'pp-ocr-v3-detection'],
  options,
  plan: ({ minScore, maxLines }, { plan }) => ({
    minScore: minScore ?? plan.minScore,
    iou: plan.iou,
    maxRows: maxLines,
    classes: [],
  }),
  read: (row) => {
    const polygon = Array.from({ length: corners }, (_, i) => [row[2 * i]!, row[2 * i + 1]!] as const)
    return { label: 'text', confidence: row[2 * corners]!, bbox: boxAround(polygon), polygon }
  },
  each: {
    crop: ({ polygon = [] }) => {
      const [a, b, c, d] = polygon as [Corner, Corner, Corner, Corner]
      const crop = cornerCrop(a, b, d)
      const [width, height] = sizeOf(crop)
      return height < upright * width ? crop : cornerCrop(b, c, a)
    },
    steps: [direction, reading],
  },
})

type Corner = readonly [x: number, y: number]

interface Letter {
  readonly letter: string
  readonly score: number
  /** Of its middle along the line, 0 to 1. */
  readonly place: number
}

function readLetters(rows: Float32Array, labels: readonly string[]): Letter[] {
  return Array.from({ length: rows.length / valuesPerLetter }, (_, i) => {
    const [label = 0, score = 0, place = 0] = rows.subarray(i * valuesPerLetter, (i + 1) * valuesPerLetter)
    return { letter: labels[label - 1] ?? ' ', score, place }
  })
}

function meanOf(letters: readonly Letter[]): number {
  return letters.reduce((sum, { score }) => sum + score, 0) / Math.max(1, letters.length)
}

/** Words end in the middle of the space behind them; the first and the last one where the line does. */
function splitWords(letters: readonly Letter[], crop: Crop): Word[] {
  const words: Word[] = []
  let [first, from] = [0, 0]
  for (let i = 0; i <= letters.length; i++) {
    const letter = letters[i]
    if (letter && letter.letter !== ' ') continue
    const to = letter?.place ?? 1
    const own = letters.slice(first, i)
    const text = own.map((one) => one.letter).join('')
    if (text !== '') words.push({ text, confidence: meanOf(own), bbox: boxOf(partOf(crop, from, to)) })
    ;[first, from] = [i + 1, to]
  }
  return words
}

function boxOf([a, b, c, d, e, f]: Crop): Word['bbox'] {
  return boxAround([
    [c, f],
    [a + c, d + f],
    [a + b + c, d + e + f],
    [b + c, e + f],
  ])
}

function boxAround(polygon: readonly Corner[]): Word['bbox'] {
  const [xs, ys] = [polygon.map(([x]) => x), polygon.map(([, y]) => y)]
  const [left, top] = [Math.min(...xs), Math.min(...ys)]
  return [left, top, Math.max(...xs) - left, Math.max(...ys) - top]
}

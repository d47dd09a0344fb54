import { readFile } from 'node:fs/promises'
import sharp from 'sharp'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { hasTestData, testData } from '../support/data.ts'
import { createVision, type VisionSetup } from '../support/vision.ts'

const never = () => new AbortController().signal
const timeout = 120_000

let setup: VisionSetup
let lines: readonly string[]
beforeAll(async () => {
  if (!hasTestData) return
  setup = await createVision()
  lines = JSON.parse(await readFile(testData('truth/text_speech_llm.json'), 'utf8')).ocr['ocr_test.jpg'].lines
})
afterAll(() => setup?.[Symbol.asyncDispose]())

async function read(picture: Buffer, options = {}) {
  const { image } = await setup.vision.decodePicture(picture, never())
  await using asked = setup.vision.openTask('ocr', options, 'interactive')
  try {
    return await asked.ask(image, never())
  } finally {
    image.release()
  }
}

/** Letters put in, left out or changed (Levenshtein 1966), as a share of the truth's. */
function characterErrorRate(text: string, truth: string): number {
  let row = Array.from({ length: truth.length + 1 }, (_, i) => i)
  for (const [i, letter] of [...text].entries()) {
    const next = [i + 1]
    for (let j = 0; j < truth.length; j++)
      next.push(Math.min(row[j + 1]! + 1, next[j]! + 1, row[j]! + (letter === truth[j] ? 0 : 1)))
    row = next
  }
  return row.at(-1)! / truth.length
}

const page = () => sharp(testData('media/ocr_test.jpg'))

describe.skipIf(!hasTestData)('ocr', () => {
  it('reads the eight lines, each with its corners and words', { timeout }, async () => {
    const { objects, ...by } = await read(await readFile(testData('media/ocr_test.jpg')), { words: true })
    expect(by).toEqual({ model: 'pp-ocr-v4-detection', backend: 'onnx', simulated: false })
    const truth = JSON.parse(await readFile(testData('truth/text_speech_llm.json'), 'utf8')).ocr['ocr_test.jpg']
    expect(objects).toHaveLength(8)
    expect(characterErrorRate(objects.map(({ text }) => text).join('\n'), lines.join('\n'))).toBeLessThanOrEqual(0.03)
    for (const [i, { bbox, polygon, confidence, words }] of objects.entries()) {
      const [left, top, right, bottom] = truth.core_boxes_xyxy_unexpanded[i] as [number, number, number, number]
      const [x, y, width, height] = bbox
      expect(x < left && y < top && x + width > right && y + height > bottom, `around line ${i}`).toBe(true)
      expect(height).toBeLessThan(3 * (bottom - top) + 8)
      expect([polygon!.length, confidence > 0.9]).toEqual([4, true])
      expect(words!.map(({ text }) => text)).toEqual(objects[i]!.text!.split(' '))
      const lefts = words!.map((word) => word.bbox[0])
      expect(lefts).toEqual(lefts.toSorted((a, b) => a - b))
    }
  })

  it('reads a page that stands on its head, and one that lies on its side', { timeout }, async () => {
    const turned = await read(await page().rotate(180).png().toBuffer())
    const found = turned.objects.map(({ text }) => text).reverse()
    expect(characterErrorRate(found.join('\n'), lines.join('\n'))).toBeLessThanOrEqual(0.05)
    const side = await read(await page().rotate(90).png().toBuffer())
    expect(side.objects.map(({ text }) => text)).toContain(lines[2])
  })

  it('leaves lines on their heads alone when it is told so', { timeout }, async () => {
    const { objects } = await read(await page().rotate(180).png().toBuffer(), { turned: false, minConfidence: 0 })
    expect(
      characterErrorRate(
        objects
          .map(({ text }) => text)
          .reverse()
          .join('\n'),
        lines.join('\n'),
      ),
    ).toBeGreaterThan(0.5)
  })

  it('keeps to the number of lines that was asked for, and finds nothing in a picture without text', {
    timeout,
  }, async () => {
    const two = await read(await page().png().toBuffer(), { maxLines: 2, turned: false })
    expect(two.objects).toHaveLength(2)
    const grey = sharp({ create: { width: 200, height: 100, channels: 3, background: '#888' } })
    expect((await read(await grey.png().toBuffer())).objects).toEqual([])
  })
})

import { describe, expect, it } from 'vitest'
import { columnsOf, formatRuns, parseRuns, scaleMask } from '../../engine/geometry/mask-runs.ts'
import { randomBits } from '../support/bitmaps.ts'
import { type Bitmap, compressPlainly } from '../support/coco-runs.ts'

function bitmapOf(mask: { readonly size: readonly [number, number]; readonly counts: string }): Bitmap {
  const [height, width] = mask.size
  const pixels = new Uint8Array(width * height)
  for (const [x, runs] of columnsOf(mask).entries())
    for (const { begin, end } of runs) for (let y = begin; y < end; y++) pixels[y * width + x] = 1
  return { width, height, pixels }
}

describe('runs of a mask', () => {
  it.each([1, 2, 3, 5, 8, 13])('are read as an encoder of another hand wrote them: %i', (seed) => {
    const bitmap = randomBits(seed)
    const mask = { size: [bitmap.height, bitmap.width] as const, counts: compressPlainly(bitmap) }
    expect(bitmapOf(mask)).toEqual(bitmap)
    expect(formatRuns(parseRuns(mask))).toBe(mask.counts)
  })

  it('are lengths from the third on told by their difference to the one before the last', () => {
    const mask = { size: [9, 10] as const, counts: formatRuns([6, 1, 40, 4, 5, 4, 5, 4, 21]) }
    expect(mask.counts).toBe('61X13mN000`0')
    expect(parseRuns(mask)).toEqual([6, 1, 40, 4, 5, 4, 5, 4, 21])
  })

  it.each([
    ['too few pixels', '3'],
    ['too many', 'iZ`1'],
    ['none', ''],
    ['a run below zero', 'O5'],
    ['an unfinished number', 'X'],
    ['other letters', '\u0001é~'],
  ])('are refused with %s', (_, counts) => {
    expect(() => parseRuns({ size: [2, 3], counts })).toThrow(expect.objectContaining({ code: 'invalid' }))
  })

  it('of a mask on a larger and a smaller picture are those of the pixels under each middle', () => {
    const bitmap = randomBits(21)
    const mask = { size: [bitmap.height, bitmap.width] as const, counts: compressPlainly(bitmap) }
    for (const [height, width] of [
      [bitmap.height * 2, bitmap.width * 3],
      [17, 11],
      [1, 1],
      [bitmap.height, bitmap.width],
    ] as const) {
      const pixels = Uint8Array.from({ length: width * height }, (_, i) => {
        const x = Math.floor((((i % width) + 0.5) * bitmap.width) / width)
        const y = Math.floor(((Math.floor(i / width) + 0.5) * bitmap.height) / height)
        return bitmap.pixels[y * bitmap.width + x]!
      })
      const scaled = scaleMask(mask, [height, width])
      expect(bitmapOf(scaled)).toEqual({ width, height, pixels })
      expect(scaled.counts).toBe(compressPlainly({ width, height, pixels }))
    }
  })
})

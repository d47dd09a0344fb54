import { describe, expect, it } from 'vitest'
import { outlinesOf } from '../../engine/geometry/outline.ts'
import { randomBits } from '../support/bitmaps.ts'
import { type Bitmap, compressPlainly } from '../support/coco-runs.ts'

function maskOf(bitmap: Bitmap) {
  return { size: [bitmap.height, bitmap.width] as const, counts: compressPlainly(bitmap) }
}

function draw(rows: readonly string[]): Bitmap {
  const width = rows[0]!.length
  return {
    width,
    height: rows.length,
    pixels: Uint8Array.from([...rows.join('')], (letter) => (letter === '#' ? 1 : 0)),
  }
}

/** Pixels whose middle lies inside one of the outlines. */
function fill(outlines: readonly (readonly number[])[], { width, height }: Bitmap): Uint8Array {
  return Uint8Array.from({ length: width * height }, (_, i) => {
    const [x, y] = [(i % width) + 0.5, Math.floor(i / width) + 0.5]
    return outlines.some((outline) => {
      let inside = false
      for (let at = 0, before = outline.length - 2; at < outline.length; before = at, at += 2) {
        const [x1, y1, x2, y2] = [outline[at]!, outline[at + 1]!, outline[before]!, outline[before + 1]!]
        if (y1 > y !== y2 > y && x < ((x2 - x1) * (y - y1)) / (y2 - y1) + x1) inside = !inside
      }
      return inside
    })
      ? 1
      : 0
  })
}

describe('outlines of a mask', () => {
  it('are the corners of a box, clockwise', () => {
    const [outline] = outlinesOf(maskOf(draw(['.....', '.###.', '.###.', '.....'])))
    expect(outline).toEqual([1, 1, 4, 1, 4, 3, 1, 3])
  })

  it('keep parts apart, also those that touch by a corner, and leave holes out', () => {
    const parts = outlinesOf(maskOf(draw(['##..', '##..', '..##', '..##'])))
    expect(parts.map((part) => part.length)).toEqual([8, 8])
    const ring = outlinesOf(maskOf(draw(['####', '#..#', '#..#', '####'])))
    expect(ring).toEqual([[0, 0, 4, 0, 4, 4, 0, 4]])
  })

  it('of an empty mask are none, and of a single pixel its four corners', () => {
    expect(outlinesOf(maskOf(draw(['...', '...'])))).toEqual([])
    expect(outlinesOf(maskOf(draw(['...', '..#'])))).toEqual([[2, 1, 3, 1, 3, 2, 2, 2]])
  })

  it.each([1, 2, 3, 4, 5, 6, 7, 8])('enclose the mask, but for its steps and holes: %i', (seed) => {
    const bitmap = randomBits(seed)
    const filled = fill(outlinesOf(maskOf(bitmap)), bitmap)
    const lost = filled.reduce((sum, pixel, i) => sum + (bitmap.pixels[i] === 1 && pixel === 0 ? 1 : 0), 0)
    const set = bitmap.pixels.reduce((sum, pixel) => sum + pixel, 0)
    expect(lost).toBeLessThan(0.03 * set + 5)
  })

  it('have few corners where an edge is slanted', () => {
    const [width, height] = [200, 200]
    const pixels = Uint8Array.from({ length: width * height }, (_, i) =>
      (i % width) + Math.floor(i / width) < 190 ? 1 : 0,
    )
    const [outline = []] = outlinesOf(maskOf({ width, height, pixels }))
    expect(outline.length / 2).toBeLessThan(10)
  })
})

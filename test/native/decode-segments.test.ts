import { describe, expect, it } from 'vitest'
import { addon, type DecodeOptions, type Tensor } from '../../engine/native/addon.ts'
import { compressPlainly } from '../support/coco-runs.ts'

const [side, cells] = [64, 16]
const places = 84
const options: DecodeOptions = {
  ...{ kernel: 'yolo-v8-segment', minScore: 0.25, iou: 0.45, maxRows: 10, classes: [] },
  ...{ inputWidth: side, inputHeight: side, toSource: [1, 0, 0, 0, 1, 0], sourceWidth: side, sourceHeight: side },
}

/** One object of class 0 whose mask is the first prototype, whose logits `logit` gives by cell. */
function tensors(box: readonly [number, number, number, number], logit: (x: number, y: number) => number): Tensor[] {
  const head = new Float32Array((4 + 1 + 2) * places)
  for (const [i, value] of [...box, 0.9, 1, 0].entries()) head[i * places] = value
  const prototypes = new Float32Array(2 * cells * cells)
  for (let i = 0; i < cells * cells; i++) prototypes[i] = logit(i % cells, Math.floor(i / cells))
  return [
    { data: head, shape: [1, 7, places] },
    { data: prototypes, shape: [1, 2, cells, cells] },
  ]
}

/** The runs of the pixels that `inside` names. */
function runsOf(width: number, height: number, inside: (x: number, y: number) => boolean): string {
  const pixels = Uint8Array.from({ length: width * height }, (_, i) =>
    inside((i % width) + 0.5, Math.floor(i / width) + 0.5) ? 1 : 0,
  )
  return compressPlainly({ width, height, pixels })
}

describe('decodeSegments', () => {
  it('gives the box of a mask that is set everywhere', () => {
    const { rows, masks } = addon().decodeSegments(
      tensors([32, 24, 40, 20], () => 9),
      options,
    )
    expect([...rows.subarray(0, 4)]).toEqual([12, 14, 52, 34])
    expect(masks).toEqual([runsOf(side, side, (x, y) => x > 12 && x < 52 && y > 14 && y < 34)])
  })

  it('puts an edge half way between a cell that is set and one that is not', () => {
    const { masks } = addon().decodeSegments(
      tensors([32, 32, 64, 64], (x) => (x < 8 ? 30 : -30)),
      options,
    )
    expect(masks).toEqual([runsOf(side, side, (x) => x < 32)])
    const down = addon().decodeSegments(
      tensors([32, 32, 64, 64], (_, y) => (y >= 4 && y < 8 ? 30 : -30)),
      options,
    )
    expect(down.masks).toEqual([runsOf(side, side, (_, y) => y > 16 && y < 32)])
  })

  it('writes masks in the pixels of a source of another size and place', () => {
    const source = { ...options, toSource: [2, 0, 0, 0, 2, -16] as const, sourceWidth: 128, sourceHeight: 96 }
    const { rows, masks } = addon().decodeSegments(
      tensors([32, 32, 64, 64], (x) => (x < 8 ? 30 : -30)),
      source,
    )
    expect([...rows.subarray(0, 4)]).toEqual([0, 0, 128, 96])
    expect(masks).toEqual([runsOf(128, 96, (x) => x < 64)])
  })

  it('gives no pixels for a mask that is set nowhere, or is no number', () => {
    for (const logit of [-9, Number.NaN]) {
      const { masks } = addon().decodeSegments(
        tensors([32, 32, 40, 40], () => logit),
        options,
      )
      expect(masks).toEqual([runsOf(side, side, () => false)])
    }
    expect(
      addon().decodeSegments(
        tensors([32, 32, 40, 40], () => 9),
        { ...options, minScore: 0.95 },
      ),
    ).toEqual({
      rows: new Float32Array(0),
      masks: [],
    })
  })

  it('refuses a way to the source that turns, and a kernel without masks', () => {
    const asked = tensors([32, 32, 40, 40], () => 9)
    const turned = { ...options, toSource: [0, 1, 0, 1, 0, 0] as const }
    expect(() => addon().decodeSegments(asked, turned)).toThrow(expect.objectContaining({ code: 'invalid' }))
    const plain = { ...options, kernel: 'yolo-v8' }
    expect(() => addon().decodeSegments(asked, plain)).toThrow(
      expect.objectContaining({ code: 'invalid', message: expect.stringContaining('whose rows have masks') }),
    )
  })
})

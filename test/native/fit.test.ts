import { readFileSync } from 'node:fs'
import sharp from 'sharp'
import { afterAll, describe, expect, it } from 'vitest'
import type { PixelFormat } from '../../engine/core/packet.ts'
import { addon, type FitOptions, type SlotImage } from '../../engine/native/addon.ts'
import { hasTestData, testData } from '../support/data.ts'

const pool = addon().createPool(3, 1920 * 1080 * 3)
afterAll(() => pool.close())

const plain: FitOptions = {
  width: 640,
  height: 640,
  mode: 'letterbox',
  layout: 'nhwc',
  pad: 114,
  mean: [0, 0, 0],
  scale: [1, 1, 1],
}

/** Puts packed RGB pixels into slot 0, rows padded as the layout wants them. */
function putRgb(pixels: Uint8Array, width: number, height: number): SlotImage {
  const layout = addon().imageLayout('rgb', width, height)
  const stride = layout.planes[0]?.stride ?? 0
  for (let y = 0; y < height; y++) pool.write(0, pixels.subarray(y * width * 3, (y + 1) * width * 3), y * stride)
  return { slot: 0, width, height, format: 'rgb', bytes: layout.bytes }
}

function meanDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let sum = 0
  for (let i = 0; i < a.length; i++) sum += Math.abs((a[i] ?? NaN) - (b[i] ?? NaN))
  return sum / a.length
}

async function sharpLetterbox(pixels: Uint8Array, width: number, height: number): Promise<Buffer> {
  const background = { r: 114, g: 114, b: 114 }
  return sharp(pixels, { raw: { width, height, channels: 3 } })
    .resize(640, 640, { fit: 'contain', kernel: 'linear', background })
    .raw()
    .toBuffer()
}

describe.skipIf(!hasTestData)('fit on photos', () => {
  it.each(['bus.jpg', 'dog.jpg', 'zidane.jpg', 'coco_334371.jpg'])(
    "letterboxes %s as sharp's linear kernel does, to half a level of 255",
    async (name) => {
      const { data, info } = await sharp(testData(`media/${name}`))
        .raw()
        .toBuffer({ resolveWithObject: true })
      const tensor = new Float32Array(3 * 640 * 640)
      addon().fit(pool, putRgb(data, info.width, info.height), tensor, plain)
      expect(meanDifference(tensor, await sharpLetterbox(data, info.width, info.height))).toBeLessThan(0.5)
    },
  )

  it.each<PixelFormat>(['nv12', 'i420'])('gives nearly the same from %s as from RGB', async (format) => {
    const jpeg = readFileSync(testData('media/bus.jpg'))
    const tensors: Float32Array[] = []
    for (const each of ['rgb', format] as const) {
      const spec = await addon().decodeJpeg(pool, jpeg, 0, { format: each, maxWidth: 1920, maxHeight: 1080 })
      const tensor = new Float32Array(3 * 640 * 640)
      addon().fit(pool, { ...spec, slot: 0 }, tensor, plain)
      tensors.push(tensor)
    }
    expect(meanDifference(tensors[0] ?? [], tensors[1] ?? [])).toBeLessThan(1)
  })
})

describe('fit', () => {
  const pixels = Uint8Array.from({ length: 4 * 2 * 3 }, (_, i) => i * 10)

  it('tells how tensor and source lie on each other', () => {
    const image = putRgb(new Uint8Array(1280 * 720 * 3), 1280, 720)
    expect(addon().fit(pool, image, new Float32Array(3 * 640 * 640), plain)).toEqual([2, 0, 0, 0, 2, -280])
    const options = { ...plain, mode: { box: [10, 20, 320, 160] } } as const
    expect(addon().fit(pool, image, new Float32Array(3 * 640 * 640), options)).toEqual([0.5, 0, 10, 0, 0.25, 20])
    const affine = [0, 1, 2, -1, 0, 500] as const
    expect(addon().fit(pool, image, new Uint8Array(3 * 640 * 640), { ...plain, mode: { affine } })).toEqual(affine)
  })

  it('copies pixels as they are when the size is the same, in either layout', () => {
    const image = putRgb(pixels, 4, 2)
    const bytes = new Uint8Array(24)
    addon().fit(pool, image, bytes, { ...plain, width: 4, height: 2, mode: 'stretch' })
    expect([...bytes]).toEqual([...pixels])
    addon().fit(pool, image, bytes, { ...plain, width: 4, height: 2, mode: 'stretch', layout: 'nchw' })
    expect([...bytes.subarray(8, 16)]).toEqual([...pixels].filter((_, i) => i % 3 === 1))
  })

  it('normalises with mean and scale, padding too', () => {
    const tensor = new Float32Array(3 * 4 * 4)
    const options = { ...plain, width: 4, height: 4, layout: 'nchw', mean: [114, 0, 0], scale: [1, 1, 0.5] } as const
    addon().fit(pool, putRgb(pixels, 4, 2), tensor, options)
    expect([tensor[0], tensor[16], tensor[32]]).toEqual([0, 114, 57])
    expect(tensor[4 + 1]).toBeCloseTo(30 - 114, 1)
    expect(tensor[32 + 4 + 1]).toBeCloseTo(25, 1)
  })

  it('refuses a target of another size or type, and an image beyond its slot', () => {
    const image = putRgb(pixels, 4, 2)
    expect(() => addon().fit(pool, image, new Float32Array(5), plain)).toThrow(TypeError)
    const wrong = new Float64Array(3 * 640 * 640) as unknown as Float32Array
    expect(() => addon().fit(pool, image, wrong, plain)).toThrow(TypeError)
    const huge = { ...image, width: 20_000, height: 20_000 }
    expect(() => addon().fit(pool, huge, new Float32Array(3 * 640 * 640), plain)).toThrow(
      expect.objectContaining({ code: 'too-large' }),
    )
    expect(() => addon().fit(pool, { ...image, slot: 3 }, new Float32Array(3 * 640 * 640), plain)).toThrow(
      expect.objectContaining({ code: 'invalid' }),
    )
    const modes = ['crop', {}, { box: [0, 0, 0, 5] }, { box: [0, 0, 5] }, { affine: [1, 0, Number.NaN, 0, 1, 0] }]
    for (const mode of modes as FitOptions['mode'][])
      expect(() => addon().fit(pool, image, new Float32Array(3 * 640 * 640), { ...plain, mode })).toThrow(TypeError)
  })

  it('converts to RGB in another slot, resized', async () => {
    const image = putRgb(pixels, 4, 2)
    expect(await addon().convert(pool, image, 1, 4, 2)).toEqual({ width: 4, height: 2, format: 'rgb', bytes: 24 })
    expect([...pool.read(1, 0, 24)]).toEqual([...pixels])
    expect(await addon().convert(pool, image, 1, 1, 1)).toEqual({ width: 1, height: 1, format: 'rgb', bytes: 4 })
    const means = [0, 1, 2].map((c) => [...pixels].filter((_, i) => i % 3 === c).reduce((a, b) => a + b) / 8)
    expect([...pool.read(1, 0, 3)].map((value, c) => Math.abs(value - (means[c] ?? NaN)) <= 1)).toEqual([
      true,
      true,
      true,
    ])
    await expect(addon().convert(pool, image, 1, 9000, 9000)).rejects.toMatchObject({ code: 'too-large' })
    expect(() => addon().convert(pool, image, 0, 4, 2)).toThrow(TypeError)
  })
})

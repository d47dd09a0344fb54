import sharp from 'sharp'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { PixelFormat } from '../../engine/core/packet.ts'
import { addon, type SlotImage } from '../../engine/native/addon.ts'

const pool = addon().createPool(3, 640 * 480 * 3)
const formats: readonly PixelFormat[] = ['rgb', 'nv12', 'i420']
const limits = { maxWidth: 640, maxHeight: 480 }
const width = 322
const height = 201
let pixels: Buffer
let jpeg: Buffer

function smooth(x: number, y: number): readonly [number, number, number] {
  return [128 + 90 * Math.sin(x / 30), 128 + 90 * Math.cos(y / 20), 128 + 60 * Math.sin((x + y) / 40)]
}

beforeAll(async () => {
  pixels = Buffer.alloc(width * height * 3)
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) pixels.set(smooth(x, y).map(Math.round), (y * width + x) * 3)
  jpeg = await sharp(pixels, { raw: { width, height, channels: 3 } })
    .jpeg({ quality: 95 })
    .toBuffer()
})
afterAll(() => pool.close())

/** The image in a slot as packed RGB without padding. */
async function readRgb(image: SlotImage): Promise<Buffer> {
  await addon().convert(pool, image, 2, image.width, image.height)
  const stride = addon().imageLayout('rgb', image.width, image.height).planes[0]?.stride ?? 0
  const rows = Array.from({ length: image.height }, (_, y) => pool.read(2, y * stride, image.width * 3))
  return Buffer.concat(rows)
}

function meanDifference(a: Uint8Array, b: Uint8Array): number {
  return a.reduce((sum, value, i) => sum + Math.abs(value - (b[i] ?? NaN)), 0) / a.length
}

describe('JPEG', () => {
  it('reads the size from the header', () => {
    expect(addon().jpegHeader(jpeg)).toEqual({ width, height })
    expect(() => addon().jpegHeader(Buffer.from('no picture'))).toThrow(expect.objectContaining({ code: 'invalid' }))
    expect(() => addon().jpegHeader(Buffer.alloc(0))).toThrow(expect.objectContaining({ code: 'invalid' }))
  })

  it.each(formats)('decodes to %s and encodes it again, both times the same picture', async (format) => {
    const spec = await addon().decodeJpeg(pool, jpeg, 0, { ...limits, format })
    const { bytes } = addon().imageLayout(format, width, height)
    expect(spec).toEqual({ width, height, format, bytes, originalWidth: width, originalHeight: height })
    expect(meanDifference(await readRgb({ ...spec, slot: 0 }), pixels)).toBeLessThan(2)

    const size = await addon().encodeJpeg(pool, { ...spec, slot: 0 }, 1, { quality: 95 })
    const { data, info } = await sharp(pool.read(1, 0, size))
      .raw()
      .toBuffer({ resolveWithObject: true })
    expect(info).toMatchObject({ width, height, channels: 3 })
    expect(meanDifference(data, pixels)).toBeLessThan(2)
  })

  it('decodes reduced to what fits, and says how large the original is', async () => {
    const options = { format: 'i420', maxWidth: 200, maxHeight: 480 } as const
    const spec = await addon().decodeJpeg(pool, jpeg, 0, options)
    expect(spec).toMatchObject({ width: 161, height: 101, originalWidth: width, originalHeight: height })
    const tiny = { format: 'rgb', maxWidth: 20, maxHeight: 20 } as const
    await expect(addon().decodeJpeg(pool, jpeg, 0, tiny)).rejects.toMatchObject({ code: 'too-large' })
  })

  it('rejects a truncated picture, with the stack of the call, and goes on with the next', async () => {
    for (const part of [0.02, 0.2, 0.5, 0.99]) {
      const cut = jpeg.subarray(0, Math.floor(jpeg.length * part))
      const failure = await addon()
        .decodeJpeg(pool, cut, 0, { ...limits, format: 'nv12' })
        .catch((error: unknown) => error)
      expect(failure).toBeInstanceOf(Error)
      expect(failure).toMatchObject({ code: 'invalid', stack: expect.stringContaining('jpeg.test.ts') })
    }
    await addon().decodeJpeg(pool, jpeg, 0, { ...limits, format: 'nv12' })
  })

  it('decodes grey and progressive files and refuses CMYK', async () => {
    const source = sharp(pixels, { raw: { width, height, channels: 3 } })
    const grey = await source.clone().greyscale().jpeg().toBuffer()
    const progressive = await source.clone().jpeg({ progressive: true, quality: 95 }).toBuffer()
    const cmyk = await source.clone().toColourspace('cmyk').jpeg().toBuffer()
    for (const format of formats) {
      const spec = await addon().decodeJpeg(pool, grey, 0, { ...limits, format })
      const [r = 0, g = 0, b = 0] = await readRgb({ ...spec, slot: 0 })
      expect(Math.max(r, g, b) - Math.min(r, g, b)).toBeLessThanOrEqual(2)
      const whole = await addon().decodeJpeg(pool, progressive, 0, { ...limits, format })
      expect(meanDifference(await readRgb({ ...whole, slot: 0 }), pixels)).toBeLessThan(2)
    }
    await expect(addon().decodeJpeg(pool, cmyk, 0, { ...limits, format: 'rgb' })).rejects.toMatchObject({
      code: 'invalid',
      message: expect.stringContaining('CMYK'),
    })
  })

  it('rejects with too-large what does not fit the slot', async () => {
    const small = addon().createPool(2, 100)
    const options = { format: 'rgb', maxWidth: 640, maxHeight: 480 } as const
    await expect(addon().decodeJpeg(small, jpeg, 0, options)).rejects.toMatchObject({ code: 'too-large' })
    const noise = Buffer.from(Array.from({ length: 3600 }, (_, i) => (i * 7919) % 251))
    small.write(0, noise.subarray(0, small.slotBytes), 0)
    const image = { slot: 0, width: 36, height: 32, format: 'rgb', bytes: 3456 } as const
    await expect(addon().encodeJpeg(small, image, 1, { quality: 100 })).resolves.toBeLessThanOrEqual(small.slotBytes)
    small.close()
  })

  it('refuses wrong arguments at once', async () => {
    const spec = await addon().decodeJpeg(pool, jpeg, 0, { ...limits, format: 'rgb' })
    const image = { ...spec, slot: 0 }
    expect(() => addon().encodeJpeg(pool, image, 0, { quality: 80 })).toThrow(TypeError)
    expect(() => addon().encodeJpeg(pool, image, 1, { quality: 0 })).toThrow(TypeError)
    expect(() => addon().encodeJpeg(pool, { ...image, slot: 9 }, 1, { quality: 80 })).toThrow(
      expect.objectContaining({ code: 'invalid' }),
    )
    expect(() => addon().decodeJpeg(pool, jpeg, 3, { ...limits, format: 'rgb' })).toThrow(
      expect.objectContaining({ code: 'invalid' }),
    )
  })

  it('is not disturbed when its bytes change or move away while it decodes', async () => {
    const bytes = Uint8Array.from(jpeg)
    const decoded = addon().decodeJpeg(pool, bytes, 0, { ...limits, format: 'rgb' })
    structuredClone(bytes.buffer, { transfer: [bytes.buffer] })
    await expect(decoded).resolves.toMatchObject({ width, height })
  })
})

import { readFileSync } from 'node:fs'
import sharp, { type Sharp } from 'sharp'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { PooledImage } from '../../engine/core/packet.ts'
import { addon } from '../../engine/native/addon.ts'
import { hasTestData, testData } from '../support/data.ts'
import { pngHeader } from '../support/picture-bombs.ts'
import { createVision, type VisionSetup } from '../support/vision.ts'
import { until } from '../support/wait.ts'

const never = () => new AbortController().signal
const colours = { R: [255, 0, 0], G: [0, 255, 0], B: [0, 0, 255], W: [255, 255, 255] } as const
/** What the quadrants R G / B W of the stored picture become, row by row, for EXIF orientations 1 to 8. */
const upright = ['RG BW', 'GR WB', 'WB GR', 'BW RG', 'RB GW', 'BR WG', 'WG BR', 'GW RB']

let setup: VisionSetup
beforeAll(async () => {
  setup = await createVision()
})
afterAll(async () => {
  await until('all slots are back', () => setup.pool.ledger.stats().free === setup.pool.ledger.stats().slots)
  expect(setup.pool.ledger.stats()).toMatchObject({ leaked: 0, staleLoans: 0, held: 0, lent: 0 })
  await setup[Symbol.asyncDispose]()
})

/** A picture of four quadrants, 48 × 32. */
function quadrants(): Sharp {
  const pixels = Buffer.alloc(48 * 32 * 3)
  for (let y = 0; y < 32; y++)
    for (let x = 0; x < 48; x++) {
      const colour = colours[y < 16 ? (x < 24 ? 'R' : 'G') : x < 24 ? 'B' : 'W']
      pixels.set(colour, 3 * (y * 48 + x))
    }
  return sharp(pixels, { raw: { width: 48, height: 32, channels: 3 } })
}

function decode(bytes: Uint8Array, signal = never()) {
  return setup.vision.decodePicture(bytes, signal)
}

/** One pixel of an RGB image. */
function pixelAt({ slot, width, height }: PooledImage, x: number, y: number): number[] {
  const { stride } = addon().imageLayout('rgb', width, height).planes[0]!
  return [...setup.pool.memory.read(slot, y * stride + 3 * x, 3)]
}

function nameColour(pixel: readonly number[]): string {
  const near = ([, colour]: [string, readonly number[]]) => colour.every((value, i) => Math.abs(value - pixel[i]!) < 60)
  return Object.entries(colours).find(near)?.[0] ?? `(${pixel})`
}

function quadrantsOf(image: PooledImage): string {
  const [left, right] = [image.width >> 2, (3 * image.width) >> 2]
  const [top, bottom] = [image.height >> 2, (3 * image.height) >> 2]
  const row = (y: number) => [left, right].map((x) => nameColour(pixelAt(image, x, y))).join('')
  return `${row(top)} ${row(bottom)}`
}

/** A JPEG whose frame header claims another size, with its last part, from the scan's header on, so often. */
async function jpegThatClaims(width: number, height: number, scans = 1): Promise<Buffer> {
  const once = await quadrants().jpeg().toBuffer()
  const scan = once.subarray(once.indexOf(Buffer.from([0xff, 0xda])), -2)
  const jpeg = Buffer.concat([once.subarray(0, -2), ...Array(scans - 1).fill(scan), once.subarray(-2)])
  const frame = jpeg.indexOf(Buffer.from([0xff, 0xc0]))
  jpeg.writeUInt16BE(height, frame + 5)
  jpeg.writeUInt16BE(width, frame + 7)
  return jpeg
}

describe('decodePicture', () => {
  it.each([1, 2, 3, 4, 5, 6, 7, 8])('turns a JPEG with EXIF orientation %i upright', async (orientation) => {
    const { image, ...size } = await decode(await quadrants().withMetadata({ orientation }).jpeg().toBuffer())
    const [width, height] = orientation < 5 ? [48, 32] : [32, 48]
    expect([image.width, image.height, image.format]).toEqual([width, height, 'rgb'])
    expect(size).toEqual({ originalWidth: width, originalHeight: height })
    expect(quadrantsOf(image)).toBe(upright[orientation - 1])
    image.release()
  })

  it.each(['png', 'webp'] as const)('turns a %s with EXIF orientation upright', async (format) => {
    const { image } = await decode(await quadrants().withMetadata({ orientation: 6 }).toFormat(format).toBuffer())
    expect(quadrantsOf(image)).toBe(upright[5])
    image.release()
  })

  it.each([
    ['a PNG with 16 bits', () => quadrants().toColourspace('rgb16').png().toBuffer()],
    ['a PNG with a palette', () => quadrants().png({ palette: true }).toBuffer()],
    ['a lossless WebP', () => quadrants().webp({ lossless: true }).toBuffer()],
    ['a JPEG for print (CMYK)', () => quadrants().toColourspace('cmyk').jpeg({ quality: 95 }).toBuffer()],
    [
      'a progressive JPEG without chroma subsampling',
      () => quadrants().jpeg({ progressive: true, chromaSubsampling: '4:4:4' }).toBuffer(),
    ],
  ])('decodes %s', async (_name, make) => {
    const { image } = await decode(await make())
    expect(quadrantsOf(image).replaceAll(/\([^)]*\)/g, '?')).toMatch(/^R\S \SW$/)
    image.release()
  })

  it.each(['jpeg', 'png', 'webp'] as const)('decodes a grey %s, 33 pixels wide, to grey RGB', async (format) => {
    const grey = sharp(Buffer.alloc(33 * 9, 90), { raw: { width: 33, height: 9, channels: 1 } })
    const { image } = await decode(await grey.toColourspace('b-w').toFormat(format, { quality: 95 }).toBuffer())
    for (const value of pixelAt(image, 32, 8)) expect(Math.abs(value - 90)).toBeLessThan(4)
    image.release()
  })

  it('lays transparent parts on white', async () => {
    const clear = sharp({ create: { width: 5, height: 5, channels: 4, background: { r: 9, g: 9, b: 9, alpha: 0 } } })
    const { image } = await decode(await clear.png().toBuffer())
    expect(pixelAt(image, 2, 2)).toEqual([255, 255, 255])
    image.release()
  })

  it.each(['jpeg', 'png', 'webp'] as const)('decodes a %s of 1 × 1', async (format) => {
    const { image } = await decode(await quadrants().resize(1, 1).toFormat(format).toBuffer())
    expect(image).toMatchObject({ width: 1, height: 1, bytes: 4 })
    image.release()
  })

  it.each([
    ['jpeg', 4000, 3000, 1],
    ['jpeg', 3000, 4000, 6],
    ['webp', 5000, 1000, 1],
  ] as const)(
    'reduces a %s of %i × %i (orientation %i) to its slot and says its size',
    async (format, w, h, orientation) => {
      const large = await quadrants().resize(w, h, { fit: 'fill', kernel: 'nearest' }).withMetadata({ orientation })
      const { image, originalWidth, originalHeight } = await decode(await large.toFormat(format).toBuffer())
      expect([originalWidth, originalHeight]).toEqual(orientation < 5 ? [w, h] : [h, w])
      expect(image.bytes).toBeLessThanOrEqual(setup.pool.memory.slotBytes)
      expect(image.width).toBeGreaterThan(originalWidth / 3)
      expect(image.width / image.height).toBeCloseTo(originalWidth / originalHeight, 2)
      expect(quadrantsOf(image)).toBe(upright[orientation - 1])
      image.release()
    },
  )

  it('takes a picture whose bytes need several slots', async () => {
    const noise = { type: 'gaussian', mean: 128, sigma: 60 } as const
    const create = { width: 2200, height: 1500, channels: 3, background: 'black', noise } as const
    const png = await sharp({ create }).png({ compressionLevel: 0 }).toBuffer()
    expect(png.length).toBeGreaterThan(setup.pool.memory.slotBytes)
    const { image, originalWidth } = await decode(png)
    expect(originalWidth).toBe(2200)
    image.release()
  })
})

describe('bad pictures', () => {
  const cases: [string, string, () => Promise<Uint8Array> | Uint8Array][] = [
    ['no bytes', 'invalid', () => new Uint8Array()],
    ['text', 'invalid', () => Buffer.from('{"image":"none"}')],
    ['a GIF', 'invalid', () => quadrants().gif().toBuffer()],
    ['an SVG', 'invalid', () => Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>')],
    ['a JPEG signature alone', 'invalid', () => Buffer.from('ffd8ff', 'hex')],
    ['random bytes behind a JPEG signature', 'invalid', () => Buffer.from(`ffd8ffe0${'5a17'.repeat(300)}`, 'hex')],
    ['a PNG of 20,000 × 20,000', 'too-large', () => pngHeader(20_000, 20_000)],
    ['a JPEG of 20,000 × 20,000', 'too-large', () => jpegThatClaims(20_000, 20_000)],
    ['a PNG of 20,000 × 1', 'too-large', () => pngHeader(20_000, 1)],
    ['a JPEG of 9,000 × 9,000 in 20 scans', 'too-large', () => jpegThatClaims(9000, 9000, 20)],
    ['a JPEG of 0 × 0', 'invalid', () => jpegThatClaims(0, 0)],
    ['more bytes than four slots', 'too-large', () => Buffer.alloc(4 * setup.pool.memory.slotBytes + 1)],
  ]
  for (const format of ['jpeg', 'png', 'webp'] as const)
    cases.push([
      `a ${format} that is cut short`,
      'invalid',
      async () => {
        const whole = await quadrants().resize(640, 480).toFormat(format, { quality: 95 }).toBuffer()
        return whole.subarray(0, Math.floor(whole.length * 0.6))
      },
    ])

  it.each(cases)('refuses %s with %s, and goes on', async (_name, code, make) => {
    const { pid } = setup.vision.hosts()[0]!
    await expect(decode(await make())).rejects.toMatchObject({ name: 'EngineError', code })
    const { image } = await decode(await quadrants().png().toBuffer())
    image.release()
    if (pid !== null) expect(setup.vision.hosts()[0]!.pid).toBe(pid)
  })

  it('says what it expected and what came', async () => {
    await expect(decode(Buffer.from('GIF89a'))).rejects.toThrow(
      'Expected a JPEG, PNG or WebP picture, received 6 bytes that begin with 47494638',
    )
    await expect(decode(pngHeader(20_000, 20_000))).rejects.toThrow('received 20000 × 20000')
  })
})

describe('encodeJpeg', () => {
  const options = { quality: 90, width: null }

  it('encodes at its own size, and smaller with the same shape', async () => {
    const { image } = await decode(await quadrants().resize(640, 420).png().toBuffer())
    for (const [width, height] of [
      [null, 420],
      [161, 106],
      [5000, 420],
    ] as const) {
      const jpeg = await setup.vision.encodeJpeg(image, { quality: 90, width }, never())
      const expected = width === 161 ? 161 : 640
      expect(jpeg).toMatchObject({ format: 'jpeg', width: expected, height })
      const bytes = setup.pool.memory.read(jpeg.slot, 0, jpeg.bytes)
      expect(await sharp(bytes).metadata()).toMatchObject({ format: 'jpeg', width: expected, height })
      jpeg.release()
    }
    image.release()
  })

  it('gives a JPEG back as it is, and makes it smaller where asked', async () => {
    const { image } = await decode(await quadrants().resize(640, 420).png().toBuffer())
    const jpeg = await setup.vision.encodeJpeg(image, options, never())
    const same = await setup.vision.encodeJpeg(jpeg, options, never())
    expect(same.slot).toBe(jpeg.slot)
    const small = await setup.vision.encodeJpeg(jpeg, { quality: 90, width: 64 }, never())
    expect([small.width, small.height]).toEqual([64, 42])
    for (const one of [image, jpeg, same, small]) one.release()
  })

  it('gives the slots back when the caller gives up', async () => {
    const { image } = await decode(await quadrants().resize(1900, 1000).png().toBuffer())
    const caller = new AbortController()
    const encoded = setup.vision.encodeJpeg(image, options, caller.signal)
    setImmediate(() => caller.abort())
    await expect(encoded).rejects.toMatchObject({ code: 'cancelled' })
    image.release()
  })
})

describe.skipIf(!hasTestData)('annotate', () => {
  it('draws boxes and readable labels on a picture, and leaves the rest as it is', async () => {
    const { image } = await decode(readFileSync(testData('media/bus.jpg')))
    const object = { label: 'person', confidence: 0.9, bbox: [100, 300, 200, 400] } as const
    const [drawn, unlabelled] = [
      await setup.vision.annotate(image, [object], never()),
      await setup.vision.annotate(image, [{ ...object, label: '' }], never()),
    ]
    expect([drawn.width, drawn.height, drawn.format]).toEqual([image.width, image.height, 'rgb'])
    expect(pixelAt(drawn, 700, 1000)).toEqual(pixelAt(image, 700, 1000))
    const [line, before] = [pixelAt(drawn, 100, 500), pixelAt(image, 100, 500)]
    expect(line).not.toEqual(before)
    expect(countDark(drawn)).toBeGreaterThan(countDark(unlabelled) + 50)
    for (const one of [image, drawn, unlabelled]) one.release()
  })

  it('draws on a JPEG as well', async () => {
    const { image } = await decode(await quadrants().resize(640, 420).png().toBuffer())
    const jpeg = await setup.vision.encodeJpeg(image, { quality: 90, width: null }, never())
    const object = { label: 'dog', confidence: 0.5, bbox: [100, 100, 200, 200] } as const
    const drawn = await setup.vision.annotate(jpeg, [object], never())
    expect(drawn).toMatchObject({ format: 'rgb', width: 640, height: 420 })
    for (const one of [image, jpeg, drawn]) one.release()
  })
})

/** Pixels of the colour of label text, where the label of the box above lies. */
function countDark(image: PooledImage): number {
  let count = 0
  for (let y = 272; y < 298; y++)
    for (let x = 102; x < 230; x++) if (pixelAt(image, x, y).every((value) => value < 70)) count++
  return count
}

import type sharpLibrary from 'sharp'
import type { ImageSpec } from '../core/packet.ts'
import { EngineError, messageOf } from '../errors.ts'
import { addon, type NativePool } from '../native/addon.ts'
import type { VisionProtocol } from './protocol.ts'

/** Larger pictures are refused by their header: what they would unpack to is a weapon. */
export const maxPixels = 100_000_000
const maxSide = 16_384
/** Pixels × scans of a progressive JPEG: each scan goes over the whole picture, and a small file can hold thousands. */
const maxScannedPixels = 1_000_000_000
const startOfScan = Buffer.from([0xff, 0xda])
/** libjpeg's smallest DCT scale; what must be smaller is left to sharp. */
const smallestScale = 1 / 8
/** Below the engine's deadline, which would end the host and with it every model. */
export const maxDecodeSeconds = 10

let loading: Promise<typeof sharpLibrary> | undefined

/** Loading it takes as long as all else of the host's start, and a host that only runs models never needs it. */
export function loadSharp(): Promise<typeof sharpLibrary> {
  loading ??= import('sharp').then(({ default: sharp }) => {
    sharp.concurrency(1)
    sharp.cache(false)
    return sharp
  })
  return loading
}

type Calls = VisionProtocol['calls']
interface Size {
  readonly width: number
  readonly height: number
}
interface Header {
  /** Upright. */
  readonly size: Size
  /** A JPEG that libjpeg decodes to upright RGB by itself. */
  readonly plainJpeg: boolean
}

const signatures: readonly (readonly [format: string, offset: number, hex: string])[] = [
  ['jpeg', 0, 'ffd8ff'],
  ['png', 0, '89504e470d0a1a0a'],
  ['webp', 8, '57454250'],
]

/** See `VisionProtocol`. The bytes are copied out of their slots before anything is written. */
export async function decodePicture(
  pool: NativePool,
  { parts, target }: Calls['decodePicture']['params'],
  signal: AbortSignal,
): Promise<Calls['decodePicture']['result']> {
  const bytes = Buffer.concat(parts.map((part) => pool.read(part.slot, 0, part.bytes)))
  const { size, plainJpeg } = await readHeader(bytes)
  if (signal.aborted) throw new EngineError('cancelled', 'The caller gave up')
  const fitted = fitSlot(size, pool.slotBytes)
  const original = { originalWidth: size.width, originalHeight: size.height }
  if (plainJpeg && fitted.width >= size.width * smallestScale) {
    const limits = { format: 'rgb', maxWidth: fitted.width, maxHeight: fitted.height } as const
    const { width, height, format, bytes: used } = await addon().decodeJpeg(pool, bytes, target.slot, limits)
    return { width, height, format, bytes: used, ...original }
  }
  return { ...writeRgb(pool, target.slot, await decodeRgb(bytes, fitted), fitted), ...original }
}

/** See `VisionProtocol`. */
export async function encodePicture(
  pool: NativePool,
  { image, target, scratch, quality, width }: Calls['encodePicture']['params'],
): Promise<ImageSpec> {
  const height = width === null ? 0 : Math.max(1, Math.round((image.height * width) / image.width))
  const small = width !== null && scratch !== null
  const spec = small ? await addon().convert(pool, image, scratch.slot, width, height) : image
  const source = small ? { ...spec, slot: scratch.slot } : image
  const bytes = await addon().encodeJpeg(pool, source, target.slot, { quality })
  return { width: source.width, height: source.height, format: 'jpeg', bytes }
}

/** See `VisionProtocol`. */
export async function drawPicture(
  pool: NativePool,
  { image, target, svg }: Calls['drawPicture']['params'],
): Promise<ImageSpec> {
  const { width, height } = image
  await addon().convert(pool, image, target.slot, width, height)
  const sharp = await loadSharp()
  const drawn = await sharp(readRgb(pool, target.slot, image), { raw: { width, height, channels: 3 } })
    .composite([{ input: Buffer.from(svg) }])
    .removeAlpha()
    .raw()
    .toBuffer()
  return writeRgb(pool, target.slot, drawn, image)
}

/** What a picture from outside says of itself. Throws `invalid` for what is none, and `too-large` before any pixel is decoded. */
export async function readHeader(bytes: Buffer): Promise<Header> {
  const format = signatures.find(([, offset, hex]) => bytes.toString('hex', offset, offset + hex.length / 2) === hex)
  if (!format) throw new EngineError('invalid', `Expected a JPEG, PNG or WebP picture, received ${describe(bytes)}`)
  const sharp = await loadSharp()
  const read = await sharp(bytes, { limitInputPixels: false }).metadata().catch(rejectBroken)
  const { width, height } = read.autoOrient
  if (width * height > maxPixels || Math.max(width, height) > maxSide) {
    const limit = `at most ${maxPixels / 1e6} megapixels and ${maxSide} pixels a side`
    throw new EngineError('too-large', `Expected a picture of ${limit}, received ${width} × ${height}`)
  }
  const scans = format[0] === 'jpeg' ? countScans(bytes) : 1
  if (width * height * scans > maxScannedPixels)
    throw new EngineError(
      'too-large',
      `Expected a JPEG with fewer scans, received ${width} × ${height} in ${scans} scans`,
    )
  const plain = (read.orientation ?? 1) === 1 && (read.space === 'srgb' || read.space === 'b-w')
  return { size: { width, height }, plainJpeg: format[0] === 'jpeg' && plain }
}

/** Markers are escaped in the compressed data, so their bytes are found nowhere else but in a thumbnail. */
function countScans(bytes: Buffer): number {
  let count = 0
  for (let at = bytes.indexOf(startOfScan); at >= 0; at = bytes.indexOf(startOfScan, at + 2)) count++
  return count
}

function describe(bytes: Buffer): string {
  return bytes.length === 0 ? 'none' : `${bytes.length} bytes that begin with ${bytes.toString('hex', 0, 4)}`
}

export function rejectBroken(error: unknown): never {
  throw new EngineError('invalid', `Expected a whole picture: ${messageOf(error)}`, { cause: error })
}

/** The largest size of the same shape whose RGB fits a slot, at most the picture's own. */
function fitSlot({ width, height }: Size, slotBytes: number): Size {
  let scale = Math.min(1, Math.sqrt(slotBytes / (3 * width * height)))
  for (;;) {
    const size = { width: Math.max(1, Math.floor(width * scale)), height: Math.max(1, Math.floor(height * scale)) }
    // Rows are padded, and a side is never less than one pixel: a hair less until it fits.
    if (addon().imageLayout('rgb', size.width, size.height).bytes <= slotBytes) return size
    scale *= 0.999
  }
}

async function decodeRgb(bytes: Buffer, { width, height }: Size): Promise<Buffer> {
  const sharp = await loadSharp()
  return sharp(bytes, { failOn: 'error', limitInputPixels: maxPixels })
    .timeout({ seconds: maxDecodeSeconds })
    .autoOrient()
    .resize(width, height, { fit: 'fill' })
    .flatten({ background: 'white' })
    .toColourspace('srgb')
    .raw({ depth: 'uchar' })
    .toBuffer()
    .catch(rejectBroken)
}

/** Rows without padding into the slot, where rows have it. */
function writeRgb(pool: NativePool, slot: number, rgb: Buffer, { width, height }: Size): ImageSpec {
  const { bytes, planes } = addon().imageLayout('rgb', width, height)
  const { stride } = planes[0]!
  const row = 3 * width
  if (rgb.length !== row * height) throw new Error(`Expected ${row * height} bytes of RGB, got ${rgb.length}`)
  if (stride === row) pool.write(slot, rgb, 0)
  else for (let y = 0; y < height; y++) pool.write(slot, rgb.subarray(y * row, (y + 1) * row), y * stride)
  return { width, height, format: 'rgb', bytes }
}

/** Rows without padding, as sharp takes them. */
function readRgb(pool: NativePool, slot: number, { width, height }: Size): Buffer {
  const { bytes, planes } = addon().imageLayout('rgb', width, height)
  const { stride } = planes[0]!
  const padded = pool.read(slot, 0, bytes)
  if (stride === 3 * width) return padded
  return Buffer.concat(Array.from({ length: height }, (_, y) => padded.subarray(y * stride, y * stride + 3 * width)))
}

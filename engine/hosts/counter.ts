import type { ImageSpec } from '../core/packet.ts'
import type { NativePool } from '../native/addon.ts'

/** Blocks in the row, most significant first: 24 bits of the number, then 8 bits of its check. */
const blocks = 32
const minBlockSize = 16
const black = 16
const white = 235
const grey = 128

/** Side of a block in pixels, so that the row fits the width and survives JPEG. The picture is at least 512 pixels wide. */
export function counterBlockSize(width: number): number {
  return Math.max(minBlockSize, Math.floor(width / blocks / minBlockSize) * minBlockSize)
}

/** The row for a number, modulo 2^24: true is white. The check is 255 − the sum of the three bytes, modulo 256. */
export function counterBits(value: number): boolean[] {
  const bytes = [(value >>> 16) & 255, (value >>> 8) & 255, value & 255]
  const check = 255 - (bytes.reduce((sum, byte) => sum + byte, 0) & 255)
  return [...bytes, check].flatMap((byte) => Array.from({ length: 8 }, (_, i) => ((byte >> (7 - i)) & 1) === 1))
}

/** Draws the number into the top rows of an I420 image in the pool: black and white squares in a row, from the left. */
export function drawCounter(pool: NativePool, slot: number, image: ImageSpec, value: number): void {
  const size = counterBlockSize(image.width)
  const stride = Math.ceil(image.width / 4) * 4
  const luma = Buffer.concat(counterBits(value).map((bit) => Buffer.alloc(size, bit ? white : black)))
  for (let y = 0; y < size; y++) pool.write(slot, luma, y * stride)
  const chromaStride = Math.ceil(image.width / 2 / 4) * 4
  const chromaHeight = Math.ceil(image.height / 2)
  const chroma = Buffer.alloc((size * blocks) / 2, grey)
  const first = stride * (Math.ceil(image.height / 2) * 2)
  for (let y = 0; y < size / 2; y++) {
    pool.write(slot, chroma, first + y * chromaStride)
    pool.write(slot, chroma, first + (chromaHeight + y) * chromaStride)
  }
}

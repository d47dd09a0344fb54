import { promisify } from 'node:util'
import { crc32, deflate } from 'node:zlib'

const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a])
const grey = 0
const compress = promisify(deflate)

/** A grey picture: `samples` row by row, 8 or 16 bits each by their type. */
export interface GreyPicture {
  readonly width: number
  readonly height: number
  readonly samples: Uint8Array | Uint16Array
}

/** A PNG (ISO/IEC 15948) of the very samples. What takes long runs on a thread of its own. */
export async function encodeGreyPng({ width, height, samples }: GreyPicture): Promise<Uint8Array> {
  const bytes = samples.BYTES_PER_ELEMENT
  const lines = Buffer.alloc(height * (1 + width * bytes))
  for (let y = 0; y < height; y++) {
    const row = samples.subarray(y * width, (y + 1) * width)
    Buffer.from(row.buffer, row.byteOffset, row.byteLength).copy(lines, y * (1 + width * bytes) + 1)
  }
  // The file has the high byte first, and a filter's number, which stays 0, before each row.
  if (bytes === 2) for (let y = 0; y < height; y++) swapRow(lines, y * (1 + width * bytes) + 1, width * bytes)
  const header = Buffer.alloc(13)
  header.writeUInt32BE(width, 0)
  header.writeUInt32BE(height, 4)
  header.set([8 * bytes, grey], 8)
  const chunks = [chunk('IHDR', header), chunk('IDAT', await compress(lines)), chunk('IEND', Buffer.alloc(0))]
  return Buffer.concat([signature, ...chunks])
}

function swapRow(lines: Buffer, at: number, length: number): void {
  lines.subarray(at, at + length).swap16()
}

function chunk(name: string, body: Buffer): Buffer {
  const whole = Buffer.alloc(12 + body.length)
  whole.writeUInt32BE(body.length, 0)
  whole.write(name, 4, 'latin1')
  body.copy(whole, 8)
  whole.writeUInt32BE(crc32(whole.subarray(4, 8 + body.length)), 8 + body.length)
  return whole
}

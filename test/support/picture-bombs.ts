/** A JPEG of few bytes whose header promises width × height pixels. */
export function headerOnlyJpeg(width: number, height: number): Buffer {
  const size = [height >> 8, height & 255, width >> 8, width & 255]
  const components = [1, 0x22, 0, 2, 0x11, 0, 3, 0x11, 0]
  return Buffer.from([
    ...[0xff, 0xd8],
    ...[0xff, 0xc0, 0, 17, 8, ...size, 3, ...components],
    ...[0xff, 0xda, 0, 12, 3, 1, 0, 2, 0, 3, 0, 0, 63, 0],
    ...[0xff, 0xd9],
  ])
}

/** A PNG of few bytes whose header promises width × height pixels. */
export function pngHeader(width: number, height: number): Buffer {
  const ihdr = Buffer.alloc(25)
  ihdr.writeUInt32BE(13, 0)
  ihdr.write('IHDR', 4, 'latin1')
  ihdr.writeUInt32BE(width, 8)
  ihdr.writeUInt32BE(height, 12)
  ihdr.set([8, 2, 0, 0, 0], 16)
  ihdr.writeUInt32BE(crc32(ihdr.subarray(4, 21)), 21)
  const idat = Buffer.from('0000000a49444154789c6360000000020001e221bc330000000049454e44ae426082', 'hex')
  return Buffer.concat([Buffer.from('89504e470d0a1a0a', 'hex'), ihdr, idat])
}

function crc32(bytes: Uint8Array): number {
  let crc = 0xffffffff
  for (const byte of bytes) {
    crc ^= byte
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1
  }
  return (crc ^ 0xffffffff) >>> 0
}

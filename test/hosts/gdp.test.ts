import { describe, expect, it } from 'vitest'
import { parseCaps, readGdp } from '../../engine/hosts/gdp.ts'

const none = 0xffff_ffff_ffff_ffffn

function packet(type: number, payload: Buffer, stamp = none, offset = none): Buffer {
  const header = Buffer.alloc(62)
  header[0] = 1
  header.writeUInt16BE(type, 4)
  header.writeUInt32BE(payload.length, 6)
  header.writeBigUInt64BE(stamp, 10)
  header.writeBigUInt64BE(offset, 26)
  return Buffer.concat([header, payload])
}

describe('readGdp', () => {
  it('finds caps and buffers with their times, and passes over events', () => {
    const bytes = Buffer.concat([
      packet(0x284e, Buffer.from('GstEventStreamStart\0')),
      packet(2, Buffer.from('video/x-raw, format=(string)RGB\0')),
      packet(1, Buffer.from([1, 2, 3]), 40n, 7n),
      packet(1, Buffer.from([4])),
    ])
    expect(readGdp(bytes)).toEqual([
      { type: 'caps', caps: 'video/x-raw, format=(string)RGB' },
      { type: 'buffer', stamp: 40n, offset: 7n, payload: Buffer.from([1, 2, 3]) },
      { type: 'buffer', stamp: null, offset: null, payload: Buffer.from([4]) },
    ])
  })

  it('does not copy the payload', () => {
    const bytes = packet(1, Buffer.from([1]))
    const [part] = readGdp(bytes)
    bytes[62] = 9
    expect(part).toMatchObject({ payload: Buffer.from([9]) })
  })

  it.each([10, 61, 64])('refuses a packet cut off after %i bytes', (length) => {
    expect(() => readGdp(packet(1, Buffer.from([1, 2, 3])).subarray(0, length))).toThrow(/Expected a whole GDP packet/)
  })
})

describe('parseCaps', () => {
  it('takes the types off the values', () => {
    const { media, fields } = parseCaps('video/x-raw, format=(string)I420, width=(int)640, framerate=(fraction)30/1')
    expect(media).toBe('video/x-raw')
    expect(Object.fromEntries(fields)).toEqual({ format: 'I420', width: '640', framerate: '30/1' })
  })
})

import { EngineError } from '../errors.ts'

/** GStreamer Data Protocol 1.0: what `gdppay` writes before every buffer. Numbers are big endian. */
const headerBytes = 62
const typeAt = 4
const lengthAt = 6
const stampAt = 10
const offsetAt = 26
const typeBuffer = 1
const typeCaps = 2
/** GST_CLOCK_TIME_NONE, GST_BUFFER_OFFSET_NONE. */
const none = 0xffff_ffff_ffff_ffffn

/** The format of the buffers that follow. */
export interface GdpCaps {
  readonly type: 'caps'
  readonly caps: string
}
/** One frame. */
export interface GdpBuffer {
  readonly type: 'buffer'
  /** Nanoseconds; null where the buffer has no timestamp. */
  readonly stamp: bigint | null
  /** Number of the frame where the source counts them, else null. */
  readonly offset: bigint | null
  /** A view of the bytes that were read. */
  readonly payload: Buffer
}

/** The caps and buffers in bytes that `gdppay` wrote; events are passed over. Throws `invalid` for a packet cut short. */
export function readGdp(bytes: Buffer): (GdpCaps | GdpBuffer)[] {
  const found: (GdpCaps | GdpBuffer)[] = []
  for (let at = 0; at < bytes.length; ) {
    const end = at + headerBytes + (at + headerBytes <= bytes.length ? bytes.readUInt32BE(at + lengthAt) : 0)
    if (end > bytes.length)
      throw new EngineError(
        'invalid',
        `Expected a whole GDP packet of ${end - at} bytes, received ${bytes.length - at}`,
      )
    const packet = bytes.subarray(at, end)
    const type = packet.readUInt16BE(typeAt)
    if (type === typeBuffer) found.push(readBuffer(packet))
    else if (type === typeCaps) found.push({ type: 'caps', caps: readText(packet.subarray(headerBytes)) })
    at = end
  }
  return found
}

function readBuffer(packet: Buffer): GdpBuffer {
  const stamp = packet.readBigUInt64BE(stampAt)
  const offset = packet.readBigUInt64BE(offsetAt)
  return {
    type: 'buffer',
    stamp: stamp === none ? null : stamp,
    offset: offset === none ? null : offset,
    payload: packet.subarray(headerBytes),
  }
}

function readText(bytes: Buffer): string {
  const end = bytes.indexOf(0)
  return bytes.toString('utf8', 0, end < 0 ? bytes.length : end)
}

/** Media type and fields of caps: `video/x-raw, format=(string)I420, width=(int)640`. */
export function parseCaps(caps: string): { readonly media: string; readonly fields: ReadonlyMap<string, string> } {
  const [media = '', ...fields] = caps.split(',').map((part) => part.trim())
  return {
    media,
    fields: new Map(
      fields.map((field): [string, string] => {
        const [name = '', value = ''] = field.split('=')
        return [name, value.replace(/^\([^)]*\)/, '')]
      }),
    ),
  }
}

/** RFC 6716, 3.2.1: the most that one frame may have. */
const maxFrameBytes = 1275
/** RFC 6716, 3.2.5 [R5]: the most that one packet may last. */
const maxPacketMs = 120

/** Milliseconds of a frame by the lowest two bits of its configuration (RFC 6716, table 2): SILK, hybrid, CELT. */
const frameMs = { silk: [10, 20, 40, 60], hybrid: [10, 20, 10, 20], celt: [2.5, 5, 10, 20] } as const

/**
 * Milliseconds of sound in an Opus packet, or undefined where the bytes break one of the rules R1 to R7 of RFC 6716, 3.4. Looks at the framing only:
 * decoders take any bytes of a frame as sound.
 */
export function opusPacketMs(packet: Uint8Array): number | undefined {
  const [toc] = packet
  if (toc === undefined) return undefined
  const frames = framesOf(packet, toc & 3)
  if (!frames || frames.some((bytes) => bytes < 0 || bytes > maxFrameBytes)) return undefined
  const ms = frames.length * durationOf(toc >> 3)
  return ms <= maxPacketMs ? ms : undefined
}

function durationOf(configuration: number): number {
  const mode = configuration < 12 ? 'silk' : configuration < 16 ? 'hybrid' : 'celt'
  return frameMs[mode][configuration & 3] as number
}

/** Bytes of each frame, by the code in the lowest two bits of the first byte. */
function framesOf(packet: Uint8Array, code: number): readonly number[] | undefined {
  const rest = packet.length - 1
  if (code === 0) return [rest]
  if (code === 1) return rest % 2 === 0 ? [rest / 2, rest / 2] : undefined
  if (code === 3) return manyFrames(packet)
  const first = lengthAt(packet, 1)
  return first && [first.bytes, packet.length - first.next - first.bytes]
}

/** Code 3: a count, padding, and either equal frames or a length for each but the last. */
function manyFrames(packet: Uint8Array): readonly number[] | undefined {
  const head = packet[1]
  if (head === undefined || (head & 0x3f) === 0) return undefined
  const count = head & 0x3f
  const padding = head & 0x40 ? paddingAt(packet, 2) : { bytes: 0, next: 2 }
  if (!padding) return undefined
  const end = packet.length - padding.bytes
  if (head & 0x80) return framesWithLengths(packet, count, { at: padding.next, end })
  const rest = end - padding.next
  return rest >= 0 && rest % count === 0 ? Array.from({ length: count }, () => rest / count) : undefined
}

function framesWithLengths(packet: Uint8Array, count: number, { at, end }: { at: number; end: number }) {
  const frames: number[] = []
  let [next, sum] = [at, 0]
  while (frames.length < count - 1) {
    const length = lengthAt(packet, next)
    if (!length) return undefined
    frames.push(length.bytes)
    next = length.next
    sum += length.bytes
  }
  return [...frames, end - next - sum]
}

/** RFC 6716, 3.2.1: one byte, or two from 252 on. */
function lengthAt(packet: Uint8Array, at: number): { readonly bytes: number; readonly next: number } | undefined {
  const [low, high] = packet.subarray(at)
  if (low === undefined) return undefined
  if (low < 252) return { bytes: low, next: at + 1 }
  return high === undefined ? undefined : { bytes: 4 * high + low, next: at + 2 }
}

/** RFC 6716, 3.2.5: 255 stands for 254 bytes and one more length. */
function paddingAt(packet: Uint8Array, at: number): { readonly bytes: number; readonly next: number } | undefined {
  let [bytes, next] = [0, at]
  for (;;) {
    const length = packet[next++]
    if (length === undefined) return undefined
    bytes += length === 255 ? 254 : length
    if (length < 255) return { bytes, next }
  }
}

import { createPacket, type PacketOf, type TextPayload } from '../../engine/core/packet.ts'

const pieceMs = 20

/** Packets of 20 ms, as a microphone gives them: one after the other from the time `fromMs`. */
export function soundPackets(
  samples: Int16Array,
  { sampleRate = 16_000, channels = 1, fromMs = 0, firstSeq = 0, stream = 'microphone' } = {},
): PacketOf<'audio'>[] {
  const size = (sampleRate * channels * pieceMs) / 1000
  return Array.from({ length: Math.ceil(samples.length / size) }, (_, i) => {
    const payload = { kind: 'audio', samples: samples.slice(i * size, (i + 1) * size), sampleRate, channels } as const
    const capturedAt = BigInt(fromMs + (i + 1) * pieceMs) * 1_000_000n
    return createPacket({ stream, source: stream, seq: firstSeq + i, capturedAt, payload })
  })
}

/** A packet of text. */
export function textPacket(seq: number, text: string, more: Partial<TextPayload> = {}): PacketOf<'text'> {
  const payload = { kind: 'text', text, final: true, ...more } as const
  return createPacket({ stream: 'reply', source: 'microphone', seq, capturedAt: BigInt(seq), payload })
}

/** −1 to 1 as 16 bit. */
export function toSamples(sound: Float32Array): Int16Array {
  return Int16Array.from(sound, (value) => Math.round(value * 32_767))
}

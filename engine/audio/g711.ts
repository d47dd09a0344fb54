/** Added to a magnitude before µ-law takes its logarithm, and the largest that it can carry, for samples of 16 bits. */
const [bias, clip] = [0x84, 32_635]
const signBit = 0x80
/** A-law inverts every second bit on the line. */
const evenBits = 0x55

const decodedMu = Int16Array.from({ length: 256 }, (_, code) => expandMu(code))
const decodedA = Int16Array.from({ length: 256 }, (_, code) => expandA(code))

/** G.711 µ-law (ITU-T G.711, table 2): one byte a sample, 8,000 a second. */
export function encodeMuLaw(samples: Int16Array): Uint8Array {
  return Uint8Array.from(samples, compressMu)
}

/** The 14 bits of G.711, scaled to 16. */
export function decodeMuLaw(bytes: Uint8Array): Int16Array {
  return Int16Array.from(bytes, (code) => decodedMu[code] as number)
}

/** G.711 A-law (ITU-T G.711, table 1): one byte a sample, 8,000 a second. */
export function encodeALaw(samples: Int16Array): Uint8Array {
  return Uint8Array.from(samples, compressA)
}

/** The 13 bits of G.711, scaled to 16. */
export function decodeALaw(bytes: Uint8Array): Int16Array {
  return Int16Array.from(bytes, (code) => decodedA[code] as number)
}

function compressMu(sample: number): number {
  const magnitude = Math.min(clip, Math.abs(sample)) + bias
  const segment = 24 - Math.clz32(magnitude)
  const step = (magnitude >> (segment + 3)) & 0x0f
  return ~((sample < 0 ? signBit : 0) | (segment << 4) | step) & 0xff
}

function expandMu(code: number): number {
  const bits = ~code & 0xff
  const magnitude = ((((bits & 0x0f) << 3) + bias) << ((bits >> 4) & 7)) - bias
  return bits & signBit ? -magnitude : magnitude
}

/** Negative samples are counted from −1, so that both signs have as many steps. */
function compressA(sample: number): number {
  const magnitude = sample < 0 ? -sample - 1 : sample
  const segment = Math.max(0, 24 - Math.clz32(magnitude))
  const step = (magnitude >> Math.max(4, segment + 3)) & 0x0f
  return ((sample < 0 ? 0 : signBit) | (segment << 4) | step) ^ evenBits
}

/** The middle of each step. */
function expandA(code: number): number {
  const bits = code ^ evenBits
  const segment = (bits >> 4) & 7
  const step = ((bits & 0x0f) << 4) + 8
  const magnitude = segment === 0 ? step : (step + 0x100) << (segment - 1)
  return bits & signBit ? magnitude : -magnitude
}

import { spawnSync } from 'node:child_process'
import { describe, expect, it } from 'vitest'
import { decodeALaw, decodeMuLaw, encodeALaw, encodeMuLaw } from '../../engine/audio/g711.ts'

const everyCode = Uint8Array.from({ length: 256 }, (_, code) => code)
const everySample = Int16Array.from({ length: 65_536 }, (_, i) => i - 32_768)

/** What ffmpeg, which has its own tables, makes of the bytes. */
function ffmpeg(input: Uint8Array, from: string, to: string): Buffer {
  const args = ['-v', 'error', '-f', from, '-ar', '8000', '-ac', '1', '-i', 'pipe:0', '-f', to, 'pipe:1']
  const { stdout, stderr, status } = spawnSync('ffmpeg', args, { input, maxBuffer: 1e7 })
  expect(status, String(stderr)).toBe(0)
  return stdout
}

/** Where the 128 steps of one sign begin, scaled to 16 bits: tables 1 and 2 of G.711 list them by segment. */
function decisionValues(name: 'mulaw' | 'alaw'): number[] {
  // The first step of µ-law is half a step.
  const bounds = [0, name === 'mulaw' ? 4 : 16]
  while (bounds.length < 128) {
    const segment = Math.floor((bounds.length - 1) / 16)
    const size = name === 'mulaw' ? 8 << segment : 16 << Math.max(0, segment - 1)
    bounds.push((bounds.at(-1) as number) + size)
  }
  return bounds
}

const laws = [
  ['µ-law', 'mulaw', encodeMuLaw, decodeMuLaw],
  ['A-law', 'alaw', encodeALaw, decodeALaw],
] as const

describe.each(laws)('%s', (_, name, encode, decode) => {
  it('decodes each of the 256 codes as ffmpeg does', () => {
    const theirs = ffmpeg(everyCode, name, 's16le')
    expect(decode(everyCode)).toEqual(new Int16Array(theirs.buffer.slice(theirs.byteOffset, theirs.byteOffset + 512)))
  })

  it('gives each code back for the sample that it stands for', () => {
    // µ-law has two codes for zero, of which one is sent.
    const expected = everyCode.map((code) => (name === 'mulaw' && code === 0x7f ? 0xff : code))
    expect(encode(decode(everyCode))).toEqual(expected)
  })

  it('encodes each of the 65,536 samples by the decision values of the Recommendation', () => {
    const bounds = decisionValues(name)
    const codes = encode(everySample)
    const wrong = [...everySample].filter((sample, i) => {
      const bits = name === 'mulaw' ? ~(codes[i] as number) & 0xff : (codes[i] as number) ^ 0x55
      const isNegative = name === 'mulaw' ? (bits & 0x80) !== 0 : (bits & 0x80) === 0
      const magnitude = name === 'mulaw' ? Math.abs(sample) : sample < 0 ? -sample - 1 : sample
      const step = bounds.findLastIndex((bound) => bound <= magnitude)
      return (bits & 0x7f) !== step || isNegative !== sample < 0
    })
    expect(wrong).toEqual([])
  })

  it('keeps the order of samples', () => {
    const decoded = decode(encode(everySample))
    expect(decoded.every((value, i) => i === 0 || value >= (decoded[i - 1] as number))).toBe(true)
  })
})

describe('the tables of G.711', () => {
  it('have the values of the Recommendation at their ends and in the middle', () => {
    expect([...decodeMuLaw(Uint8Array.of(0xff, 0x7f, 0xfe, 0x7e, 0x80, 0x00))]).toEqual([0, 0, 8, -8, 32_124, -32_124])
    expect([...decodeALaw(Uint8Array.of(0xd5, 0x55, 0xd4, 0x54, 0xaa, 0x2a))]).toEqual([
      8, -8, 24, -24, 32_256, -32_256,
    ])
    expect([...encodeMuLaw(Int16Array.of(0, 32_767, -32_768))]).toEqual([0xff, 0x80, 0x00])
    expect([...encodeALaw(Int16Array.of(0, 32_767, -32_768))]).toEqual([0xd5, 0xaa, 0x2a])
  })

  it('carries the test signal of 1 kHz at 0 dBm0 that the Recommendation lists', () => {
    // Tables 5 and 6 of G.711: the codes of one period.
    const a = Uint8Array.of(0x34, 0x21, 0x21, 0x34, 0xb4, 0xa1, 0xa1, 0xb4)
    const mu = Uint8Array.of(0x1e, 0x0b, 0x0b, 0x1e, 0x9e, 0x8b, 0x8b, 0x9e)
    for (const [period, decode] of [
      [a, decodeALaw],
      [mu, decodeMuLaw],
    ] as const) {
      const samples = decode(period)
      const amplitude = Math.hypot(samples[0] as number, samples[1] as number)
      // 0 dBm0 lies 3.14 dB (A-law) or 3.17 dB (µ-law) below the largest sine.
      expect(20 * Math.log10(amplitude / 32_768)).toBeCloseTo(-3.15, 0)
      const expected = samples.map((_, i) => Math.round(amplitude * Math.sin(Math.PI * (i / 4 + 9 / 8))))
      for (const [i, sample] of samples.entries()) expect(Math.abs(sample - (expected[i] as number))).toBeLessThan(700)
    }
  })
})

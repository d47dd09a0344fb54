import { describe, expect, it } from 'vitest'
import { bytesOf } from '../../engine/audio/bytes-of.ts'
import { openSoundDecoder, openSoundEncoder, type StreamFormat, streamFormats } from '../../engine/audio/sound-codec.ts'
import { purity } from '../support/purity.ts'
import { tone } from '../support/scripted-speech.ts'

function join(pieces: readonly Int16Array[]): Int16Array {
  return Int16Array.from(pieces.flatMap((piece) => [...piece]))
}

/** There and back, in pieces of a size that fits no frame. */
async function travel(format: StreamFormat, sound: Int16Array, rate: number) {
  using encoder = await openSoundEncoder(format, rate)
  using decoder = await openSoundDecoder(format)
  const messages: Uint8Array[] = []
  for (let at = 0; at < sound.length; at += 331) messages.push(...encoder.push(sound.subarray(at, at + 331)))
  messages.push(...encoder.end())
  return { messages, rate: decoder.sampleRate, heard: join(messages.map((message) => decoder.push(message))) }
}

describe.each(streamFormats)('%s', (format) => {
  it.each([8000, 16_000, 22_050, 24_000])('carries a tone of %i Hz there and back', async (rate) => {
    const { heard, rate: heardRate } = await travel(format, tone(1000, rate, 1), rate)
    expect(heard.length / heardRate).toBeCloseTo(1, 1)
    // Whole periods, away from both ends.
    const middle = heard.subarray(heardRate / 4, (heardRate * 3) / 4)
    const least = { 'audio/pcm': 60, 'audio/pcmu': 30, 'audio/pcma': 30, 'audio/opus': 20 }[format]
    expect(purity(middle, 1000, heardRate)).toBeGreaterThan(least)
    const loudness = Math.sqrt(middle.reduce((sum, sample) => sum + sample * sample, 0) / middle.length)
    expect(Math.abs(20 * Math.log10(loudness / (16_000 / Math.SQRT2)))).toBeLessThan(0.5)
  })

  it('keeps silence silent', async () => {
    const { heard } = await travel(format, new Int16Array(24_000), 24_000)
    expect(Math.max(...heard.map(Math.abs))).toBeLessThanOrEqual(8)
  })

  it('can be disposed twice', async () => {
    for (const codec of [await openSoundEncoder(format, 24_000), await openSoundDecoder(format)]) {
      codec[Symbol.dispose]()
      codec[Symbol.dispose]()
    }
  })
})

describe('audio/pcm', () => {
  it('keeps each sample, wherever the bytes were cut', async () => {
    const sound = tone(440, 24_000, 0.1)
    const bytes = bytesOf(sound)
    for (const size of [1, 3, 1000, bytes.length]) {
      using decoder = await openSoundDecoder('audio/pcm')
      const pieces: Int16Array[] = []
      for (let at = 0; at < bytes.length; at += size) pieces.push(decoder.push(bytes.subarray(at, at + size)))
      expect(join(pieces)).toEqual(sound)
    }
  })

  it('takes the largest message of the protocol', async () => {
    using decoder = await openSoundDecoder('audio/pcm')
    expect(decoder.push(new Uint8Array(15 * 2 ** 20)).length).toBe((15 * 2 ** 20) / 2)
  })

  it('does not give away memory that the caller uses again', async () => {
    using encoder = await openSoundEncoder('audio/pcm', 24_000)
    const samples = Int16Array.of(1, 2, 3)
    const [message] = encoder.push(samples)
    samples.fill(9)
    expect([...(message ?? [])]).toEqual([1, 0, 2, 0, 3, 0])
  })
})

describe('audio/opus', () => {
  it('sends a packet each 20 ms, at a tenth of what PCM takes', async () => {
    const { messages } = await travel('audio/opus', tone(300, 24_000, 1), 24_000)
    expect(messages).toHaveLength(50)
    const bytes = messages.reduce((sum, { length }) => sum + length, 0)
    expect(bytes).toBeLessThan(4800)
  })

  it.each([
    ['nothing', []],
    ['a frame count of none', [0x03, 0x00]],
    ['a length beyond the packet', [0xff, 0xff, 0xff]],
    ['the head of an Ogg file', [...Buffer.from('OggS\0\x02')]],
    ['too much', Array.from({ length: 9000 }, () => 0)],
    ['frames that are good but more than fit', [0x83, 4, ...new Uint8Array(4 * 1275)]],
  ])('refuses %s, and goes on with the next packet', async (_, junk) => {
    using decoder = await openSoundDecoder('audio/opus')
    using encoder = await openSoundEncoder('audio/opus', 24_000)
    const [packet = new Uint8Array(0)] = encoder.push(tone(300, 24_000, 0.02))
    expect(() => decoder.push(Uint8Array.from(junk))).toThrow('Expected one Opus packet')
    expect(decoder.push(packet)).toHaveLength(480)
  })

  it('takes random bytes as noise or refuses them, and never more than 120 ms', async () => {
    using decoder = await openSoundDecoder('audio/opus')
    let refused = 0
    for (let i = 0; i < 500; i++) {
      const bytes = Uint8Array.from({ length: 1 + (i % 60) }, (_, at) => (i * 31 + at * at * 17 + (i >> 3)) & 0xff)
      try {
        expect(decoder.push(bytes).length).toBeLessThanOrEqual(2880)
      } catch (error) {
        expect(error).toMatchObject({ code: 'invalid' })
        refused++
      }
    }
    expect(refused).toBeGreaterThan(0)
    expect(refused).toBeLessThan(500)
  })

  it('decodes what a stereo encoder sent to one channel', async () => {
    const { createEncoder } = await import('libopus-wasm')
    using stereo = await createEncoder({ sampleRate: 48_000, channels: 2 })
    using decoder = await openSoundDecoder('audio/opus')
    expect(decoder.push(stereo.encode(new Int16Array(1920)))).toHaveLength(480)
  })
})

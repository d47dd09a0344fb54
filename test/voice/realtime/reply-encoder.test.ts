import { describe, expect, it } from 'vitest'
import { openSoundDecoder, type StreamFormat } from '../../../engine/audio/sound-codec.ts'
import { ReplyEncoder } from '../../../engine/voice/realtime/reply-encoder.ts'
import { purity } from '../../support/purity.ts'
import { tone } from '../../support/scripted-speech.ts'

/** Of a voice at 22,050 Hz, in pieces of a quarter of a second. */
function* say(encoder: ReplyEncoder, item: string, sound: Int16Array): Generator<Uint8Array> {
  const sampleRate = 22_050
  const step = Math.floor(sampleRate / 4)
  for (let at = 0; at < sound.length; at += step)
    yield* encoder.encode({ item, samples: sound.subarray(at, at + step), sampleRate })
}

async function hear(format: StreamFormat, pieces: readonly Uint8Array[]) {
  using decoder = await openSoundDecoder(format)
  return { rate: decoder.sampleRate, sound: Int16Array.from(pieces.flatMap((piece) => [...decoder.push(piece)])) }
}

describe.each([
  ['audio/pcm', 0, 60],
  ['audio/pcmu', 0, 30],
  ['audio/pcma', 0, 30],
  ['audio/opus', 0.02, 20],
] as const)('a reply as %s', (format, mostPaddingS, leastPurity) => {
  it('keeps its length and its tone, whatever rate the voice has', async () => {
    using encoder = await ReplyEncoder.open(format)
    const pieces = [...say(encoder, 'item_1', tone(1000, 22_050, 1)), ...encoder.end('item_1')]
    const { rate, sound } = await hear(format, pieces)
    expect(sound.length / rate).toBeGreaterThanOrEqual(1)
    expect(sound.length / rate).toBeLessThanOrEqual(1.001 + mostPaddingS)
    expect(purity(sound.subarray(rate / 4, (rate * 3) / 4), 1000, rate)).toBeGreaterThan(leastPurity)
  })

  it('has nothing of an item that was not ended in the next one', async () => {
    using encoder = await ReplyEncoder.open(format)
    for (const _ of say(encoder, 'item_1', tone(1000, 22_050, 0.235)));
    expect(encoder.end('item_2')).toEqual([])
    const pieces = [...say(encoder, 'item_2', new Int16Array(2205)), ...encoder.end('item_2')]
    const { rate, sound } = await hear(format, pieces)
    expect(sound.length / rate).toBeCloseTo(0.1, 2)
  })
})

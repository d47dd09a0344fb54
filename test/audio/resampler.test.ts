import { describe, expect, it } from 'vitest'
import { Resampler } from '../../engine/audio/resampler.ts'
import { tone } from '../support/scripted-speech.ts'

/** What comes of the samples in pieces of this size. */
function resample(samples: Int16Array, from: number, to: number, size: number): Int16Array {
  const resampler = new Resampler(from, to)
  const pieces: Int16Array[] = []
  for (let at = 0; at < samples.length; at += size) pieces.push(resampler.push(samples.subarray(at, at + size)))
  return Int16Array.from([...pieces, resampler.end()].flatMap((piece) => [...piece]))
}

describe('a resampler', () => {
  it.each([
    [22_050, 24_000],
    [16_000, 24_000],
    [44_100, 24_000],
    [48_000, 24_000],
    [24_000, 16_000],
    [24_000, 22_050],
    [8000, 24_000],
    [24_000, 8000],
  ])('P8: makes of a tone of %i Hz the same tone of %i Hz, in its place, 60 dB above what it adds', (from, to) => {
    const made = resample(tone(1000, from, 0.5), from, to, 441)
    const expected = tone(1000, to, 0.5)
    expect(Math.abs(made.length - expected.length)).toBeLessThanOrEqual(1)
    // The ends, where there was silence before and after, apart.
    const middle = (samples: Int16Array) => samples.subarray(to / 20, (to * 9) / 20)
    const errors = middle(made).map((sample, i) => sample - (middle(expected)[i] ?? 0))
    const power = (samples: Int16Array) => samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length
    expect(10 * Math.log10(power(middle(expected)) / power(errors))).toBeGreaterThan(60)
  })

  it('lets nothing through that the lower rate cannot carry', () => {
    const made = resample(tone(15_000, 44_100, 0.5), 44_100, 24_000, 1000).subarray(1000, -1000)
    expect(Math.max(...made.map(Math.abs))).toBeLessThan(30)
  })

  it('gives the same for one piece and for many', () => {
    const sound = tone(440, 22_050, 0.2)
    const whole = resample(sound, 22_050, 24_000, sound.length)
    for (const size of [1, 7, 1000]) expect(resample(sound, 22_050, 24_000, size)).toEqual(whole)
  })
})

import { describe, expect, it } from 'vitest'
import { quietWindows } from '../../engine/inference/quiet-cuts.ts'
import { speechRate } from '../../engine/inference/speech.ts'

/** Alternating seconds of sound and silence, beginning with sound. */
function audio(...seconds: readonly number[]): Float32Array {
  const parts = seconds.map((length, i) =>
    Float32Array.from({ length: Math.round(length * speechRate) }, (_, at) => (i % 2 === 0 ? Math.sin(at / 7) / 3 : 0)),
  )
  return Float32Array.from(parts.flatMap((part) => [...part]))
}

function windows(samples: Float32Array): [number, number][] {
  return [...quietWindows(samples)].map(({ start, end }) => [start / speechRate, end / speechRate])
}

describe('quietWindows', () => {
  it('leaves alone what fits one window', () => {
    expect(windows(audio(4, 0.5, 5.5))).toEqual([[0, 10]])
  })

  it('cuts in the middle of a pause', () => {
    const found = windows(audio(6, 0.3, 9))
    expect(found).toHaveLength(2)
    expect(found[0]?.[1]).toBeGreaterThan(6.05)
    expect(found[0]?.[1]).toBeLessThan(6.25)
    expect(found[1]).toEqual([found[0]?.[1], 15.3])
  })

  it('takes the last of several pauses alike', () => {
    expect(windows(audio(4, 0.4, 3, 0.4, 8))[0]?.[1]).toBeGreaterThan(7.4)
  })

  it('makes no window longer than 10 s or, but for the last, shorter than 3 s where nobody pauses', () => {
    const found = windows(audio(31))
    expect(found.every(([start, end]) => end - start <= 10)).toBe(true)
    expect(found.slice(0, -1).every(([start, end]) => end - start >= 3)).toBe(true)
    expect(found.map(([start]) => start).slice(1)).toEqual(found.map(([, end]) => end).slice(0, -1))
    expect(found.at(-1)?.[1]).toBe(31)
  })

  it('leaves out what is silent from end to end', () => {
    expect(windows(audio(0, 12))).toEqual([])
    expect(windows(new Float32Array(0))).toEqual([])
  })
})

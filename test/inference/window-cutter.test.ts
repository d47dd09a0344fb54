import { describe, expect, it } from 'vitest'
import { type StepWindow, WindowCutter, type WindowOptions } from '../../engine/inference/window-cutter.ts'
import { randomNumbers } from '../support/random.ts'

/** Windows of a course of probabilities, `[probability, steps]`. A step is 32 ms: 312 steps are 10 s. */
function cut(course: readonly (readonly [number, number])[], options?: Partial<WindowOptions>): StepWindow[] {
  return cutAll(
    course.flatMap(([probability, steps]) => Array.from({ length: steps }, () => probability)),
    options,
  )
}

function cutAll(probabilities: readonly number[], options?: Partial<WindowOptions>): StepWindow[] {
  const cutter = new WindowCutter(options)
  const windows = probabilities.flatMap((probability) => cutter.push(probability) ?? [])
  return [...windows, ...[cutter.finish() ?? []].flat()]
}

describe('a window cutter', () => {
  it('leaves silence out, but for 200 ms around the speech', () => {
    expect(
      cut([
        [0, 100],
        [0.9, 20],
        [0, 100],
      ]),
    ).toEqual([{ from: 94, to: 126, speech: [{ from: 100, to: 120 }] }])
    expect(cut([[0, 500]])).toEqual([])
  })

  it('gives a window as soon as nothing was said for 2 s', () => {
    const cutter = new WindowCutter()
    const given: number[] = []
    for (let i = 0; i < 200; i++) if (cutter.push(i < 10 ? 0.9 : 0)) given.push(i)
    // 62 steps are 2 s.
    expect(given).toEqual([71])
  })

  it('keeps pauses of less than 2 s within a window, and parts speech at those of half a second', () => {
    expect(
      cut([
        [0.9, 20],
        [0, 14],
        [0.9, 20],
        [0, 15],
        [0.9, 20],
      ]),
    ).toEqual([
      {
        from: 0,
        to: 89,
        speech: [
          { from: 0, to: 54 },
          { from: 69, to: 89 },
        ],
      },
    ])
  })

  it('cuts a window of 10 s in the longest silence of its second half', () => {
    expect(
      cut([
        [0.9, 200],
        [0, 4],
        [0.9, 40],
        [0, 10],
        [0.9, 100],
      ]),
    ).toEqual([
      { from: 0, to: 249, speech: [{ from: 0, to: 244 }] },
      { from: 249, to: 354, speech: [{ from: 254, to: 354 }] },
    ])
  })

  it('cuts after the least likely speech where there is no silence', () => {
    expect(
      cut([
        [0.9, 250],
        [0.6, 1],
        [0.9, 149],
      ]),
    ).toEqual([
      { from: 0, to: 251, speech: [{ from: 0, to: 251 }] },
      { from: 251, to: 400, speech: [{ from: 251, to: 400 }] },
    ])
  })

  it('neither loses nor repeats speech, and no window is too long, whatever comes', () => {
    for (let seed = 1; seed <= 40; seed++) {
      const random = randomNumbers(seed)
      const probabilities: number[] = []
      while (probabilities.length < 3000) {
        const level = random() < 0.5 ? 0.1 : 0.9
        for (let n = Math.floor(random() * 120); n > 0; n--) probabilities.push(level)
      }
      const windows = cutAll(probabilities)
      const held = new Set<number>()
      let last = 0
      for (const { from, to, speech } of windows) {
        expect(to - from, `seed ${seed}`).toBeLessThanOrEqual(312)
        expect(from, `seed ${seed}`).toBeGreaterThanOrEqual(last)
        for (const span of speech) expect(span.from >= from && span.to <= to, `seed ${seed}`).toBe(true)
        for (let step = from; step < to; step++) held.add(step)
        last = to
      }
      const lost = probabilities.filter((probability, i) => probability > 0.5 && !held.has(i))
      expect(lost, `seed ${seed}`).toEqual([])
    }
  })
})

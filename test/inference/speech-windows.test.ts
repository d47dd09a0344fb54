import { describe, expect, it } from 'vitest'
import { speechWindows, toSegments } from '../../engine/inference/speech-windows.ts'
import { fakeDetector } from '../support/fake-detector.ts'

const second = 16_000
const never = new AbortController().signal
const word = (text: string, start: number, end: number) => ({ text, start, end })

describe('windows of speech', () => {
  it('hold all that is loud, where it is, and are views of the audio', async () => {
    const detector = fakeDetector()
    const samples = new Float32Array(30 * second)
    samples.fill(0.5, 5 * second, 7 * second)
    samples.fill(0.5, 20 * second, 21 * second)
    const windows = []
    for await (const window of speechWindows(samples, detector, never)) windows.push(window)
    expect(windows.map(({ start, speech }) => ({ start, speech }))).toEqual([
      { start: 4.8, speech: [{ start: 4.992, end: 7.008 }] },
      { start: 19.808, speech: [{ start: 20, end: 21.024 }] },
    ])
    expect(windows[0]?.samples.buffer).toBe(samples.buffer)
    expect(windows[0]?.samples.byteOffset).toBe(4 * 4.8 * second)
    expect(detector.opened).toBe(0)
  })

  it('close the detection also when the reader leaves or gives up', async () => {
    const detector = fakeDetector()
    const samples = new Float32Array(60 * second)
    samples.fill(0.5, 0, second)
    for await (const _ of speechWindows(samples, detector, never)) break
    expect(detector.opened).toBe(0)
    const caller = new AbortController()
    caller.abort()
    await expect(speechWindows(samples, detector, caller.signal).next()).rejects.toMatchObject({ code: 'cancelled' })
    expect(detector.opened).toBe(0)
  })
})

describe('segments', () => {
  const window = {
    start: 10,
    samples: new Float32Array(0),
    speech: [
      { start: 10.2, end: 12 },
      { start: 13, end: 14 },
    ],
  }

  it('are one per stretch of speech, with the words that lie nearest', () => {
    const words = [word('one', 0.3, 0.8), word('two', 1.5, 2.2), word('three', 2.8, 3.1)]
    expect(toSegments(window, { text: 'one two three', words, language: 'en' })).toEqual([
      {
        text: 'one two',
        start: 10.2,
        end: 12,
        words: [word('one', 10.3, 10.8), word('two', 11.5, 12.2)],
        language: 'en',
      },
      { text: 'three', start: 13, end: 14, words: [word('three', 12.8, 13.1)], language: 'en' },
    ])
  })

  it('are one for the window where the words have no times', () => {
    expect(toSegments(window, { text: ' All of it. ', words: [], language: null })).toEqual([
      { text: 'All of it.', start: 10.2, end: 14, words: [], language: null },
    ])
  })

  it('are none where nothing was heard', () => {
    expect(toSegments(window, { text: ' ', words: [], language: null })).toEqual([])
  })
})

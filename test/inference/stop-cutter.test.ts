import { describe, expect, it } from 'vitest'
import { StopCutter } from '../../engine/inference/stop-cutter.ts'

/** What comes out for each piece, and at the end. */
function cut(stops: readonly string[], pieces: readonly string[]) {
  const cutter = new StopCutter(stops)
  const out = pieces.map((piece) => cutter.push(piece))
  return { out, rest: cutter.flush(), stopped: cutter.stopped }
}

describe('StopCutter', () => {
  it('gives everything at once where no stop text may begin', () => {
    expect(cut(['END'], ['one ', 'two'])).toEqual({ out: ['one ', 'two'], rest: '', stopped: false })
    expect(cut([], ['END'])).toEqual({ out: ['END'], rest: '', stopped: false })
    expect(cut([''], ['END'])).toEqual({ out: ['END'], rest: '', stopped: false })
  })

  it('ends before a stop text, wherever pieces part it', () => {
    for (let at = 1; at < 10; at++) {
      const text = 'one END two'
      const { out, rest, stopped } = cut(['END'], [text.slice(0, at), text.slice(at)])
      expect([out.join(''), rest, stopped]).toEqual(['one ', '', true])
    }
  })

  it('holds back only what may become a stop text, and gives it when it does not', () => {
    expect(cut(['END'], ['EN', 'D'])).toEqual({ out: ['', ''], rest: '', stopped: true })
    expect(cut(['END'], ['the EN', 'GINS'])).toEqual({ out: ['the ', 'ENGINS'], rest: '', stopped: false })
    expect(cut(['END'], ['the E'])).toEqual({ out: ['the '], rest: 'E', stopped: false })
  })

  it('ends before the first of several, also when one begins within another', () => {
    expect(cut(['two', 'one'], ['zero one two']).out).toEqual(['zero '])
    expect(cut(['aab', 'ab'], ['aa', 'ab'])).toMatchObject({ out: ['', 'a'], stopped: true })
  })

  it('gives nothing after it', () => {
    expect(cut(['END'], ['END', 'more'])).toEqual({ out: ['', ''], rest: '', stopped: true })
  })
})

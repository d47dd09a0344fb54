import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { ProgressBar, sizeText } from '../engine/progress-bar.ts'

const total = 10_000_000

beforeEach(() => void vi.useFakeTimers({ toFake: ['performance'] }))
afterEach(() => void vi.useRealTimers())

describe('a progress bar on a terminal', () => {
  const drawn: string[] = []
  const terminal = { columns: 80, write: (text: string) => void drawn.push(text) }
  beforeEach(() => {
    drawn.length = 0
  })

  function show(bar: ProgressBar, received: number, afterMs: number): string {
    vi.advanceTimersByTime(afterMs)
    bar.show({ received, total })
    return drawn.at(-1)?.trim() ?? ''
  }

  test('shows bytes, share, rate and what is left, on one line', () => {
    const bar = new ProgressBar('toy.onnx', { print: () => undefined, terminal })
    expect(show(bar, 0, 0)).toBe('toy.onnx  [........................]  0 B of 10.0 MB  0 %')
    expect(show(bar, 1_000_000, 1000)).toBe(
      'toy.onnx  [##....................]  1.0 MB of 10.0 MB  10 %  1.0 MB/s  9 s left',
    )
    expect(show(bar, 5_000_000, 1000)).toBe(
      'toy.onnx  [###########...........]  5.0 MB of 10.0 MB  50 %  2.5 MB/s  2 s left',
    )
    expect(drawn.every((text) => text.startsWith('\r') && text.length <= 80)).toBe(true)
  })

  test('gives up its bar before it cuts words', () => {
    const bar = new ProgressBar('a-model-with-a-long-name.onnx', { print: () => undefined, terminal })
    show(bar, 0, 0)
    expect(show(bar, 5_000_000, 1000)).toBe(
      'a-model-with-a-long-name.onnx  5.0 MB of 10.0 MB  50 %  5.0 MB/s  1 s left',
    )
  })

  test('takes the rate from the last seconds, not from the beginning', () => {
    const bar = new ProgressBar('toy', { print: () => undefined, terminal })
    show(bar, 0, 0)
    show(bar, 5_000_000, 1000)
    show(bar, 5_001_000, 60_000)
    expect(show(bar, 5_002_000, 1000)).toContain('1.0 kB/s  1 h 23 min left')
  })

  test('is drawn ten times a second at most, and always at the end', () => {
    const bar = new ProgressBar('toy', { print: () => undefined, terminal })
    for (let received = 0; received < 100; received++) show(bar, received, 10)
    expect(drawn).toHaveLength(10)
    show(bar, total, 1)
    expect(drawn).toHaveLength(11)
  })
})

describe('progress without a terminal', () => {
  test('is a line every 10 %, none twice, and one where nobody says how much there will be', () => {
    const lines: string[] = []
    const print = (line: string) => void lines.push(line)
    const bar = new ProgressBar('toy', { print })
    for (let received = 0; received <= total; received += 50_000) bar.show({ received, total })
    bar.show({ received: total, total })
    expect(lines).toHaveLength(10)
    expect([lines[0], lines.at(-1)]).toEqual(['toy: 10 %, 1.0 MB of 10.0 MB', 'toy: 100 %, 10.0 MB of 10.0 MB'])
    const unknown = new ProgressBar('toy', { print })
    for (const received of [1, 2, 3]) unknown.show({ received, total: null })
    expect(lines.slice(10)).toEqual(['toy: nobody says how large it is'])
  })
})

test('sizes are told as people write them', () => {
  expect([0, 999, 1500, 12_800_000, 3_130_000_000].map(sizeText)).toEqual([
    '0 B',
    '999 B',
    '1.5 kB',
    '12.8 MB',
    '3.13 GB',
  ])
})

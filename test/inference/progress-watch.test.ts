import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { ProgressWatch } from '../../engine/inference/progress-watch.ts'
import { settle } from '../support/fake-models.ts'

let stalls: string[]
let watch: ProgressWatch
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'performance'] })
  stalls = []
  watch = new ProgressWatch((why) => void stalls.push(why))
})
afterEach(() => {
  watch[Symbol.dispose]()
  vi.useRealTimers()
})

/** Something under way, and its end. */
function follow(kind: 'infer' | 'load') {
  let end: () => void = () => undefined
  const settled = new Promise<void>((resolve) => {
    end = resolve
  })
  watch.follow(kind, settled)
  return async () => {
    end()
    await settle()
  }
}

describe('the watch over a device', () => {
  it('tells once when nothing has ended for 2 s', () => {
    follow('infer')
    vi.advanceTimersByTime(1900)
    expect(stalls).toEqual([])
    vi.advanceTimersByTime(10_000)
    expect(stalls).toEqual(['the device gave no answer for 2000 ms'])
  })

  it('is content as long as something ends', async () => {
    for (let i = 0; i < 5; i++) {
      const end = follow('infer')
      follow('infer')
      vi.advanceTimersByTime(1500)
      await end()
    }
    expect(stalls).toEqual([])
  })

  it('watches nothing while nothing is under way', async () => {
    const end = follow('infer')
    await end()
    expect(vi.getTimerCount()).toBe(0)
    vi.advanceTimersByTime(60_000)
    expect(stalls).toEqual([])
  })

  it('waits longer while a model is loaded, and for a load alone not at all', async () => {
    const end = follow('load')
    vi.advanceTimersByTime(60_000)
    expect(stalls).toEqual([])
    follow('infer')
    vi.advanceTimersByTime(14_000)
    expect(stalls).toEqual([])
    await end()
    vi.advanceTimersByTime(2500)
    expect(stalls).toHaveLength(1)
  })
})

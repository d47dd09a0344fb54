import { Subject } from 'rxjs'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Playback } from '../../engine/audio/playbacks.ts'
import { StreamOutput } from '../../engine/voice/stream-output.ts'
import type { ReplySound } from '../../engine/voice/voice-output.ts'

beforeEach(() => vi.useFakeTimers())
afterEach(() => {
  vi.useRealTimers()
})

/** A speaker whose listener the test is. */
class HandSpeaker implements Playback {
  takenMs = 0
  heardMs = 0
  droppedMs = 0
  readonly changes = new Subject<void>()
  readonly asked: string[] = []

  hear(ms: number): void {
    this.heardMs += ms
    this.changes.next()
  }
  hold(): void {
    this.asked.push('hold')
  }
  resume(): void {
    this.asked.push('resume')
  }
  async flush(): Promise<void> {
    this.asked.push('flush')
    this.droppedMs = this.takenMs - this.heardMs
  }
}

function makeOutput(speaker?: HandSpeaker) {
  const sent: ReplySound[] = []
  const played: [number, number][] = []
  const flushed: number[] = []
  let current = speaker
  const output = new StreamOutput({
    onNotice: () => undefined,
    onSound: (sound) => {
      sent.push(sound)
      if (current) current.takenMs += 100
    },
    onPlayed: (turn, ms) => played.push([turn, ms]),
    onFlushed: (turn) => flushed.push(turn),
    playback: () => current,
    aheadMs: 300,
  })
  const leave = () => {
    current = undefined
  }
  return { output, sent, played, flushed, leave }
}

/** A tenth of a second. */
const piece = (turn: number): ReplySound => ({
  ...{ turn, clause: 0, response: 'resp_1', item: 'item_1', sampleRate: 16_000 },
  samples: new Int16Array(1600),
})
const settle = () => vi.advanceTimersByTimeAsync(0)

describe('a stream output with a speaker', () => {
  it('goes by what the speaker has heard, and waits while it has enough', async () => {
    const speaker = new HandSpeaker()
    const { output, sent, played } = makeOutput(speaker)
    let more = 0
    for (let i = 0; i < 5; i++) void output.play(piece(1)).then(() => more++)
    await settle()
    expect([sent.length, more]).toEqual([3, 3])
    await vi.advanceTimersByTimeAsync(10_000)
    expect(sent).toHaveLength(3)
    speaker.hear(120)
    await settle()
    expect(sent.length).toBeGreaterThan(3)
    expect(played).toEqual([[1, 120]])
  })

  it('counts from where a reply begins, whatever the speaker played before', async () => {
    const speaker = new HandSpeaker()
    Object.assign(speaker, { takenMs: 5000, heardMs: 4000, droppedMs: 900 })
    const { output, played } = makeOutput(speaker)
    void output.play(piece(3))
    await settle()
    speaker.hear(100)
    speaker.hear(60)
    expect(played).toEqual([
      [3, 0],
      [3, 60],
    ])
    expect(await output.flush(3)).toBe(60)
  })

  it('holds, goes on, and drops what was not heard, for the reply that plays only', async () => {
    const speaker = new HandSpeaker()
    const { output, flushed, sent } = makeOutput(speaker)
    for (let i = 0; i < 5; i++) void output.play(piece(2))
    await settle()
    output.hold(1)
    output.hold(2)
    output.resume(2)
    speaker.hear(150)
    const before = sent.length
    expect(await output.flush(2)).toBe(150)
    expect(speaker.asked).toEqual(['hold', 'resume', 'flush'])
    await vi.advanceTimersByTimeAsync(1)
    expect(flushed).toEqual([2])
    speaker.hear(1000)
    await output.play(piece(2))
    expect(sent.length - before).toBeLessThanOrEqual(1)
    expect(await output.flush(1)).toBe(0)
  })

  it('lets go of who waits when the speaker breaks, and takes the clock for the next reply', async () => {
    const speaker = new HandSpeaker()
    const { output, sent, played, leave } = makeOutput(speaker)
    const plays = Array.from({ length: 5 }, () => output.play(piece(1)))
    await settle()
    speaker.changes.complete()
    leave()
    await Promise.all(plays)
    expect(sent).toHaveLength(3)
    await output.play(piece(2))
    await vi.advanceTimersByTimeAsync(500)
    expect(played.at(-1)).toEqual([2, 100])
    output.close()
    expect(vi.getTimerCount()).toBe(0)
  })
})

describe('a stream output without a speaker', () => {
  it('goes by the clock', async () => {
    const { output, sent, played } = makeOutput()
    void (async () => {
      for (let i = 0; i < 5; i++) await output.play(piece(1))
    })()
    await settle()
    expect(sent).toHaveLength(3)
    await vi.advanceTimersByTimeAsync(1000)
    expect(sent).toHaveLength(5)
    expect(played.at(-1)).toEqual([1, 500])
    output.close()
    expect(vi.getTimerCount()).toBe(0)
  })
})

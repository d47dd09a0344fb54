import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { ClockPlayer } from '../../engine/voice/clock-player.ts'
import type { ReplySound } from '../../engine/voice/voice-output.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const rate = 16_000
const sound = (turn: number, ms: number): ReplySound => ({
  ...{ turn, clause: 0, response: 'resp_1', item: 'item_1', sampleRate: rate },
  samples: new Int16Array((rate * ms) / 1000),
})

class Listener {
  sentMs = 0
  room: Promise<void> = Promise.resolve()
  readonly played: (readonly [turn: number, ms: number])[] = []
  readonly player = new ClockPlayer({
    send: async ({ samples }) => {
      this.sentMs += (samples.length * 1000) / rate
      await this.room
    },
    onPlayed: (turn, ms) => this.played.push([turn, Math.round(ms)]),
    aheadMs: 1000,
  })

  /** As a voice that is faster than any listener. */
  async say(turn: number, ms: number): Promise<void> {
    for (let at = 0; at < ms; at += 100) await this.player.play(sound(turn, 100))
  }
}

const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms)

describe('a player by the clock', () => {
  it('sends so far ahead of what is heard, and tells what was', async () => {
    const heard = new Listener()
    const said = heard.say(1, 3000)
    await pass(0)
    expect(heard.sentMs).toBe(1000)
    await pass(500)
    expect(heard.sentMs).toBe(1500)
    await pass(2000)
    await said
    expect(heard.sentMs).toBe(3000)
    await pass(2000)
    expect(heard.played.at(-1)).toEqual([1, 3000])
    expect(heard.played.map(([, ms]) => ms)).toEqual(heard.played.map(([, ms]) => ms).toSorted((a, b) => a - b))
  })

  it('holds, goes on, and counts as heard only what was heard meanwhile', async () => {
    const listener = new Listener()
    const said = listener.say(1, 3000)
    await pass(400)
    listener.player.hold(1)
    const { sentMs } = listener
    await pass(5000)
    expect(listener.sentMs).toBe(sentMs)
    listener.player.resume(1)
    await pass(100)
    expect(await listener.player.flush(1)).toBe(500)
    await said
    expect(listener.sentMs).toBeLessThan(2000)
  })

  it('drops a reply: what waits is not sent, what comes late neither, and the next reply begins anew', async () => {
    const listener = new Listener()
    const said = listener.say(1, 3000)
    await pass(200)
    expect(await listener.player.flush(1)).toBe(200)
    await said
    const { sentMs } = listener
    await listener.player.play(sound(1, 100))
    expect(listener.sentMs).toBe(sentMs)
    expect(await listener.player.flush(7)).toBe(0)
    await listener.player.play(sound(8, 100))
    expect(listener.sentMs).toBe(sentMs + 100)
    await pass(1000)
    expect(listener.played.at(-1)).toEqual([8, 100])
  })

  it('counts nothing as heard that is still on its way', async () => {
    const listener = new Listener()
    let arrive: () => void = () => undefined
    listener.room = new Promise((resolve) => (arrive = resolve))
    const playing = listener.player.play(sound(1, 100))
    await pass(1000)
    expect(listener.played).toEqual([])
    arrive()
    await playing
    await pass(1000)
    expect(listener.played).toEqual([[1, 100]])
  })

  it('leaves no timer behind when it is closed', async () => {
    const listener = new Listener()
    const said = listener.say(1, 3000)
    await pass(100)
    listener.player.close()
    await said
    expect(vi.getTimerCount()).toBe(0)
  })
})

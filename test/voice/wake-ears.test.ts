import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { SessionPool } from '../../engine/voice/session-pool.ts'
import type { VoiceNotice } from '../../engine/voice/voice-output.ts'
import { WakeEars, type WakeEvent } from '../../engine/voice/wake-ears.ts'
import { HandSpotter } from '../support/hand-spotter.ts'
import { VoiceStages } from '../support/voice-stages.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const pieceMs = 20

/** A voice session with fake stages behind ears with a spotter that the test plays. Sound and time pass alike. */
class Trial {
  readonly stages = new VoiceStages()
  readonly spotter = new HandSpotter()
  readonly notices: VoiceNotice[] = []
  readonly events: WakeEvent[] = []
  readonly #pool = new SessionPool({ ...this.stages, limit: 1, onTrouble: (error) => expect.fail(String(error)) })
  #ears: WakeEars | undefined
  #session: Awaited<ReturnType<SessionPool['open']>> | undefined

  async open(holdMs = 3000): Promise<this> {
    let turn = 0
    let ms = 0
    const told = () => {
      this.#ears?.played()
      this.session.tell({ type: 'played', turn, ms })
    }
    const output = {
      notice: (notice: VoiceNotice) => {
        this.notices.push(notice)
        this.#ears?.heed(notice)
      },
      play: async (sound: { readonly turn: number; readonly samples: Int16Array; readonly sampleRate: number }) => {
        ms = (sound.turn === turn ? ms : 0) + (sound.samples.length * 1000) / sound.sampleRate
        turn = sound.turn
        setTimeout(told)
      },
      hold: () => undefined,
      resume: () => undefined,
      flush: async () => ms,
    }
    this.#session = await this.#pool.open(output, { user: 'trial', machine: { holdMs } })
    this.#ears = await WakeEars.open({
      ...{ spotter: this.spotter, session: this.#session, wake: ['robot'], stop: ['stop'], followUpMs: 2000 },
      onEvent: (event) => this.events.push(event),
      onFailure: (error) => expect.fail(String(error)),
    })
    return this
  }

  get session() {
    if (!this.#session) throw new Error('Expected it to be open')
    return this.#session
  }

  /** Seconds so far. */
  get now(): number {
    return this.spotter.heard / 16_000
  }

  async hear(ms: number, loudness: number): Promise<void> {
    for (let passed = 0; passed < ms; passed += pieceMs) {
      this.#ears?.hear(new Int16Array(pieceMs * 16).fill(loudness))
      await vi.advanceTimersByTimeAsync(pieceMs)
    }
  }

  async say(ms: number): Promise<void> {
    await this.hear(ms, 9000)
  }

  async wait(ms: number): Promise<void> {
    await this.hear(ms, 0)
  }

  types(): string[] {
    return this.notices.map(({ type }) => type)
  }

  async close(): Promise<void> {
    await this.#ears?.[Symbol.asyncDispose]()
    await this.#pool[Symbol.asyncDispose]()
    expect(this.spotter.running).toBe(0)
    expect(this.stages.working).toEqual({ detections: 0, streams: 0, generations: 0, voices: 0 })
  }
}

describe('a voice session with wake and stop words', () => {
  it('is told nothing before the wake word, answers what follows it, and a follow-up without it', async () => {
    const trial = await new Trial().open()
    trial.stages.transcripts.push('what time is it', 'and tomorrow')
    await trial.say(1000)
    await trial.wait(1000)
    expect(trial.notices).toEqual([])
    // "robot, what time is it": the word is told at the pause after the sentence.
    await trial.say(1500)
    await trial.wait(300)
    trial.spotter.hear('robot', 2, 2.5)
    await trial.wait(2000)
    await trial.say(700)
    await trial.wait(6000)
    const said = trial.session.history.filter((item) => item.type === 'message').map(({ text }) => text)
    expect(said).toEqual(['what time is it', 'and tomorrow'])
    const [first] = trial.stages.heard
    // What was said after the word, a silence to end it, and the lead of the detector: not the word, nor what was said before.
    expect((first?.filter((value) => Math.abs(value) > 0.05).length ?? 0) / 16_000).toBeCloseTo(1, 1)
    expect(trial.types().filter((type) => type === 'response-ended')).toHaveLength(2)
    expect(trial.events).toEqual([{ name: 'asleep' }, { name: 'awake', word: 'robot' }, { name: 'asleep' }])
    const told = trial.notices.length
    await trial.say(1000)
    await trial.wait(2000)
    expect(trial.notices).toHaveLength(told)
    await trial.close()
  })

  it('ends a reply by a stop word that is still being said, which is no turn', async () => {
    const trial = await new Trial().open()
    trial.stages.hanging.add('language')
    trial.stages.transcripts.push('tell me a story')
    trial.spotter.hear('robot', 0, 0)
    await trial.say(700)
    await trial.wait(1500)
    expect(trial.types()).toContain('response-started')
    const from = trial.now
    await trial.say(400)
    await trial.wait(300)
    trial.spotter.hear('stop', from, from + 0.4)
    await trial.wait(1500)
    expect(trial.notices.find(({ type }) => type === 'response-ended')).toMatchObject({
      end: { status: 'cancelled', reason: 'client_cancelled' },
    })
    expect(trial.session.history.filter(({ type }) => type === 'message')).toHaveLength(1)
    expect(trial.stages.requests).toHaveLength(1)
    expect(trial.events.at(-1)).toEqual({ name: 'stopped', word: 'stop' })
    await trial.wait(1000)
    expect(trial.events.at(-1)).toEqual({ name: 'asleep' })
    await trial.close()
  })

  it('takes a stop word that became a turn before it was known out of the conversation, and its reply too', async () => {
    const trial = await new Trial().open(300)
    trial.stages.hanging.add('language')
    trial.stages.transcripts.push('tell me a story', 'stop')
    trial.spotter.hear('robot', 0, 0)
    await trial.say(700)
    await trial.wait(1500)
    const from = trial.now
    await trial.say(400)
    await trial.wait(1500)
    expect(trial.stages.requests).toHaveLength(2)
    trial.spotter.hear('stop', from, from + 0.4)
    await trial.wait(500)
    const said = trial.session.history.filter((item) => item.type === 'message').map(({ text }) => text)
    expect(said).toEqual(['tell me a story'])
    expect(trial.stages.working.generations).toBe(0)
    expect(trial.types()).not.toContain('refused')
    await trial.close()
  })
})

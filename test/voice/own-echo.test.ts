import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Resampler } from '../../engine/audio/resampler.ts'
import type { VoiceDetector } from '../../engine/inference/speech.ts'
import { SessionPool } from '../../engine/voice/session-pool.ts'
import type { VoiceNotice, VoiceOutput } from '../../engine/voice/voice-output.ts'
import type { VoiceSession } from '../../engine/voice/voice-session.ts'
import { hasTestData, testData } from '../support/data.ts'
import { createSpeech, readSpeech, type SpeechSetup } from '../support/speech.ts'
import { VoiceStages } from '../support/voice-stages.ts'
import { until } from '../support/wait.ts'

const rate = 16_000
/** A speaker's loudspeaker is a fifth of a second behind. */
const lateSamples = rate / 5
const story = [
  'The old lighthouse keeper climbed the winding stairs each evening. ',
  'Far below, the waves were breaking loudly against black rocks! ',
  'Did anybody still remember why the lamp had been built? ',
  'Seven ships had been lost here, in a single winter, many years ago. ',
]

/** Samples that the detector may be behind, half a second. */
const behindSamples = rate / 2

/** A room whose loudspeaker plays as fast as the detector hears, and whose microphone hears it again, at a tenth of the level. */
class Room implements VoiceOutput {
  session: VoiceSession | undefined
  readonly notices: VoiceNotice[] = []
  /** What somebody says meanwhile. */
  voice: Int16Array = new Int16Array()
  playedMs = 0
  /** Samples that the microphone has heard, and those of them that the detector has. */
  heard = 0
  detected = 0
  #onTheWay: number[] = new Array(lateSamples).fill(0)

  notice(notice: VoiceNotice): void {
    this.notices.push(notice)
  }

  async play({ turn, samples, sampleRate }: Parameters<VoiceOutput['play']>[0]): Promise<void> {
    const resampler = new Resampler(sampleRate, rate)
    const sound = [...resampler.push(samples), ...resampler.end()]
    const ms = (samples.length * 1000) / sampleRate
    this.playedMs += ms
    await until('the detector', () => this.heard - this.detected < behindSamples, 60_000)
    // The microphone hears this while the piece plays, which the session takes as handed over by then.
    setImmediate(() => {
      this.#onTheWay.push(...sound)
      this.#hear(sound.length)
      this.session?.tell({ type: 'played', turn, ms: this.playedMs })
    })
  }

  /** The next samples of the microphone. */
  #hear(count: number): void {
    const echo = this.#onTheWay.splice(0, count)
    const said = this.voice.subarray(0, count)
    this.voice = this.voice.subarray(count)
    const mixed = Int16Array.from({ length: count }, (_, i) => (echo[i] ?? 0) * 0.1 + (said[i] ?? 0))
    this.heard += count
    this.session?.push(mixed, rate)
  }

  hold(): void {
    expect.fail('Expected an interruption')
  }

  resume(): void {
    expect.fail('Expected an interruption')
  }

  async flush(): Promise<number> {
    this.#onTheWay.length = Math.min(this.#onTheWay.length, lateSamples)
    return this.playedMs
  }

  /** The same detector, of which this room knows how far it is. */
  watch(detector: VoiceDetector): VoiceDetector {
    return {
      name: detector.name,
      open: async () => {
        const detection = await detector.open()
        const next = async (samples: Float32Array) => {
          const probability = await detection.next(samples)
          this.detected += samples.length
          return probability
        }
        return { next, reset: () => detection.reset(), [Symbol.asyncDispose]: () => detection[Symbol.asyncDispose]() }
      },
    }
  }

  ended(): VoiceNotice | undefined {
    return this.notices.find(({ type }) => type === 'response-ended')
  }
}

describe.skipIf(!hasTestData)('a session that hears its own voice, with a real voice and a real detector', () => {
  let setup: SpeechSetup
  let room: Room
  let pool: SessionPool
  const stages = new VoiceStages()
  beforeEach(async () => {
    setup = await createSpeech()
    stages.answers = [Array.from({ length: 8 }, () => story).flat()]
    stages.delays = { ...stages.delays, firstToken: 0, token: 0 }
    room = new Room()
    const { detector, synthesiser } = setup.speech
    const speech = { ...stages.speech, detector: room.watch(detector), synthesiser }
    const machine = { holdMs: 0 }
    pool = new SessionPool({
      speech,
      language: stages.language,
      limit: 1,
      machine,
      onTrouble: (error) => expect.fail(String(error)),
    })
  })
  afterEach(async () => {
    await pool[Symbol.asyncDispose]()
    await setup[Symbol.asyncDispose]()
  })

  it('B5, R1: is not interrupted by a minute of it at −20 dB, and is by a person who speaks over it', {
    timeout: 240_000,
  }, async () => {
    await using session = await pool.open(room, { user: 'test' })
    room.session = session
    session.tell({ type: 'say', text: 'Tell me a story.' })
    const clip = await readSpeech(testData('media/arctic_a0024.wav'))
    await until('a minute of the reply', () => room.playedMs > 60_000, 120_000)
    expect(room.notices.filter(({ type }) => type === 'speech-started')).toEqual([])
    const spokenOverMs = session.inputMs
    room.voice = Int16Array.from(clip, (value) => value * 32_768)
    await until('the interruption', () => room.ended() !== undefined, 120_000)
    expect(room.ended()).toMatchObject({ end: { status: 'cancelled', reason: 'turn_detected' } })
    const [started] = room.notices.filter((notice) => notice.type === 'speech-started')
    // The clip begins with half a second of quiet; what is told begins 300 ms before the voice.
    expect(started?.audioMs).toBeGreaterThan(spokenOverMs - 300)
    expect(started?.audioMs).toBeLessThan(spokenOverMs + 1000)
  })
})

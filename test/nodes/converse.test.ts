import { Subject } from 'rxjs'
import { describe, expect, it } from 'vitest'
import { Playbacks } from '../../engine/audio/playbacks.ts'
import { Edge } from '../../engine/core/edge.ts'
import type { PacketOf } from '../../engine/core/packet.ts'
import { EngineError } from '../../engine/errors.ts'
import node from '../../engine/nodes/converse.ts'
import type { Tools } from '../../engine/tools.ts'
import type { History } from '../../engine/voice/history.ts'
import { defaultSettings } from '../../engine/voice/settings.ts'
import type { VoiceNotice, VoiceOutput } from '../../engine/voice/voice-output.ts'
import type { VoiceRequest } from '../../engine/voice/voice-request.ts'
import type { VoiceSessionOptions, VoiceSessions } from '../../engine/voice/voice-sessions.ts'
import { ScriptedSpeech, tone } from '../support/scripted-speech.ts'
import { soundPackets } from '../support/sound-packets.ts'
import { StillClock, silentLog } from '../support/topic-packets.ts'
import { until } from '../support/wait.ts'

/** Voice sessions that a test plays: it sees what they are given, and speaks for them. */
class HandSessions implements VoiceSessions {
  size = 0
  failure: Error | undefined
  asked: VoiceSessionOptions | undefined
  output: VoiceOutput | undefined
  readonly heard: number[] = []
  readonly told: VoiceRequest[] = []
  history: History = []

  async open(output: VoiceOutput, options: VoiceSessionOptions) {
    this.asked = options
    if (this.failure) throw this.failure
    this.output = output
    this.size++
    const sessions = this
    return {
      id: 'one',
      settings: defaultSettings,
      inputMs: 0,
      get history() {
        return sessions.history
      },
      push: (samples: Int16Array, sampleRate: number) => void this.heard.push((samples.length * 1000) / sampleRate),
      tell: (request: VoiceRequest) => void this.told.push(request),
      [Symbol.asyncDispose]: async () => void this.size--,
    }
  }

  say(...notices: VoiceNotice[]): void {
    for (const notice of notices) this.output?.notice(notice)
  }
}

function run(options: object = {}, voices = new HandSessions()) {
  const speech = new ScriptedSpeech()
  const edge = new Edge('house/assistant', node.edge)
  const own = { pipeline: 'house', stream: 'assistant', log: silentLog, clock: new StillClock(), edge }
  const tools = { ...own, voices, speech, playbacks: new Playbacks() } as Partial<Tools> as Tools
  const sound = new Subject<PacketOf<'audio'>>()
  const packets: PacketOf<'text' | 'audio' | 'event'>[] = []
  const ends: unknown[] = []
  const subscription = sound.pipe(node.create(node.options.parse(options), tools)).subscribe({
    next: (packet) => packets.push(packet),
    error: (error) => ends.push(error),
    complete: () => ends.push('complete'),
  })
  const on = (output: string) =>
    packets.filter(({ stream }) => stream === `assistant/${output}`).map(({ payload }) => payload)
  return { voices, spotter: speech.spotter, sound, packets, on, ends, edge, close: () => subscription.unsubscribe() }
}

const item = { id: 'item_2', type: 'reply', text: 'Good morning to you all.', isSpoken: true, playedMs: 0 } as const
const clauses = [{ text: item.text, soundMs: 2000, isWhole: true }]

describe('converse', () => {
  it('opens a voice session with its options, then listens', async () => {
    const options = { model: 'tiny', instructions: 'Be brief.', voice: 'anna', language: 'en', silenceMs: 700 }
    const { voices, sound, edge, close } = run({ ...options, interruptible: false, holdMs: 0, maxTokens: 9 })
    expect(sound.observed).toBe(false)
    await until('that it listens', () => sound.observed)
    expect(voices.asked).toEqual({
      user: 'house/assistant',
      machine: { holdMs: 0 },
      settings: {
        model: 'tiny',
        instructions: 'Be brief.',
        sampling: { maxTokens: 9 },
        voice: { voice: 'anna', speed: 1 },
        recognition: { language: 'en' },
        turnDetection: {
          ...{ type: 'server_vad', threshold: 0.5, prefixMs: 300, silenceMs: 700, idleTimeoutMs: null },
          ...{ createResponse: true, interruptResponse: false },
        },
      },
    })
    for (const packet of soundPackets(tone(440, 48_000, 0.5), { sampleRate: 48_000 })) sound.next(packet)
    const heardMs = voices.heard.reduce((sum, ms) => sum + ms, 0)
    expect(Math.abs(heardMs - 500)).toBeLessThan(3)
    expect(edge.counts).toMatchObject({ in: 25, out: 25, dropped: 0 })
    close()
    await until('the end of its session', () => voices.size === 0)
  })

  it('finds the ends of turns by meaning, where it is told to, and refuses what that does not heed', () => {
    const { voices, close } = run({ turns: 'meaning' })
    close()
    return until('the session', () => voices.asked).then(({ settings }) => {
      expect(settings?.turnDetection).toMatchObject({ type: 'semantic_vad', eagerness: 'auto' })
      expect(node.options.safeParse({ turns: 'meaning', silenceMs: 300 }).error?.issues[0]?.message).toContain(
        'Expected none of threshold, prefixMs, silenceMs, idleTimeoutMs',
      )
    })
  })

  it('publishes the words, the reply as it grows, the sound and the turns', async () => {
    const { voices, sound, on, packets, close } = run({ model: 'tiny', language: 'en' })
    await until('that it listens', () => sound.observed)
    sound.next(soundPackets(new Int16Array(320), { firstSeq: 41 })[0] as PacketOf<'audio'>)
    voices.say(
      { type: 'speech-started', turn: 1, item: 'item_1', audioMs: 20 },
      { type: 'partial', turn: 1, item: 'item_1', text: 'good' },
      { type: 'partial', turn: 1, item: 'item_1', text: 'good' },
      { type: 'transcribed', turn: 1, item: 'item_1', text: 'good morning' },
      { type: 'reply-text', response: 'resp_1', item: 'item_2', text: 'Good ' },
      { type: 'reply-text', response: 'resp_1', item: 'item_2', text: 'morning.' },
    )
    void voices.output?.play({
      ...{ turn: 1, clause: 0, response: 'resp_1', item: 'item_2', sampleRate: 22_050 },
      samples: tone(440, 22_050, 0.2),
    })
    await until('the sound', () => on('speech').length === 1)
    voices.say(
      {
        type: 'item-done',
        response: 'resp_1',
        item: { ...item, text: 'Good morning.', clauses, status: 'completed' },
        status: 'completed',
      },
      { type: 'response-ended', turn: 1, response: 'resp_1', end: { status: 'completed' } },
    )
    const marks = { language: 'en', model: 'scripted-ears' }
    expect(on('transcript')).toEqual([
      { kind: 'text', text: 'good', final: false, ...marks },
      { kind: 'text', text: 'good morning', final: true, ...marks },
    ])
    expect(on('reply')).toEqual([
      { kind: 'text', text: 'Good ', final: false, model: 'tiny' },
      { kind: 'text', text: 'Good morning.', final: false, model: 'tiny' },
      { kind: 'text', text: 'Good morning.', final: true, model: 'tiny' },
    ])
    expect(on('speech')[0]).toMatchObject({ kind: 'audio', sampleRate: 22_050, channels: 1 })
    expect(on('turn')).toEqual([
      { kind: 'event', name: 'speech-started', turn: 1, audioMs: 20 },
      { kind: 'event', name: 'response-ended', turn: 1, response: 'resp_1', status: 'completed' },
    ])
    expect(packets.every(({ source, seq }) => source === 'microphone' && seq === 41)).toBe(true)
    close()
  })

  it('tells of an interrupted reply what was heard, once that is known', async () => {
    const { voices, sound, on, close } = run()
    await until('that it listens', () => sound.observed)
    const cut = { ...item, clauses, status: 'incomplete' } as const
    voices.say({ type: 'item-done', response: 'resp_1', item: cut, status: 'incomplete' })
    expect(on('reply')).toEqual([])
    voices.history = [{ ...cut, playedMs: 1200 }]
    await voices.output?.flush(1)
    await until('what was heard', () => on('reply').length > 0)
    expect(on('reply')).toEqual([{ kind: 'text', text: 'Good morning', final: true }])
    close()
  })

  it('hears nothing until a wake word, then what follows it, and falls asleep again', async () => {
    const wake = { words: ['hello robot'], threshold: 1e-20, followUpMs: 1000 }
    const { voices, spotter, sound, on, close } = run({ wake, stop: { words: ['be quiet'] } })
    await until('that it listens', () => sound.observed)
    expect(spotter.words).toEqual(['hello robot', 'be quiet'])
    expect(spotter.options?.threshold).toBe(1e-20)
    const say = (seconds: number) => {
      for (const packet of soundPackets(tone(440, 16_000, seconds), { sampleRate: 16_000 })) sound.next(packet)
    }
    const heardMs = () => voices.heard.reduce((sum, ms) => sum + ms, 0)
    say(2)
    expect(spotter.heard).toBe(32_000)
    expect(heardMs()).toBe(0)
    spotter.hear('hello robot', 1, 1.5)
    expect(heardMs()).toBe(500)
    say(0.5)
    expect(heardMs()).toBe(1000)
    voices.say({ type: 'response-started', turn: 1, response: 'resp_1' } as VoiceNotice)
    say(2)
    spotter.hear('be quiet', 4, 4.4)
    expect(voices.told).toEqual([{ type: 'interrupt' }, { type: 'clear' }])
    voices.say({ type: 'response-ended', turn: 1, response: 'resp_1', end: { status: 'cancelled' } })
    say(2)
    expect(heardMs()).toBe(4000)
    expect(on('turn')).toMatchObject([
      { name: 'asleep' },
      { name: 'awake', word: 'hello robot' },
      { name: 'response-started' },
      { name: 'stopped', word: 'be quiet' },
      { name: 'response-ended' },
      { name: 'asleep' },
    ])
    close()
    await until('the end of its spotter', () => spotter.running === 0)
  })

  it('takes a stop word that was answered already out of the conversation, after the session has told of it', async () => {
    const { voices, spotter, sound, close } = run({ stop: { words: ['stop'] } })
    await until('that it listens', () => sound.observed)
    const spoken = { turn: 1, item: 'item_1' }
    voices.say({ type: 'response-started', turn: 1, response: 'resp_1' } as VoiceNotice)
    for (const packet of soundPackets(tone(440, 16_000, 1), { sampleRate: 16_000 })) sound.next(packet)
    voices.say({ type: 'committed', ...spoken, previous: null, fromMs: 0, toMs: 900 })
    spotter.hear('stop', 0.5, 0.8)
    voices.say({ type: 'transcribed', ...spoken, text: 'stop' })
    expect(voices.told).toEqual([{ type: 'interrupt' }, { type: 'clear' }])
    await until('the deletion', () => voices.told.length === 3)
    expect(voices.told[2]).toEqual({ type: 'delete-item', item: 'item_1' })
    close()
  })

  it('fails when its words cannot be listened for, at the beginning or later, and closes its session', async () => {
    const early = run({ wake: { words: ['xyzzy'] } })
    early.spotter.failure = new EngineError('invalid', 'Expected English words')
    await until('the failure', () => early.ends.length > 0)
    expect(early.ends).toEqual([expect.objectContaining({ code: 'invalid' })])
    await until('the end of its session', () => early.voices.size === 0)
    const late = run({ wake: { words: ['hello robot'] } })
    await until('that it listens', () => late.sound.observed)
    late.spotter.options?.onFailure?.(new EngineError('unavailable', 'It ended'))
    expect(late.ends).toEqual([expect.objectContaining({ code: 'unavailable' })])
    await until('the end of both', () => late.voices.size + late.spotter.running === 0)
  })

  it('refuses a wake word together with speaking by itself', () => {
    const parsed = node.options.safeParse({ wake: { words: ['hello robot'] }, idleTimeoutMs: 5000 })
    expect(parsed.error?.issues[0]?.message).toContain('Expected no idleTimeoutMs with wake')
  })

  it('fails when no voice session can be had, so that it is tried again', async () => {
    const voices = new HandSessions()
    voices.failure = new EngineError('busy', 'Expected at most 8 voice sessions')
    const { ends, sound } = run({}, voices)
    await until('the failure', () => ends.length > 0)
    expect(ends).toEqual([expect.objectContaining({ code: 'busy' })])
    expect(sound.observed).toBe(false)
  })
})

import { Subject } from 'rxjs'
import { describe, expect, it } from 'vitest'
import { Edge } from '../../engine/core/edge.ts'
import type { PacketOf } from '../../engine/core/packet.ts'
import { EngineError } from '../../engine/errors.ts'
import node from '../../engine/nodes/speak.ts'
import type { Tools } from '../../engine/tools.ts'
import { ScriptedSpeech, tone } from '../support/scripted-speech.ts'
import { textPacket } from '../support/sound-packets.ts'
import { until } from '../support/wait.ts'

function run(options: object = {}, speech = new ScriptedSpeech()) {
  const edge = new Edge('p/voice', node.edge)
  const tools = { stream: 'voice', edge, speech } as Partial<Tools> as Tools
  const texts = new Subject<PacketOf<'text'>>()
  const sound: PacketOf<'audio'>[] = []
  const ends: unknown[] = []
  const subscription = texts.pipe(node.create(node.options.parse({ aheadMs: 10_000, ...options }), tools)).subscribe({
    next: (packet) => sound.push(packet),
    complete: () => ends.push('complete'),
    error: (error) => ends.push(error),
  })
  return { texts, sound, ends, edge, speech, close: () => subscription.unsubscribe() }
}

const msOf = (sound: readonly PacketOf<'audio'>[]) =>
  sound.reduce((ms, { payload }) => ms + (payload.samples.length * 1000) / payload.sampleRate, 0)

describe('speak', () => {
  it('says a text in pieces of 20 ms, in its voice', async () => {
    const { texts, sound, speech, edge, close } = run({ voice: 'tone-de', speaker: 'ben', speed: 1.5 })
    texts.next(textPacket(7, 'Hello there.'))
    await until('the end', () => edge.counts.out === 1)
    expect(speech.spoken).toEqual([{ text: 'Hello there.', options: { voice: 'tone-de', speaker: 'ben', speed: 1.5 } }])
    expect(sound[0]).toMatchObject({ stream: 'voice', source: 'microphone', seq: 7 })
    expect(sound[0]?.payload).toMatchObject({ kind: 'audio', sampleRate: 22_050, channels: 1 })
    expect(sound[0]?.payload.samples).toHaveLength(441)
    expect(msOf(sound)).toBeCloseTo(1000, 0)
    close()
  })

  it('says one text after the other, and none that is not final', async () => {
    const { texts, speech, edge, sound, close } = run()
    for (const [seq, text] of ['One.', 'Two.', 'Three.'].entries()) texts.next(textPacket(seq, text))
    texts.next(textPacket(3, 'Fo', { final: false }))
    await until('the end', () => edge.counts.out === 4)
    expect(speech.spoken.map(({ text }) => text)).toEqual(['One.', 'Two.', 'Three.'])
    expect(msOf(sound)).toBeCloseTo(3000, 0)
    close()
  })

  it('replaces what it says by what is new, where it is told to', async () => {
    const speech = new ScriptedSpeech()
    speech.sound = { sampleRate: 22_050, chunks: [tone(440, 22_050, 0.1), tone(440, 22_050, 60)] }
    const { texts, sound, edge, close } = run({ when: 'replace', aheadMs: 200 }, speech)
    texts.next(textPacket(0, 'A long story.'))
    await until('its beginning', () => msOf(sound) > 100)
    speech.sound = { sampleRate: 22_050, chunks: [tone(880, 22_050, 0.1)] }
    texts.next(textPacket(1, 'Skipped.'))
    texts.next(textPacket(2, 'News.'))
    await until('the news', () => sound.some(({ seq }) => seq === 2))
    await until('the end', () => edge.counts.waiting === 0)
    expect(speech.spoken.map(({ text }) => text)).toEqual(['A long story.', 'News.'])
    expect(msOf(sound.filter(({ seq }) => seq === 0))).toBeLessThan(30_000)
    expect(edge.counts).toMatchObject({ in: 3, failed: 0 })
    expect(speech.loops.ended).toBe(speech.loops.begun)
    close()
  })

  it('lets sound go no sooner than it is told', async () => {
    const speech = new ScriptedSpeech()
    speech.sound = { sampleRate: 22_050, chunks: [tone(440, 22_050, 60)] }
    const { texts, sound, close } = run({ aheadMs: 100 }, speech)
    const startedAt = performance.now()
    texts.next(textPacket(0, 'A minute.'))
    await until('sound', () => sound.length > 20)
    expect(msOf(sound)).toBeLessThan(performance.now() - startedAt + 100 + 20)
    close()
    await until('the end of the voice', () => speech.loops.ended === 1)
  })

  it('counts a text that cannot be said, and says the next one', async () => {
    const speech = new ScriptedSpeech()
    const { texts, edge, sound, close } = run({}, speech)
    speech.failure = { at: 0, error: new EngineError('unavailable', 'the voice is gone') }
    texts.next(textPacket(0, 'Lost.'))
    await until('the failure', () => edge.counts.failed === 1)
    speech.failure = undefined
    texts.next(textPacket(1, 'Said.'))
    await until('the end', () => edge.counts.out === 1)
    expect(sound.every(({ seq }) => seq === 1)).toBe(true)
    close()
  })

  it('forgets the oldest of too many texts', async () => {
    const { texts, edge, close } = run({ aheadMs: 40 })
    for (let seq = 0; seq < 12; seq++) texts.next(textPacket(seq, `Text ${seq}.`))
    expect(edge.counts).toMatchObject({ in: 12, waiting: 9, dropped: 3 })
    close()
    await until('that nothing waits', () => edge.counts.waiting === 0)
  })
})

import { Subject } from 'rxjs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Edge } from '../../engine/core/edge.ts'
import type { PacketOf } from '../../engine/core/packet.ts'
import node from '../../engine/nodes/transcribe.ts'
import type { Tools } from '../../engine/tools.ts'
import { hasTestData, testData } from '../support/data.ts'
import { testLog } from '../support/shared-pool.ts'
import { soundPackets, toSamples } from '../support/sound-packets.ts'
import { createSpeech, readSpeech, type SpeechSetup, wordErrorRate } from '../support/speech.ts'
import { until } from '../support/wait.ts'

let setup: SpeechSetup
let jfk: Int16Array

function run(options: object = {}, speech: Tools['speech'] = setup.speech) {
  const edge = new Edge('p/words', { queue: 1024, full: 'oldest' })
  const tools = { stream: 'words', edge, speech, log: testLog } as Partial<Tools> as Tools
  const sound = new Subject<PacketOf<'audio'>>()
  const texts: PacketOf<'text'>[] = []
  const ends: unknown[] = []
  const subscription = sound.pipe(node.create(node.options.parse(options), tools)).subscribe({
    next: (packet) => texts.push(packet),
    complete: () => ends.push('complete'),
    error: (error) => ends.push(error),
  })
  return { sound, texts, ends, edge, close: () => subscription.unsubscribe() }
}

describe.skipIf(!hasTestData)('transcribe', () => {
  beforeAll(async () => {
    setup = await createSpeech({ paths: [testData('models')] })
    jfk = toSamples(await readSpeech(testData('media/jfk.wav')))
  })
  afterAll(() => setup[Symbol.asyncDispose]())

  it('writes down what is said, each utterance for good, its partial texts growing only', async () => {
    const { sound, texts, ends, edge } = run()
    for (const packet of soundPackets(jfk.subarray(0, 4.6 * 16_000))) sound.next(packet)
    sound.complete()
    await until('the end', () => ends.length > 0, 120_000)
    expect(ends).toEqual(['complete'])
    expect(edge.counts).toMatchObject({ dropped: 0, failed: 0 })
    const final = texts.filter(({ payload }) => payload.final)
    const heard = final.map(({ payload }) => payload.text).join(' ')
    const said = 'And so my fellow Americans ask not'
    const errors = wordErrorRate(heard, said)
    console.log(`transcribe: ${final.length} utterances, word error rate ${errors.toFixed(2)}: ${heard}`)
    expect(errors).toBeLessThan(0.7)
    expect(final[0]).toMatchObject({ stream: 'words', source: 'microphone' })
    expect(final[0]?.payload).toMatchObject({ kind: 'text', model: 'pocketsphinx', backend: 'pocketsphinx' })
    let before = ''
    for (const { payload } of texts) {
      if (!payload.final) expect(payload.text.startsWith(before)).toBe(true)
      before = payload.final ? '' : payload.text
    }
  }, 150_000)

  it('says why it cannot, packet by packet', async () => {
    const { sound, edge, close } = run({ model: 'whisper-large' })
    sound.next(soundPackets(jfk)[0] as PacketOf<'audio'>)
    await until('the failure', () => edge.counts.failed === 1)
    expect(String(edge.lastError)).toContain('whisper-large')
    close()
  })

  it('writes nothing of silence', async () => {
    const { sound, texts, ends } = run()
    for (const packet of soundPackets(new Int16Array(16_000 * 5))) sound.next(packet)
    sound.complete()
    await until('the end', () => ends.length > 0, 60_000)
    expect(texts).toEqual([])
  }, 90_000)
})

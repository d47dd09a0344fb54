import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Recogniser, SpokenSegment } from '../../engine/inference/speech.ts'
import { hasTestData, testData } from '../support/data.ts'
import { childrenOf, cpuTicks } from '../support/processes.ts'
import { createSpeech, readSpeech, type SpeechSetup, transcribe, wordErrorRate } from '../support/speech.ts'
import { until } from '../support/wait.ts'

let setup: SpeechSetup
let recogniser: Recogniser
beforeAll(async () => {
  setup = await createSpeech()
  recogniser = await setup.speech.recogniser('pocketsphinx')
})
afterAll(() => setup[Symbol.asyncDispose]())

const textOf = (segments: readonly SpokenSegment[]) => segments.map(({ text }) => text).join(' ')
/** The first two words of a recording, "it was": short work. */
const shortSpeech = async () => (await readSpeech(testData('media/arctic_a0024.wav'))).subarray(0, 12_000)
const never = new AbortController().signal
/** Several times what a window takes where several test suites share two cores. */
const timeout = 240_000

/** The recogniser's program, which must run. */
function programPid(): Promise<number> {
  return until('the program', () => childrenOf(setup.hostPid())[0], 30_000)
}

describe.skipIf(!hasTestData)('pocketsphinx', () => {
  const truth = JSON.parse(readFileSync(testData('truth/text_speech_llm.json'), 'utf8'))

  it('says that its accuracy is low, and is the recogniser that needs no download', async () => {
    expect(recogniser).toMatchObject({ accuracy: 'low', languages: ['en'], translates: false, simulated: false })
    expect(await setup.speech.recogniser()).toMatchObject({ name: 'pocketsphinx' })
    const status = (await setup.speech.status()).find(({ name }) => name === 'pocketsphinx')
    expect(status).toMatchObject({ state: 'available', why: expect.stringContaining('accuracy is low') })
  })

  it.each([
    ['arctic_a0024.wav', 0.35, [[0.26, 3.84]]],
    [
      'jfk.wav',
      0.25,
      [
        [0.35, 2.24],
        [3.3, 4.42],
        [5.41, 7.65],
        [8.19, 11],
      ],
    ],
  ])(
    'hears %s with a word error rate of at most %f, in segments where there is speech',
    { timeout },
    async (file, worst, spans) => {
      const segments = await transcribe(recogniser, await readSpeech(testData(`media/${file}`)))
      expect(wordErrorRate(textOf(segments), truth.transcripts[file]), textOf(segments)).toBeLessThanOrEqual(worst)
      expect(segments).toHaveLength(spans.length)
      for (const [i, { start, end, words, text }] of segments.entries()) {
        expect(Math.abs(start - (spans[i]?.[0] ?? 0))).toBeLessThan(0.2)
        expect(Math.abs(end - (spans[i]?.[1] ?? 0))).toBeLessThan(0.2)
        expect(words.map((word) => word.text).join(' ')).toBe(text)
        for (const word of words) {
          expect(word.start).toBeGreaterThanOrEqual(start - 0.5)
          expect(word.end).toBeLessThanOrEqual(end + 0.5)
          expect(word.confidence).toBeGreaterThanOrEqual(0)
          expect(word.confidence).toBeLessThanOrEqual(1)
        }
      }
    },
  )

  it('hears nothing in silence and in noise', { timeout }, async () => {
    const noise = Float32Array.from({ length: 32_000 }, (_, i) => 0.02 * Math.sin(i * i))
    expect(await transcribe(recogniser, new Float32Array(32_000))).toEqual([])
    expect(await transcribe(recogniser, noise)).toEqual([])
    expect(await transcribe(recogniser, new Float32Array(0))).toEqual([])
  })

  it('fails as unavailable when its program or its host is killed at work, and works the next time', {
    timeout,
  }, async () => {
    const samples = await readSpeech(testData('media/arctic_a0024.wav'))
    const short = await shortSpeech()
    await transcribe(recogniser, short)
    for (const victim of [programPid, async () => setup.hostPid()]) {
      const work = transcribe(recogniser, samples)
      const refused = expect(work).rejects.toMatchObject({ code: 'unavailable' })
      const pid = await programPid()
      const startedAt = cpuTicks(pid)
      await until('the program to be at work', () => cpuTicks(pid) > startedAt + 5, 60_000)
      process.kill(await victim(), 'SIGKILL')
      await refused
      await until('the program to be gone', () => !childrenOf(setup.speech.hosts()[0]?.pid ?? 0).includes(pid))
      expect(textOf(await transcribe(recogniser, short))).toMatch(/^it was/)
    }
  })

  it('ends its program when the caller gives up, and works the next time', { timeout }, async () => {
    const samples = await readSpeech(testData('media/arctic_a0024.wav'))
    const short = await shortSpeech()
    await transcribe(recogniser, short)
    const pid = await programPid()
    const caller = new AbortController()
    const work = recogniser.transcribe(samples, {}, caller.signal)[Symbol.asyncIterator]().next()
    const refused = expect(work).rejects.toMatchObject({ code: 'cancelled' })
    const startedAt = cpuTicks(pid)
    await until('the program to be at work', () => cpuTicks(pid) > startedAt + 5, 60_000)
    caller.abort()
    await refused
    await until('the end of the program', () => !childrenOf(setup.hostPid()).includes(pid), 5000)
    expect(textOf(await transcribe(recogniser, short))).toMatch(/^it was/)
  })

  it('hears live sound, and takes back no word that it told for good', { timeout }, async () => {
    const samples = (await readSpeech(testData('media/arctic_a0024.wav'))).slice(0, 32_000)
    const stream = await recogniser.open({})
    const told: string[] = []
    const reading = (async () => {
      for await (const { stable } of stream.partials) told.push(stable)
    })()
    stream.push(samples)
    stream.push(new Float32Array(16_000))
    const segments = await stream.finish()
    await reading
    expect(textOf(segments)).toMatch(/^it was( [a-z']+){2,}$/)
    for (const [i, text] of told.entries()) expect(text.startsWith(told[i - 1] ?? '')).toBe(true)
    expect(told.at(-1)?.split(' ')).toHaveLength(textOf(segments).split(' ').length)
    await stream[Symbol.asyncDispose]()
  })
})

describe('a recogniser', () => {
  it.each([
    [{ language: 'de' }, 'Expected a language that pocketsphinx knows (en), received de'],
    [{ translate: true }, 'Expected a recogniser that translates; pocketsphinx does not. Choose another model'],
    [{ prompt: 'names' }, 'Expected no prompt: pocketsphinx cannot heed one. Leave it out'],
  ])('refuses what it cannot heed: %j', async (options, message) => {
    const work = recogniser.transcribe(new Float32Array(512), options, never)[Symbol.asyncIterator]().next()
    await expect(work).rejects.toMatchObject({ code: 'invalid', message })
    await expect(recogniser.open(options)).rejects.toMatchObject({ code: 'invalid', message })
  })

  it('is named with what to do when it is not here, and with those that are when nobody knows it', async () => {
    await expect(setup.speech.recogniser('whisper-base')).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining('hailstream models pull whisper-base'),
    })
    await expect(setup.speech.recogniser('babel')).rejects.toMatchObject({
      code: 'not-found',
      message: 'Expected a recogniser (pocketsphinx), received babel',
    })
  })
})

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { SpokenSound } from '../../engine/inference/speech.ts'
import { hasTestData, testData } from '../support/data.ts'
import { childrenOf } from '../support/processes.ts'
import { createSpeech, type SpeechSetup } from '../support/speech.ts'
import { until } from '../support/wait.ts'

let setup: SpeechSetup
beforeAll(async () => {
  setup = await createSpeech({ paths: hasTestData ? [testData('models')] : [] })
})
afterAll(() => setup[Symbol.asyncDispose]())

const never = new AbortController().signal
const say = (text: string | AsyncIterable<string>, options = {}, signal = never) =>
  setup.speech.synthesiser.speak(text, options, signal)

async function samplesOf(sound: SpokenSound): Promise<Int16Array> {
  const all: number[] = []
  for await (const chunk of sound.chunks) all.push(...chunk)
  return Int16Array.from(all)
}
const loudest = (samples: Int16Array) => samples.reduce((most, value) => Math.max(most, Math.abs(value)), 0)

describe('espeak-ng', () => {
  it('speaks when no other voice is asked for', async () => {
    const { synthesiser } = setup.speech
    const voices = await synthesiser.voices()
    expect(voices.filter(({ backend }) => backend === 'espeak-ng').length).toBeGreaterThan(50)
    expect(voices.find(({ name }) => name === 'en-us')).toMatchObject({
      language: 'en-US',
      state: 'available',
      sampleRate: 22_050,
    })
    const sound = await say('Hello there.', { voice: 'en-us' })
    expect(sound).toMatchObject({ voice: 'en-us', backend: 'espeak-ng', sampleRate: 22_050 })
    const samples = await samplesOf(sound)
    expect(samples.length / 22_050).toBeGreaterThan(0.5)
    expect(samples.length / 22_050).toBeLessThan(3)
    expect(loudest(samples)).toBeGreaterThan(5000)
  })

  it('speaks twice as fast where that is asked for', async () => {
    const text = 'This sentence is spoken at several speeds.'
    const lengths = await Promise.all(
      [0.5, 1, 2].map(async (speed) => (await samplesOf(await say(text, { voice: 'en-us', speed }))).length),
    )
    const [slow = 0, own = 0, fast = 0] = lengths
    expect(slow / own).toBeGreaterThan(1.7)
    expect(own / fast).toBeGreaterThan(1.7)
  })

  it('gives sound of the first clause before the text is known to its end', async () => {
    let goOn: () => void = () => undefined
    const rest = new Promise<void>((resolve) => (goOn = resolve))
    async function* text() {
      yield 'The first sentence is whole. '
      await rest
      yield 'The second one comes late.'
    }
    const { chunks } = await say(text(), { voice: 'en-us' })
    const reader = chunks[Symbol.asyncIterator]()
    const first = await reader.next()
    expect(first.value?.length).toBeGreaterThan(0)
    goOn()
    let length = 0
    for (let next = await reader.next(); !next.done; next = await reader.next()) length += next.value.length
    expect(length).toBeGreaterThan(22_050)
  })

  it('ends its program when the caller gives up or reads no further', async () => {
    const text = 'word '.repeat(45)
    for (const leave of ['abort', 'return'] as const) {
      const caller = new AbortController()
      const { chunks } = await say(text, { voice: 'en-us' }, caller.signal)
      const reader = chunks[Symbol.asyncIterator]()
      await reader.next()
      if (leave === 'return') await reader.return?.()
      else {
        caller.abort()
        await expect(
          (async () => {
            while (!(await reader.next()).done);
          })(),
        ).rejects.toMatchObject({ code: 'cancelled' })
      }
      await until('the end of the program', () => childrenOf(setup.hostPid()).length === 0, 5000)
    }
  })

  it('fails as unavailable when its host is killed at work, and speaks the next time', async () => {
    const { chunks } = await say('word '.repeat(2000), { voice: 'en-us' })
    const reader = chunks[Symbol.asyncIterator]()
    await reader.next()
    process.kill(setup.hostPid(), 'SIGKILL')
    await expect(
      (async () => {
        while (!(await reader.next()).done);
      })(),
    ).rejects.toMatchObject({ code: 'unavailable' })
    expect((await samplesOf(await say('Again.', { voice: 'en-us' }))).length).toBeGreaterThan(1000)
  })

  it.each([
    [{ voice: 'en-us', speed: 0.3 }, 'invalid', /speed of 0\.46 to 4 for the voice en-us/],
    [{ voice: 'en-us', speaker: 'ann' }, 'invalid', /no speaker for the voice en-us of espeak-ng, received ann/],
    [{ voice: 'en-us', noiseScale: 0.5 }, 'invalid', /neither noise scale nor noise width/],
    [{ voice: 'klingon' }, 'not-found', /Expected a voice .* received klingon/],
    [{ voice: 'en_US-amy-low' }, 'unavailable', /hailstream models pull piper-en-us-amy-low/],
  ])('refuses %j as %s', async (options, code, message) => {
    await expect(say('Hello', options)).rejects.toMatchObject({ code, message: expect.stringMatching(message) })
  })

  it('says nothing where there is nothing to say', async () => {
    expect(await samplesOf(await say(' ... \n!? ', { voice: 'en-us' }))).toHaveLength(0)
  })
})

describe.skipIf(!hasTestData)('a Piper voice', () => {
  const voice = 'piper-tone-voice'
  /** What the test voice says for each phoneme id, at length scale 1. */
  const samplesPerId = 2048

  it('is found in a folder with its settings, and comes before those of espeak-ng', async () => {
    const [first] = await setup.speech.synthesiser.voices()
    expect(first).toMatchObject({ name: voice, backend: 'piper', language: 'en-US', sampleRate: 16_000, speakers: [] })
    expect((await say('Hello')).voice).toBe(voice)
  })

  it('says a tone for each phoneme of espeak-ng, with Piper’s pads', async () => {
    // həlˈoʊ wˈɜːld. is 14 phonemes: beginning and end, each but the end followed by a pad.
    const samples = await samplesOf(await say('Hello world.', { voice }))
    expect(samples.length).toBe((2 * 15 + 1) * samplesPerId)
    expect(loudest(samples)).toBe(32_767)
  })

  it.each([0.5, 2])('says it in 1/%f of the time', async (speed) => {
    const own = await samplesOf(await say('Hello world.', { voice }))
    const other = await samplesOf(await say('Hello world.', { voice, speed }))
    expect(other.length).toBe(own.length / speed)
  })

  it('says sentence after sentence, in pieces', async () => {
    const { chunks } = await say('Hello world. Hello world.', { voice })
    let pieces = 0
    let length = 0
    for await (const chunk of chunks) {
      pieces++
      length += chunk.length
      expect(chunk.length).toBeLessThanOrEqual(4000)
    }
    expect(length).toBe(2 * (2 * 15 + 1) * samplesPerId)
    expect(pieces).toBeGreaterThan(10)
  })

  it('is loaded anew when its host has died', async () => {
    await samplesOf(await say('Hello.', { voice }))
    process.kill(setup.hostPid(), 'SIGKILL')
    await until('the end of the host', () => setup.speech.hosts()[0]?.state !== 'up')
    expect((await samplesOf(await say('Hello.', { voice }))).length).toBeGreaterThan(0)
  })

  it('refuses a speaker where it has one only, and what is out of range', async () => {
    await expect(say('Hello', { voice, speaker: 'ann' })).rejects.toMatchObject({ code: 'invalid' })
    await expect(say('Hello', { voice, speed: 5 })).rejects.toMatchObject({ code: 'invalid' })
    await expect(say('Hello', { voice, noiseScale: -1 })).rejects.toMatchObject({ code: 'invalid' })
  })
})

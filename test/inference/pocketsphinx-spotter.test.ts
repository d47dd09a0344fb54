import { describe, expect, it, vi } from 'vitest'
import { EngineError } from '../../engine/errors.ts'
import { lookUpPhrases } from '../../engine/inference/keyword-dictionary.ts'
import { PocketsphinxSpotter, thresholdOf } from '../../engine/inference/pocketsphinx-spotter.ts'
import type { KeywordSpotting, SpottedWord } from '../../engine/inference/speech.ts'
import { hasTestData, testData } from '../support/data.ts'
import { joinSound, sayByEspeak, silence } from '../support/espeak.ts'
import { childrenOf, commandOf, isRunning } from '../support/processes.ts'
import { readSpeech } from '../support/speech.ts'
import { until } from '../support/wait.ts'

const timeout = 120_000
const rate = 16_000

/** Words that are heard in a sound, which is fed as fast as it is taken. */
async function spot(words: readonly string[], sound: Int16Array): Promise<SpottedWord[]> {
  const heard: SpottedWord[] = []
  const spotting = await new PocketsphinxSpotter().open(words, { onSpotted: (word) => heard.push(word) })
  try {
    for (let at = 0; at < sound.length; at += 3200) {
      const piece = sound.subarray(at, at + 3200)
      await until('that it takes more', () => takes(spotting, piece))
    }
    await spotting.finish()
    return heard
  } finally {
    await spotting[Symbol.asyncDispose]()
  }
}

/** Whether it takes a piece: it is refused while 30 s of sound wait. */
function takes(spotting: KeywordSpotting, piece: Int16Array): boolean {
  try {
    spotting.push(piece)
    return true
  } catch (error) {
    if (error instanceof EngineError && error.code === 'busy') return false
    throw error
  }
}

describe('a keyword spotter', () => {
  it('hears its words in speech, and tells where they were', { timeout }, async () => {
    const sound = joinSound(
      silence(1),
      sayByEspeak('hello robot, how are you?'),
      silence(1),
      sayByEspeak('the birds sing'),
      silence(1),
    )
    const [found, ...others] = await spot(['Hello  Robot', 'be quiet'], sound)
    expect(found?.word).toBe('Hello  Robot')
    expect(found?.start).toBeGreaterThan(0.8)
    expect(found?.end).toBeLessThan(2.2)
    expect(others).toEqual([])
  })

  it('tells at a pause, while more may come', { timeout }, async () => {
    const heard: SpottedWord[] = []
    const spotting = await new PocketsphinxSpotter().open(['hello robot'], { onSpotted: (word) => heard.push(word) })
    try {
      spotting.push(joinSound(silence(1), sayByEspeak('hello robot'), silence(1)))
      await until('that it is told', () => heard.length > 0)
      expect(heard[0]?.word).toBe('hello robot')
    } finally {
      await spotting[Symbol.asyncDispose]()
    }
  })

  it('hears none in a minute of noise', { timeout }, async () => {
    let seed = 1
    const noise = Int16Array.from({ length: 60 * rate }, () => {
      seed = (seed * 48_271) % 2_147_483_647
      return (seed / 2_147_483_647 - 0.5) * 6000
    })
    expect(await spotAll(noise)).toEqual([])
  })

  it.skipIf(!hasTestData)('hears none where a man speaks of other things', { timeout }, async () => {
    const sound = Int16Array.from(await readSpeech(testData('media/jfk.wav')), (value) => value * 32_767)
    expect(await spotAll(sound)).toEqual([])
    const words = await spot(['country'], joinSound(sound, silence(1)))
    const [first] = words
    expect(first?.start).toBeGreaterThan(5.5)
    expect(first?.end).toBeLessThan(6.8)
  })

  it('fails when its program dies young, and starts another one else', { timeout }, async () => {
    const heard: SpottedWord[] = []
    const failures: EngineError[] = []
    const told = {
      onSpotted: (word: SpottedWord) => heard.push(word),
      onFailure: (error: EngineError) => failures.push(error),
    }
    const before = programs()
    const spotting = await new PocketsphinxSpotter().open(['hello robot'], told)
    const realNow = performance.now.bind(performance)
    const later = vi.spyOn(performance, 'now').mockImplementation(() => realNow() + 60_000)
    try {
      spotting.push(silence(2))
      const [first = 0] = programs().filter((pid) => !before.includes(pid))
      process.kill(first, 'SIGKILL')
      const second = await until('another program', () =>
        programs().find((pid) => pid !== first && !before.includes(pid)),
      )
      spotting.push(joinSound(silence(1), sayByEspeak('hello robot'), silence(1)))
      await until('its word', () => heard.length > 0, timeout)
      // Two seconds were heard before it.
      expect(heard[0]?.start).toBeGreaterThan(2.5)
      expect(heard[0]?.start).toBeLessThan(4)
      // It is young, however long the machine took.
      later.mockImplementation(realNow)
      process.kill(second, 'SIGKILL')
      await until('the failure', () => failures.length > 0)
      expect(failures).toEqual([expect.objectContaining({ code: 'unavailable' })])
      expect(() => spotting.push(silence(1))).toThrow('Expected the keyword spotter to answer, but it ended (SIGKILL)')
    } finally {
      later.mockRestore()
      await spotting[Symbol.asyncDispose]()
    }
    expect(programs()).toEqual(before)
  })

  it('refuses words that nobody knows how to say, by name', async () => {
    const spotter = new PocketsphinxSpotter()
    const open = (words: string[], threshold?: number) =>
      spotter.open(words, { onSpotted: () => undefined, ...(threshold !== undefined && { threshold }) })
    await expect(open(['hey hailstreamo', 'stop'])).rejects.toMatchObject({
      code: 'invalid',
      message: expect.stringContaining('does not know hailstreamo.'),
    })
    await expect(open([])).rejects.toThrow('Expected 1 to 20 words to listen for, received 0')
    await expect(open(['stop /1e-1/'])).rejects.toThrow('Expected a phrase of 1 to 5 English words')
    await expect(open(['stop'], 2)).rejects.toThrow('Expected a threshold of 1e-50 to 1, received 2')
  })

  it('takes longer words as less certain', async () => {
    const known = await lookUpPhrases(['stop', 'hello robot'], '/usr/share/pocketsphinx/model/en-us/cmudict-en-us.dict')
    expect(known.map(({ phones }) => phones)).toEqual([4, 9])
    expect(known.map(({ phones }) => thresholdOf(phones))).toEqual([1e-5, 1e-30])
  })
})

/** Programs that listen for this process. */
function programs(): number[] {
  return childrenOf(process.pid).filter((pid) => isRunning(pid) && commandOf(pid).includes('pocketsphinx_continuous'))
}

function spotAll(sound: Int16Array): Promise<SpottedWord[]> {
  return spot(['hello robot', 'hey computer', 'hey robot', 'okay computer'], sound)
}

import { copyFile, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import type { Recogniser } from '../../engine/inference/speech.ts'
import { hasTestData, testData } from '../support/data.ts'
import { createSpeech, type SpeechSetup } from '../support/speech.ts'
import { until } from '../support/wait.ts'

let setup: SpeechSetup
let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hailstream-voices-'))
  setup = await createSpeech({ paths: [folder] })
})
afterEach(() => vi.unstubAllEnvs())
afterAll(async () => {
  await setup[Symbol.asyncDispose]()
  await rm(folder, { recursive: true })
})

const never = new AbortController().signal
const stateOf = async (name: string) => (await setup.speech.status()).find((model) => model.name === name)

describe('the speech engine', () => {
  it('names every engine that this machine has, and what to do for the others', async () => {
    expect(await stateOf('silero-vad')).toMatchObject({
      task: 'voice-activity',
      backend: 'onnx',
      state: expect.stringMatching(/^(available|loaded)$/),
      why: 'comes with the installation',
    })
    expect(await stateOf('espeak-ng')).toMatchObject({ task: 'speak', state: 'available' })
    expect(await stateOf('pocketsphinx')).toMatchObject({ task: 'transcribe', state: 'available' })
    const missing = { backend: 'sherpa-onnx', state: 'missing' }
    for (const name of ['whisper-tiny', 'moonshine-tiny', 'zipformer-en-20m'])
      expect(await stateOf(name)).toMatchObject(missing)
    expect((await stateOf('whisper-tiny'))?.why).toContain('hailstream models pull whisper-tiny')
    expect(await stateOf('piper-de-de-thorsten-medium')).toMatchObject({
      task: 'speak',
      backend: 'piper',
      state: 'missing',
    })
  })

  it('shows the detector as loaded while somebody uses it', async () => {
    const detection = await setup.speech.detector.open()
    expect((await stateOf('silero-vad'))?.state).toBe('loaded')
    expect(setup.residency.statusOf('silero-vad').users).toEqual(['voice activity'])
    await detection[Symbol.asyncDispose]()
    expect(setup.residency.statusOf('silero-vad').users).toEqual([])
  })

  it('says what to install where nothing is', async () => {
    vi.stubEnv('PATH', '')
    await expect(setup.speech.recogniser()).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringMatching(
        /sudo apt install pocketsphinx pocketsphinx-en-us, or: hailstream models pull whisper/,
      ),
    })
    await expect(setup.speech.synthesiser.speak('Hello', {}, never)).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringMatching(/sudo apt install espeak-ng, or hailstream models pull piper-/),
    })
    // Lists show what the last look found, and the next one comes within a second or so.
    for (const name of ['espeak-ng', 'pocketsphinx'])
      await until(`a look that misses ${name}`, async () => (await stateOf(name))?.state === 'missing')
  })

  it('takes recognisers of other hosts first, and gives them the detector', async () => {
    const given: unknown[] = []
    const hailo = { name: 'whisper-base', backend: 'hailo' } as Recogniser
    await using other = await createSpeech({
      others: async (detector) => {
        given.push(detector)
        return [hailo]
      },
    })
    expect(await other.speech.recogniser()).toBe(hailo)
    expect(await other.speech.recogniser('whisper-base')).toBe(hailo)
    expect((await other.speech.recogniser('pocketsphinx')).name).toBe('pocketsphinx')
    expect(given).toContain(other.speech.detector)
  })

  it.skipIf(!hasTestData)(
    'leaves a voice out of which the settings cannot be read, and takes it once they can',
    async () => {
      const names = async () => (await setup.speech.synthesiser.voices()).map(({ name }) => name)
      await copyFile(testData('models/piper-tone-voice.onnx'), join(folder, 'own.onnx'))
      expect(await names()).not.toContain('own')
      await writeFile(join(folder, 'own.onnx.json'), '{"audio": {}}')
      expect(await names()).not.toContain('own')
      await copyFile(testData('models/piper-tone-voice.onnx.json'), join(folder, 'own.onnx.json'))
      expect(await names()).toContain('own')
    },
  )
})

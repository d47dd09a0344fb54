import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { artefactOf, loadCatalogue } from '../../engine/inference/catalogue.ts'
import { hasTestData, testData } from '../support/data.ts'
import { installFakeSherpa } from '../support/fake-sherpa.ts'
import { childrenOf } from '../support/processes.ts'
import { createSpeech, readSpeech, type SpeechSetup, transcribe } from '../support/speech.ts'
import { until } from '../support/wait.ts'

let setup: SpeechSetup
let models: string

beforeAll(async () => {
  models = await mkdtemp(join(tmpdir(), 'hailstream-models-'))
  const { files } = artefactOf(loadCatalogue().model('whisper-tiny'), 'sherpa')
  for (const { name } of files) await writeFile(join(models, name), 'weights')
  setup = await createSpeech({ paths: [models] })
})
afterAll(async () => {
  await setup[Symbol.asyncDispose]()
  await rm(models, { recursive: true })
})

it('says that the library is missing where only the model is here', async () => {
  const status = (await setup.speech.status()).find(({ name }) => name === 'whisper-tiny')
  expect(status).toMatchObject({ backend: 'sherpa-onnx', state: 'missing' })
  expect(status?.why).toContain(`npm install --prefix ${setup.stateFolder}/extras sherpa-onnx-node`)
  await expect(setup.speech.recogniser('whisper-tiny')).rejects.toMatchObject({
    code: 'unavailable',
    message: expect.stringContaining('npm install'),
  })
})

it.skipIf(!hasTestData)('is better than pocketsphinx once both are here, and comes back after a SIGKILL', async () => {
  await installFakeSherpa(join(setup.stateFolder, 'extras'))
  const [best] = await setup.speech.recognisers()
  expect(best).toMatchObject({ name: 'whisper-tiny', accuracy: 'high', languages: 'any', translates: true })
  const heard = await hearAll()
  expect(heard).toMatch(/^whisper de translate \d+ 1$/)
  const isLoaded = async () =>
    (await setup.speech.status()).find(({ name }) => name === 'whisper-tiny')?.state === 'loaded'
  await until('the next look at what is here', isLoaded)
  const pid = childrenOf(setup.hostPid())[0] ?? 0
  process.kill(pid, 'SIGKILL')
  await until('the end of the program', () => !childrenOf(setup.hostPid()).includes(pid))
  expect(await hearAll()).toBe(heard)

  async function hearAll(): Promise<string> {
    const samples = await readSpeech(testData('media/arctic_a0024.wav'))
    const texts: string[] = []
    const options = { language: 'de', translate: true }
    for await (const { text } of best!.transcribe(samples, options, new AbortController().signal)) texts.push(text)
    return texts.join(' ')
  }
})

it('takes recognisers of other hosts first', async () => {
  const [best] = await setup.speech.recognisers()
  await using other = await createSpeech({ others: async () => [best!] })
  expect((await other.speech.recogniser()).name).toBe('whisper-tiny')
  expect(await transcribe(best!, new Float32Array(512))).toEqual([])
})

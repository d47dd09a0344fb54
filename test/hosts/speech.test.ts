import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Host } from '../../engine/hosts/host.ts'
import type { SpeechArtefact, SpeechProtocol } from '../../engine/hosts/speech-protocol.ts'
import { hasTestData, testData } from '../support/data.ts'
import { installFakeSherpa } from '../support/fake-sherpa.ts'
import { childrenOf, isRunning } from '../support/processes.ts'
import { createSharedPool, testLog } from '../support/shared-pool.ts'
import { until } from '../support/wait.ts'

const pool = createSharedPool(5, 1 << 16)
const host = new Host<SpeechProtocol>({ name: 'speech', entry: 'speech', pool, log: testLog, restart: true })
const within = (deadlineMs = 30_000) => ({ signal: new AbortController().signal, deadlineMs })
const load = (model: string, artefact: SpeechArtefact) => host.call('load', { model, artefact }, within())

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hailstream-networks-'))
  await host.start()
})
afterAll(async () => {
  await host[Symbol.asyncDispose]()
  pool.memory.close()
  await rm(folder, { recursive: true })
})

describe('the speech host', () => {
  it('names a file that is missing or is no network', async () => {
    const path = join(folder, 'voice.onnx')
    await expect(load('voice', { kind: 'network', path, threads: 1 })).rejects.toMatchObject({
      code: 'not-found',
      message: `Expected a model file at ${path}`,
    })
    await writeFile(path, 'no network')
    await expect(load('voice', { kind: 'network', path, threads: 1 })).rejects.toMatchObject({
      code: 'invalid',
      message: expect.stringContaining(`Expected a network for speech in ${path}`),
    })
  })

  it('answers unavailable for a model that is not loaded, and unloads it at no cost', async () => {
    const samples = new Int16Array(16)
    const params = { model: 'nobody', samples, language: null, translate: false }
    await expect(host.call('recognise', params, within())).rejects.toMatchObject({ code: 'unavailable' })
    expect(await host.call('unload', { model: 'nobody' }, within())).toEqual({ bytes: 0 })
  })

  it.skipIf(!hasTestData)('refuses what a network is not for, and goes on', async () => {
    await load('vad', { kind: 'network', path: testData('models/silero_vad.onnx'), threads: 1 })
    const memory = new Float32Array(320)
    const detect = (samples: Float32Array) => host.call('detect', { model: 'vad', samples, memory }, within())
    await expect(detect(new Float32Array(100))).rejects.toMatchObject({ code: 'invalid' })
    const recognise = { model: 'vad', samples: new Int16Array(16), language: null, translate: false }
    await expect(host.call('recognise', recognise, within())).rejects.toMatchObject({ code: 'invalid' })
    const input = { ids: [1], noiseScale: 1, lengthScale: 1, noiseWidth: 1, speaker: null }
    await expect(host.call('synthesise', { model: 'vad', input }, within())).rejects.toMatchObject({ code: 'invalid' })
    expect((await detect(new Float32Array(1024))).probabilities).toHaveLength(2)
    await host.call('unload', { model: 'vad' }, within())
    await expect(detect(new Float32Array(512))).rejects.toMatchObject({ code: 'unavailable' })
  })

  it('takes its programs with it when it is killed', async () => {
    await load('pocketsphinx', { kind: 'pocketsphinx' })
    const hostPid = host.pid ?? 0
    const [program = 0] = childrenOf(hostPid)
    expect(isRunning(program)).toBe(true)
    process.kill(hostPid, 'SIGKILL')
    await until('the end of the program', () => !isRunning(program))
    await until('the next host', () => host.state === 'up' && host.pid !== hostPid)
  })

  it('lets 16 windows wait for a recogniser and refuses the next, and those that nobody wants any more pass', async () => {
    await installFakeSherpa(folder)
    const files = { encoder: join(folder, 'hangs'), decoder: join(folder, 'decoder'), tokens: join(folder, 'tokens') }
    for (const file of Object.values(files)) await writeFile(file, 'weights')
    await load('slow', { kind: 'sherpa', extras: folder, model: { kind: 'whisper', files }, threads: 1 })
    const caller = new AbortController()
    const params = { model: 'slow', samples: new Int16Array(16), language: null, translate: false }
    const ask = () => host.call('recognise', params, { signal: AbortSignal.any([caller.signal]), deadlineMs: 30_000 })
    const outcomes = Promise.allSettled(Array.from({ length: 16 }, ask))
    await expect(ask()).rejects.toMatchObject({ code: 'busy' })
    caller.abort()
    for (const outcome of await outcomes) expect(outcome).toMatchObject({ reason: { code: 'cancelled' } })
    await until('an empty queue', async () => {
      const probe = new AbortController()
      const answer = host.call('recognise', params, { signal: probe.signal, deadlineMs: 30_000 })
      setTimeout(() => probe.abort(), 200)
      return answer.then(undefined, (error) => (error as { code: string }).code === 'cancelled')
    })
    await host.call('unload', { model: 'slow' }, within())
    expect(childrenOf(host.pid ?? 0)).toEqual([])
  })

  it('pronounces as espeak-ng does, clause by clause, without its marks of languages', async () => {
    const { phonemes } = await host.call('pronounce', { voice: 'en-us', text: 'Hello there, world' }, within())
    expect(phonemes).toEqual(['həlˈoʊ ðˈɛɹ', 'wˈɜːld'])
    const german = await host.call('pronounce', { voice: 'de', text: 'Das ist ein Update' }, within())
    expect(german.phonemes.join(' ')).not.toContain('(')
    const unknown = host.call('pronounce', { voice: 'qqq', text: 'a' }, within())
    await expect(unknown).rejects.toMatchObject({ code: 'unavailable', message: expect.stringContaining('voice') })
  })
})

import sharp from 'sharp'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { HailoLanguageProtocol } from '../../engine/hosts/hailo-language-protocol.ts'
import { Host } from '../../engine/hosts/host.ts'
import { variantVariable } from '../../engine/native/addon.ts'
import type { HailoNotice } from '../../engine/native/hailo.ts'
import { createSharedPool, testLog } from '../support/shared-pool.ts'
import { type Standin, standinIsBuilt, startStandin } from '../support/standin.ts'
import { until } from '../support/wait.ts'

const options = { signal: new AbortController().signal, deadlineMs: 20_000 }
const llm = 'Qwen2.5-1.5B-Instruct'
const prompt = { messages: ['{"role":"user","content":"count to 3"}'] }

describe.skipIf(!standinIsBuilt())('the host of language on a Hailo device', () => {
  const pool = createSharedPool(8)
  let standin: Standin
  let host: Host<HailoLanguageProtocol>
  const notices: HailoNotice[] = []

  beforeAll(async () => {
    standin = await startStandin({ tokenSpeed: 50 })
    const env = { ...standin.support.env, [variantVariable]: 'standin', HAILO_REQUEST_TIMEOUT_SECONDS: '2' }
    host = new Host({ name: 'language', entry: 'hailo-language', pool, log: testLog, restart: true, env })
    host.on('notice', (notice) => void notices.push(notice))
    await host.start()
  })
  afterAll(async () => {
    await host[Symbol.asyncDispose]()
    await standin[Symbol.asyncDispose]()
    pool.memory.close()
  })

  const hef = (network: string) => `${standin.folder}/${network}.hef`
  const load = async (model: string, kind: 'text' | 'vision' | 'speech') => {
    const loaded = await host.call('load', { model, path: hef(model), kind }, options)
    if ('refused' in loaded) throw new Error(loaded.refused.message)
    return loaded
  }

  it('refuses what needs the device until that is open', async () => {
    await expect(host.call('health', {}, options)).rejects.toMatchObject({ code: 'unavailable' })
  })

  it('opens the device, twice if it must be, and tells its health', async () => {
    const { library } = await host.call('open', { group: 'SHARED' }, options)
    expect(library).toMatchObject({ version: '5.2.0', simulated: true, generative: true })
    await host.call('open', { group: 'SHARED' }, options)
    expect(await host.call('health', {}, options)).toMatchObject({
      architecture: 'hailo10h',
      board: 'Hailo-10H stand-in',
    })
  })

  it('loads one language model and a recogniser beside it, and says what they take of the device', async () => {
    const loaded = await load(llm, 'text')
    expect(loaded).toMatchObject({ contextCapacity: 2048, frame: null })
    expect(loaded.bytes).toBeGreaterThan(1e9)
    expect((await load('Whisper-Base', 'speech')).bytes).toBeGreaterThan(1e8)
    await expect(load(llm, 'text')).rejects.toMatchObject({ code: 'conflict' })
    const { bytes } = await host.call('unload', { model: 'Whisper-Base' }, options)
    expect(bytes).toBeGreaterThan(1e8)
    expect(await host.call('unload', { model: 'Whisper-Base' }, options)).toEqual({ bytes: 0 })
  })

  it('says what to do about a load that the device refuses', async () => {
    standin.control('fail-load', { after: 0, status: 81 })
    const refused = { reaction: 'evict', message: expect.stringContaining('HAILO_OUT_OF_HOST_CMA_MEMORY') }
    const params = { model: 'Whisper-Base', path: hef('Whisper-Base'), kind: 'speech' } as const
    expect(await host.call('load', params, options)).toEqual({ refused })
  })

  it('gives the texts of a generation, then its end', async () => {
    const items: unknown[] = []
    for await (const item of host.stream('generate', { model: llm, prompt, frames: [] }, options)) items.push(item)
    expect(
      items
        .slice(0, -1)
        .map((item) => (item as { text: string }).text)
        .join(''),
    ).toBe('[stand-in] 1 2 3')
    expect(items.at(-1)).toMatchObject({ done: { ending: 'complete', tokens: 4 } })
  })

  it('keeps a copy of a context, and puts it back once', async () => {
    const kept = await host.call('keepContext', { model: llm, key: 'a' }, options)
    expect(kept.bytes).toBeGreaterThan(0)
    await host.call('clearContext', { model: llm }, options)
    await host.call('restoreContext', { model: llm, key: 'a' }, options)
    const again = host.call('restoreContext', { model: llm, key: 'a' }, options)
    await expect(again).rejects.toMatchObject({ code: 'not-found' })
  })

  it('asks the device once more whose answer was lost', async () => {
    standin.control('lose-reply', { count: 1 })
    expect(await host.call('health', {}, options)).toMatchObject({ architecture: 'hailo10h' })
    expect(await host.call('countTokens', { model: llm, text: 'one two' }, options)).toEqual({ tokens: 2 })
  })

  it('refuses a picture for a model that sees none, and what is no picture for one that does', async () => {
    const decode = async (model: string, bytes: Buffer) => {
      pool.memory.write(0, bytes, 0)
      return host.call('decodeFrame', { model, parts: [{ slot: 0, bytes: bytes.length }] }, options)
    }
    const picture = await sharp({ create: { width: 8, height: 4, channels: 4, background: '#00ff0080' } })
      .png()
      .toBuffer()
    await expect(decode(llm, picture)).rejects.toMatchObject({ code: 'invalid' })
    await host.call('unload', { model: llm }, options)
    await load('Qwen2-VL-2B-Instruct', 'vision')
    await expect(decode('Qwen2-VL-2B-Instruct', picture.subarray(0, 20))).rejects.toMatchObject({ code: 'invalid' })
    expect((await decode('Qwen2-VL-2B-Instruct', picture)).frame).toBe(1)
  })

  it('tells what the device tells of its own accord', async () => {
    standin.control('throttle', { state: 2 })
    const found = await until('the notice', () => notices.find(({ kind }) => kind === 'throttling'))
    expect(found).toEqual({ kind: 'throttling', value: 2 })
  })
})

import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { copyFile, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { LanguageEvent, LanguageModel } from '../../engine/inference/language.ts'
import { hasTestData, testData } from '../support/data.ts'
import { ask, createLlama, type LlamaSetup } from '../support/llama.ts'
import { until } from '../support/wait.ts'

const never = new AbortController().signal
const prompt = 'Once upon a time, there was a little girl named Lily.'
const greedy = { temperature: 0, maxTokens: 60 }
const code = (expected: string) => expect.objectContaining({ code: expected })

describe.skipIf(!hasTestData)('a GGUF file in its host', () => {
  let setup: LlamaSetup
  let model: LanguageModel
  beforeAll(async () => {
    setup = await createLlama([testData('models')])
    model = (await setup.backend.load('stories260K', never)).model
  }, 60_000)
  afterAll(() => setup[Symbol.asyncDispose]())

  it('writes the text that its weights give, token by token', async () => {
    const truth = JSON.parse(readFileSync(testData('truth/text_speech_llm.json'), 'utf8')).llm['stories260K.gguf']
    const answer = await ask(model, { input: { prompt: truth.prompt }, sampling: greedy })
    expect(answer.text).toBe(truth.text)
    expect(answer.reason).toBe('length')
    expect(answer.usage).toMatchObject({ promptTokens: 16, answerTokens: 60, queuedMs: 0, loadMs: 0 })
    expect(answer.usage.promptMs).toBeGreaterThan(0)
    expect(answer.usage.answerMs).toBeGreaterThan(0)
    const told = answer.events.map((event) => ('tokens' in event ? event.tokens : 0))
    expect(told.reduce((sum, tokens) => sum + tokens)).toBe(60)
  })

  it('shows no mark of a new beginning where a small model goes on after its end', async () => {
    const { text, usage } = await ask(model, { input: { prompt }, sampling: { ...greedy, maxTokens: 450 } })
    expect(usage.answerTokens).toBe(450)
    expect(text).not.toContain('<s>')
    expect(text).toContain('Once upon a time')
  })

  it('gives a conversation to a model without a chat template line by line', async () => {
    const plain = await ask(model, { input: { prompt: `Tom had a dog.\n${prompt}` }, sampling: greedy })
    const messages = [
      { role: 'system', content: 'Tom had a dog.' },
      { role: 'user', content: prompt },
    ] as const
    expect((await ask(model, { input: { messages }, sampling: greedy })).text).toBe(plain.text)
  })

  it('reads only what is new of a prompt that grows', async () => {
    await ask(model, { input: { prompt: 'The cat sat on a mat.' }, sampling: { ...greedy, maxTokens: 1 } })
    const first = await ask(model, { input: { prompt }, sampling: greedy })
    expect(first.usage.cachedTokens).toBeLessThan(5)
    const longer = await ask(model, { input: { prompt: `${prompt}${first.text} go home.` }, sampling: greedy })
    expect(longer.usage.promptTokens).toBeGreaterThan(70)
    expect(longer.usage.cachedTokens).toBeGreaterThan(60)
    const again = await ask(model, { input: { prompt }, sampling: greedy })
    expect(again.text).toBe(first.text)
    expect(again.usage.cachedTokens).toBe(first.usage.promptTokens - 1)
  })

  it('gives one text for one seed, and others for others', async () => {
    const write = (seed: number) =>
      ask(model, { input: { prompt }, sampling: { temperature: 1.2, topK: 0, topP: 1, maxTokens: 30, seed } })
    const [one, same, other] = [await write(7), await write(7), await write(8)]
    expect(same.text).toBe(one.text)
    expect(other.text).not.toBe(one.text)
  })

  it('says nothing after a stop text, also one that several tokens make', async () => {
    const { text, reason, usage } = await ask(model, { input: { prompt }, sampling: { ...greedy, stop: ['big, red'] } })
    expect(text).toBe(' She loved to play outside in the park. One day, she saw a ')
    expect(reason).toBe('stop')
    expect(usage.answerTokens).toBeLessThan(60)
  })

  it('repeats less when repetitions are punished', async () => {
    const sampling = { ...greedy, maxTokens: 120 }
    const plain = await ask(model, { input: { prompt }, sampling })
    const punished = await ask(model, {
      input: { prompt },
      sampling: { ...sampling, repeatPenalty: 1.5, repeatLastN: -1 },
    })
    const variety = (text: string) => new Set(text.split(/\W+/)).size / text.split(/\W+/).length
    expect(variety(punished.text)).toBeGreaterThan(variety(plain.text))
  })

  it('ends at the end of the context, and of the one that was asked for', async () => {
    const full = await ask(model, { input: { prompt }, sampling: { temperature: 0 } })
    expect(full.usage.promptTokens + full.usage.answerTokens).toBeLessThanOrEqual(512)
    const short = await ask(model, { input: { prompt }, sampling: { temperature: 0, contextLength: 40 } })
    expect(short).toMatchObject({ reason: 'length', usage: { promptTokens: 16, answerTokens: 24 } })
  })

  it('refuses a prompt that the context does not hold', async () => {
    const long = 'Lily had a red ball. '.repeat(200)
    await expect(ask(model, { input: { prompt: long } })).rejects.toThrow(/less than 512 tokens, received \d+/)
    await expect(ask(model, { input: { prompt: long } })).rejects.toEqual(code('too-large'))
    await expect(ask(model, { input: { prompt: 'a'.repeat(1e6) } })).rejects.toEqual(code('too-large'))
    const sampling = { contextLength: 10 }
    await expect(ask(model, { input: { prompt }, sampling })).rejects.toEqual(code('too-large'))
  })

  it('refuses what it cannot do, and says what', async () => {
    const input = { prompt }
    const tool = { name: 'clock', parameters: { type: 'object' } }
    const images = [new Uint8Array(3)]
    const chat = { messages: [{ role: 'user', content: prompt }] } as const
    await expect(ask(model, { input, think: false })).rejects.toThrow('with a conversation')
    await expect(ask(model, { input: chat, tools: [tool] })).rejects.toThrow('"stories260K" does not support tools')
    await expect(ask(model, { input: { prompt, images } })).rejects.toThrow('images')
    await expect(ask(model, { input: chat, think: true })).rejects.toThrow('think')
    const wrong = [
      { typicalP: 0.5 },
      { temperature: -1 },
      { topP: 1.5 },
      { maxTokens: 0 },
      { topK: 1.5 },
      { repeatLastN: -2 },
      { contextLength: 100_000 },
    ]
    for (const sampling of wrong) {
      await expect(ask(model, { input, sampling })).rejects.toThrow(Object.keys(sampling)[0])
      await expect(ask(model, { input, sampling })).rejects.toEqual(code('invalid'))
    }
  })

  it('writes JSON, and JSON by a schema, whatever the weights would rather say', async () => {
    const sampling = { temperature: 0, maxTokens: 200 }
    const schema = {
      type: 'object',
      properties: {
        name: { type: 'string', maxLength: 12 },
        age: { type: 'integer' },
        kind: { enum: ['cat', 'dog'] },
        born: { type: 'string', format: 'date' },
        tags: { type: 'array', items: { type: 'boolean' }, minItems: 2, maxItems: 2 },
      },
      required: ['name', 'age', 'kind', 'born', 'tags'],
    }
    for (const seed of [1, 2, 3]) {
      const { text, reason } = await ask(model, {
        input: { prompt },
        format: schema,
        sampling: { ...sampling, temperature: 1.5, seed },
      })
      expect(reason).toBe('stop')
      expect(JSON.parse(text)).toEqual({
        name: expect.any(String),
        age: expect.any(Number),
        kind: expect.stringMatching(/^(cat|dog)$/),
        born: expect.stringMatching(/^\d{4}-\d\d-\d\d$/),
        tags: [expect.any(Boolean), expect.any(Boolean)],
      })
    }
    const any = await ask(model, { input: { prompt }, format: 'json', sampling: { ...sampling, maxTokens: 20 } })
    expect(any.text.trim()).toMatch(/^\{/)
    const format = { type: 'string', pattern: '^a+$' }
    await expect(ask(model, { input: { prompt }, format })).rejects.toThrow('$.pattern')
  })

  it('ends after the token in flight when the reader leaves or the signal aborts, and answers the next one', async () => {
    for await (const event of model.generate({ input: { prompt }, sampling: { temperature: 0 } }, never)) {
      expect(event).toMatchObject({ type: 'text' })
      break
    }
    const abort = new AbortController()
    const events: LanguageEvent[] = []
    const read = async () => {
      for await (const event of model.generate({ input: { prompt }, sampling: { temperature: 0 } }, abort.signal)) {
        events.push(event)
        abort.abort()
      }
    }
    await expect(read()).rejects.toEqual(code('cancelled'))
    expect(events.length).toBeLessThan(60)
    await expect(ask(model, { input: { prompt } }, AbortSignal.abort())).rejects.toEqual(code('cancelled'))
    expect((await ask(model, { input: { prompt }, sampling: greedy })).usage.answerTokens).toBe(60)
  })

  it('gives vectors of length 1 that are the same for the same text', async () => {
    const { vectors, promptTokens } = await model.embed([prompt, 'A dog ran.', prompt], never)
    expect(vectors.map(({ length }) => length)).toEqual([64, 64, 64])
    expect(Math.hypot(...vectors[0]!)).toBeCloseTo(1, 5)
    expect(vectors[2]).toEqual(vectors[0])
    expect(vectors[1]).not.toEqual(vectors[0])
    expect(promptTokens).toBeGreaterThan(30)
    await expect(model.embed([''], never)).rejects.toEqual(code('invalid'))
    await expect(model.embed(['word '.repeat(600)], never)).rejects.toEqual(code('too-large'))
    await expect(model.embed(['a'], AbortSignal.abort())).rejects.toEqual(code('cancelled'))
  })

  it('offers files that the catalogue does not know, with what their headers say', async () => {
    const offers = await setup.backend.offers()
    expect(offers.find(({ name }) => name === 'stories260K')).toMatchObject({
      state: 'available',
      family: 'llama',
      quantisation: 'F32',
      contextLength: 512,
      licence: 'mit',
      bytes: 1185472,
      capabilities: { chat: true, completion: true, schema: true, tools: false, thinking: false, vision: false },
    })
    const hash = createHash('sha256').update(await readFile(testData('models/stories260K.gguf')))
    const isHashed = async () => (await setup.backend.offers()).find(({ name }) => name === 'stories260K')?.sha256
    expect(await until('its hash', isHashed, 20_000)).toBe(hash.digest('hex'))
    expect(offers.find(({ name }) => name === 'qwen2.5-1.5b-instruct')).toMatchObject({
      state: 'missing',
      aliases: ['qwen2.5:1.5b'],
      licence: 'Apache-2.0 (Qwen)',
    })
    expect(offers.find(({ name }) => name === 'nomic-embed-text-v1.5')?.capabilities).toMatchObject({
      embedding: true,
      chat: false,
    })
    await expect(setup.backend.load('qwen2.5-1.5b-instruct', never)).rejects.toThrow(
      'models pull qwen2.5-1.5b-instruct',
    )
    await expect(setup.backend.load('no-such', never)).rejects.toEqual(code('not-found'))
  })

  it('fails with the host in the middle of an answer, and goes on with the next load', async () => {
    let lost = 0
    const forget = setup.backend.onLost(() => lost++)
    const read = async () => {
      model = (await setup.backend.load('stories260K', never)).model
      let pid = setup.backend.hosts()[0]!.pid
      for await (const _ of model.generate({ input: { prompt }, sampling: { temperature: 0 } }, never)) {
        if (pid !== null) process.kill(pid, 'SIGKILL')
        pid = null
      }
    }
    // On a busy machine the whole answer may be here before its first word was read: then once more.
    const failure = await until('an answer to break off', () => read().catch((error: unknown) => error), 50_000)
    expect(failure).toEqual(code('unavailable'))
    expect(setup.backend.isLoaded('stories260K')).toBe(false)
    await until('the loss to be told', () => lost > 0)
    forget()
    model = (await setup.backend.load('stories260K', never)).model
    expect(setup.backend.isLoaded('stories260K')).toBe(true)
    expect((await ask(model, { input: { prompt }, sampling: greedy })).text).toMatch(/^ She loved/)
  }, 60_000)

  it('gives the memory of a model back', async () => {
    const { bytes } = await setup.backend.load('stories260K', never)
    expect(bytes).toBeGreaterThan(1_000_000)
    expect(await setup.backend.unload('stories260K')).toBeGreaterThan(1_000_000)
    expect(setup.backend.isLoaded('stories260K')).toBe(false)
    await expect(ask(model, { input: { prompt } })).rejects.toEqual(code('unavailable'))
    expect(await setup.backend.unload('stories260K')).toBe(0)
    model = (await setup.backend.load('stories260K', never)).model
  })

  it('refuses broken files, remembers them until they change, and goes on with the others', async () => {
    const whole = await readFile(testData('models/stories260K.gguf'))
    await writeFile(join(setup.folder, 'cut.gguf'), whole.subarray(0, 600_000))
    await writeFile(join(setup.folder, 'no-model.gguf'), 'what is this')
    await writeFile(join(setup.folder, 'header.gguf'), whole.subarray(0, 2000))
    const find = async (name: string) =>
      (await until(`an offer of ${name}`, async () =>
        (await setup.backend.offers()).find((offer) => offer.name === name),
      ))!
    expect(await find('no-model')).toMatchObject({ state: 'failed', why: expect.stringContaining('“GGUF”') })
    expect(await find('header')).toMatchObject({ state: 'failed', why: expect.stringContaining('the file ends') })
    expect((await find('cut')).state).toBe('available')
    await expect(setup.backend.load('cut', never)).rejects.toEqual(code('invalid'))
    expect(await find('cut')).toMatchObject({ state: 'failed' })
    await expect(setup.backend.load('cut', never)).rejects.toEqual(code('invalid'))
    await copyFile(testData('models/stories260K.gguf'), join(setup.folder, 'cut.gguf'))
    await until('the file to be good', async () => (await find('cut')).state === 'available')
    await setup.backend.load('cut', never)
    expect((await ask(model, { input: { prompt }, sampling: greedy })).usage.answerTokens).toBe(60)
    expect(await setup.backend.unload('cut')).toBeGreaterThan(0)
  }, 60_000)
})

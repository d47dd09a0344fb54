import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Ollama } from 'ollama'
import OpenAI from 'openai'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startApp, type TestApp } from '../support/app.ts'
import { hasTestData, testData } from '../support/data.ts'
import { until } from '../support/wait.ts'

/** A host's start and the loading of its model, on a machine that may be busy with others. */
const timeout = 120_000
const model = 'stories260K'
const prompt = 'Once upon a time'
/** So long that the host is at work when it is killed. */
const tokens = 450

interface Resources {
  readonly models: readonly { readonly name: string; readonly users: readonly string[] }[]
}

let state: string
let engine: TestApp
beforeAll(async () => {
  state = mkdtempSync(join(tmpdir(), 'hailstream-real-'))
  process.env.HAILSTREAM_STATE = state
  engine = await startApp({ 'models.paths': [testData('models')] })
})
afterAll(async () => {
  await engine[Symbol.asyncDispose]()
  rmSync(state, { recursive: true })
})

async function killHost(): Promise<void> {
  const { hosts } = await engine.app.health()
  const { pid } = hosts.find(({ name }) => name === 'llama') ?? {}
  if (!pid) throw new Error('Expected the host of llama.cpp to run')
  process.kill(pid, 'SIGKILL')
}

/** What reads a stream to its end, kills the host after the first piece, and tells what went wrong; undefined when the answer was faster. */
async function breakStream(stream: AsyncIterable<unknown>): Promise<unknown> {
  let killing: Promise<void> | undefined
  try {
    for await (const _ of stream) killing ??= killHost()
  } catch (error) {
    if (killing === undefined) throw error
    return error
  } finally {
    await killing
  }
  return undefined
}

/** Breaks streams until one was broken within its answer. */
function breakOne(open: () => PromiseLike<AsyncIterable<unknown>>): Promise<unknown> {
  return until('a broken stream', async () => breakStream(await open()), timeout)
}

describe.skipIf(!hasTestData)('a host of language models that is killed in the middle of a stream', () => {
  it('is told to a client of Ollama by a line, and the next request works', { timeout }, async () => {
    const ollama = new Ollama({ host: engine.url })
    const options = { num_predict: tokens, temperature: 0 }
    const broken = await breakOne(() => ollama.generate({ model, prompt, raw: true, options, stream: true }))
    expect(broken).toMatchObject({ message: expect.stringMatching(/host|died|ended/) })
    const next = await ollama.generate({ model, prompt, raw: true, options: { num_predict: 5, temperature: 0 } })
    expect(next).toMatchObject({ response: expect.stringMatching(/^, there was/), eval_count: 5 })
  })

  it('is told to a client of OpenAI by an event, and the next request works', { timeout }, async () => {
    const openai = new OpenAI({ baseURL: `${engine.url}/v1`, apiKey: 'unused', maxRetries: 0 })
    const asked = { model, prompt, temperature: 0 }
    const broken = await breakOne(() => openai.completions.create({ ...asked, max_tokens: tokens, stream: true }))
    expect(broken).toBeInstanceOf(OpenAI.APIError)
    expect(broken).toMatchObject({ type: 'api_error', code: 'unavailable' })
    const next = await openai.completions.create({ ...asked, max_tokens: 5 })
    expect(next.choices[0]?.text).toMatch(/^, there was/)
  })

  it('is started again without end, and holds nothing', { timeout }, async () => {
    const { models, hosts } = await engine.app.health()
    expect(models).toContainEqual(expect.objectContaining({ name: model, state: 'loaded' }))
    expect(hosts).toContainEqual(expect.objectContaining({ name: 'llama', state: 'up' }))
    const users = async () => {
      const { models } = (await (await fetch(`${engine.url}/api/list-resources`)).json()) as Resources
      return models.find(({ name }) => name === model)?.users
    }
    // The last answer has come before its request has let go.
    await expect.poll(users).toEqual([])
  })
})

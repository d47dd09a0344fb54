import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { LanguageEvent, LanguageModel } from '../../engine/inference/language.ts'
import { hasTestData, testData } from '../support/data.ts'
import { ask, createLlama, type LlamaSetup } from '../support/llama.ts'
import { until } from '../support/wait.ts'

const never = new AbortController().signal
const prompt = 'Once upon a time, there was a little girl named Lily.'
const greedy = { temperature: 0, maxTokens: 60 }

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
})

import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readGguf } from '../../engine/inference/gguf.ts'
import type { LanguageModel } from '../../engine/inference/language.ts'
import { hasTestData, testData } from '../support/data.ts'
import { withTexts } from '../support/gguf.ts'
import { ask, createLlama, type LlamaSetup } from '../support/llama.ts'

const never = new AbortController().signal
const prompt = 'Once upon a time, there was a little girl named Lily.'
const greedy = { temperature: 0, maxTokens: 20 }
const clock = { name: 'clock', parameters: { type: 'object', properties: {} } }

/** Each message's words, then the model; thoughts are open where they are not turned off, and tools are told. */
const template = `{{ bos_token }}{% if tools %}{% for tool in tools %}<tool_call>{{ tool | tojson }}{% endfor %}{% endif -%}
{% for message in messages %}{% if message.role == 'system' and loop.index0 > 0 %}{{ raise_exception('system comes first') }}{% endif -%}
{{ message.content }}{% if message.tool_calls %}{% for call in message.tool_calls %}{{ call.function.name }}{% endfor %}{% endif %}{% if not loop.last %} {% endif %}{% endfor -%}
{% if enable_thinking is defined and enable_thinking is false %}{% else %}<think>{% endif %}{# </think> #}`
const plainTemplate = '{{ bos_token }}{% for message in messages %}{{ message.content }}{% endfor %}'

describe.skipIf(!hasTestData)('a model with a chat template', () => {
  let setup: LlamaSetup
  let thinker: LanguageModel
  let talker: LanguageModel
  beforeAll(async () => {
    setup = await createLlama([])
    const weights = await readFile(testData('models/stories260K.gguf'))
    const write = (name: string, text: string) =>
      writeFile(join(setup.folder, `${name}.gguf`), withTexts(weights, { 'tokenizer.chat_template': text }))
    await write('thinker', template)
    await write('talker', plainTemplate)
    thinker = (await setup.backend.load('thinker', never)).model
    talker = (await setup.backend.load('talker', never)).model
  }, 60_000)
  afterAll(() => setup[Symbol.asyncDispose]())

  const user = (content: string) => ({ messages: [{ role: 'user', content }] }) as const

  it('gets the conversation as its template has it, with one beginning', async () => {
    const plain = await ask(talker, { input: { prompt }, sampling: greedy })
    const chat = await ask(talker, { input: user(prompt), sampling: greedy })
    expect(chat.text).toBe(plain.text)
    expect(chat.usage.promptTokens).toBe(plain.usage.promptTokens)
  })

  it('is offered with what its template can do', async () => {
    const offers = await setup.backend.offers()
    const of = (name: string) => offers.find((offer) => offer.name === name)?.capabilities
    expect(of('thinker')).toMatchObject({ tools: true, thinking: true, chat: true })
    expect(of('talker')).toMatchObject({ tools: false, thinking: false, chat: true })
    expect((await readGguf(join(setup.folder, 'talker.gguf'))).chatTemplate).toBe(plainTemplate)
  })

  it('thinks, or does not when it is told so', async () => {
    const thinking = await ask(thinker, { input: user(prompt), sampling: greedy })
    expect(thinking.text).toBe('')
    expect(thinking.thinking.length).toBeGreaterThan(10)
    const spoken = await ask(thinker, { input: user(prompt), think: false, sampling: greedy })
    expect(spoken.thinking).toBe('')
    expect(spoken.text).toBe((await ask(talker, { input: user(prompt), sampling: greedy })).text)
    const held = await ask(thinker, { input: user(prompt), format: { const: 'yes' }, sampling: greedy })
    expect(held).toMatchObject({ text: '"yes"', thinking: '', reason: 'stop' })
  })

  it('is told of tools, and of their calls', async () => {
    const tokens = async (tools: (typeof clock)[]) =>
      (await ask(thinker, { input: user(prompt), tools, sampling: { ...greedy, maxTokens: 1 } })).usage.promptTokens
    expect(await tokens([clock])).toBeGreaterThan((await tokens([])) + 20)
    const messages = [
      { role: 'user', content: 'Time?' },
      { role: 'assistant', content: '', toolCalls: [{ id: 'a', name: 'clock', arguments: {} }] },
      { role: 'tool', content: '12:00', toolCallId: 'a', toolName: 'clock' },
    ] as const
    expect((await ask(thinker, { input: { messages }, tools: [clock], sampling: greedy })).reason).toBe('length')
    const both = ask(thinker, { input: user(prompt), tools: [clock], format: 'json' })
    await expect(both).rejects.toThrow('received both')
  })

  it('refuses a conversation that its template refuses, in its words', async () => {
    const messages = [
      { role: 'user', content: 'a' },
      { role: 'system', content: 'b' },
    ] as const
    const refused = ask(thinker, { input: { messages } })
    await expect(refused).rejects.toThrow('system comes first')
    await expect(refused).rejects.toMatchObject({ code: 'invalid' })
  })

  it('takes its own marks in what somebody says for text', async () => {
    const count = async (model: LanguageModel, input: Parameters<typeof ask>[1]['input']) =>
      (await ask(model, { input, sampling: { ...greedy, maxTokens: 1 } })).usage.promptTokens
    const marked = 'A</s>B<unk>C<s>D'
    expect(await count(talker, user(marked))).toBeGreaterThan((await count(talker, { prompt: marked })) + 3)
  })

  it('survives a schema that names itself in a circle', async () => {
    const $defs = { a: { anyOf: [{ $ref: '#/$defs/a' }, { type: 'null' }] } }
    const circle = ask(talker, { input: { prompt }, format: { $ref: '#/$defs/a', $defs }, sampling: greedy })
    await expect(circle).rejects.toMatchObject({ code: 'invalid' })
    expect((await ask(talker, { input: { prompt }, sampling: greedy })).usage.answerTokens).toBe(20)
  })
})

import { randomInt } from 'node:crypto'
import { EngineError } from '../errors.ts'
import type { LlamaQuestion, LlamaSampling } from '../hosts/llama-protocol.ts'
import { expectCapable } from './expect-capable.ts'
import { toJsonGrammar } from './json-grammar.ts'
import type { ChatMessage, LanguageCapabilities, LanguageRequest, Sampling } from './language.ts'

const seeds = 2 ** 32
/** Stop texts are looked for at each token. */
const maxStops = 32

/** What a model is when it is asked. */
export interface AskedModel {
  readonly name: string
  readonly capabilities: LanguageCapabilities
  /** Tokens. */
  readonly contextLength: number
}

/** A request as the host takes it. Throws `invalid` for what llama.cpp, or this model, cannot do. */
export function toLlamaQuestion(model: AskedModel, request: LanguageRequest): LlamaQuestion {
  const { input, tools = [], format, think, sampling } = request
  expectCapable(model.name, model, request)
  expectPlainText(request)
  if (format !== undefined && tools.length > 0)
    throw new EngineError(
      'invalid',
      'Expected tools or a format, received both: a call of a tool has a form of its own',
    )
  if (format !== undefined && think === true)
    throw new EngineError(
      'invalid',
      'Expected a format or thoughts, received both: an answer in a format has no place for thoughts',
    )
  return {
    model: model.name,
    input: 'messages' in input ? { messages: input.messages.map(toPlainMessage) } : { prompt: input.prompt },
    tools,
    grammar: format === undefined ? null : toJsonGrammar(format),
    think: think ?? null,
    sampling: toLlamaSampling(sampling, model.contextLength),
  }
}

/** Text that is gone on with knows no turns: neither thoughts nor calls have a place in it. Throws `invalid`. */
export function expectPlainText({ input, tools = [], think }: LanguageRequest): void {
  if ('messages' in input || (tools.length === 0 && think === undefined)) return
  throw new EngineError(
    'invalid',
    'Expected tools and thoughts with a conversation, received them with a text to go on with',
  )
}

/** Without what a model cannot see. */
function toPlainMessage({ images, ...message }: ChatMessage): Omit<ChatMessage, 'images'> {
  return message
}

type Range = readonly [min: number, max: number]
const anyNumber = Number.MAX_SAFE_INTEGER

/** Fields that are whole numbers. */
const whole = new Set(['maxTokens', 'topK', 'repeatLastN', 'seed', 'contextLength'])
const ranges: Readonly<Record<Exclude<keyof Sampling, 'stop' | 'typicalP'>, Range>> = {
  maxTokens: [1, anyNumber],
  temperature: [0, 100],
  topP: [0, 1],
  topK: [0, anyNumber],
  minP: [0, 1],
  repeatPenalty: [0.01, 100],
  repeatLastN: [-1, anyNumber],
  presencePenalty: [-100, 100],
  frequencyPenalty: [-100, 100],
  seed: [-anyNumber, anyNumber],
  contextLength: [1, anyNumber],
}

/** What is left out as Ollama has it, so that its clients get what they are used to. */
function toLlamaSampling(sampling: Sampling, contextLength: number): LlamaSampling {
  for (const [field, range] of Object.entries(ranges))
    expectWithin(field, sampling[field as keyof typeof ranges], range)
  const { typicalP, stop = [], seed } = sampling
  if (typicalP !== undefined && typicalP !== 1)
    throw new EngineError(
      'invalid',
      `Expected typicalP to be 1 or left out, since llama.cpp here has no such choice, received ${typicalP}`,
    )
  if (stop.length > maxStops)
    throw new EngineError('invalid', `Expected at most ${maxStops} stop texts, received ${stop.length}`)
  if (sampling.contextLength !== undefined && sampling.contextLength > contextLength)
    throw new EngineError(
      'invalid',
      `Expected contextLength to be at most ${contextLength}, received ${sampling.contextLength}: a larger one is set by language.contextLength`,
    )
  return {
    maxTokens: sampling.maxTokens ?? null,
    temperature: sampling.temperature ?? 0.8,
    topP: sampling.topP ?? 0.9,
    topK: sampling.topK ?? 40,
    minP: sampling.minP ?? 0,
    repeatPenalty: sampling.repeatPenalty ?? 1,
    repeatLastN: sampling.repeatLastN ?? 64,
    presencePenalty: sampling.presencePenalty ?? 0,
    frequencyPenalty: sampling.frequencyPenalty ?? 0,
    // Ollama's −1 is a new one each time.
    seed: seed === undefined || seed < 0 ? randomInt(seeds) : seed % seeds,
    stop,
    contextLength: sampling.contextLength ?? null,
  }
}

function expectWithin(field: string, value: number | undefined, [min, max]: Range): void {
  if (value === undefined || (value >= min && value <= max && (!whole.has(field) || Number.isInteger(value)))) return
  const kind = whole.has(field) ? 'an integer' : 'a number'
  const bound = max === anyNumber ? (min === -anyNumber ? '' : ` of at least ${min}`) : ` of ${min} to ${max}`
  throw new EngineError('invalid', `Expected ${field} to be ${kind}${bound}, received ${value}`)
}

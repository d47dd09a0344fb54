import type { Token, LlamaModel as Weights } from 'node-llama-cpp'
import { EngineError } from '../errors.ts'
import type { AnswerForm, Piece } from './llama-answer.ts'
import type { LlamaMessage, LlamaQuestion } from './llama-protocol.ts'
import { type ChatTemplate, closeThinking, isThinkingOpen } from './llama-template.ts'

/** A token stands for one character at least seldom, for 32 hardly ever: longer texts are refused before they are read. */
const maxCharactersPerToken = 32
/** Tokens before a text on which its first character may depend, as the space before a word. */
const tailTokens = 4
/** One character of several bytes may come in so many tokens. */
const maxBrokenTokens = 4

/** What looks like a token that ends a turn or begins one. */
const looksSpecial = /<[|｜][^<>]{1,60}[|｜]>|<\/?[A-Za-z_]{1,30}>|\[\/?[A-Z_]{1,30}\]/g
/** Private characters stand for such words of the conversation while the template is filled in. */
const [firstMark, lastMark] = [0xf0000, 0xf00ff]

/** A question as tokens, and how its answer is to be read. */
export interface Prompt {
  readonly tokens: readonly Token[]
  readonly form: AnswerForm
  readonly tail: readonly Token[]
}

/** Throws `too-large` when no token of an answer would fit any more. */
export function toPromptTokens(
  weights: Weights,
  template: ChatTemplate,
  question: LlamaQuestion,
  contextLength: number,
): Prompt {
  const most = Math.min(question.sampling.contextLength ?? contextLength, contextLength)
  const written = 'prompt' in question.input ? [{ text: question.input.prompt, special: true }] : undefined
  const guard = new WordGuard(weights)
  const text = 'prompt' in question.input ? question.input.prompt : renderChat(template, question, guard)
  if (text.length > most * maxCharactersPerToken) throw tooLarge(`${text.length} characters`, most)
  const parts = written ?? guard.split(text)
  const tokens = withBeginning(
    weights,
    parts.flatMap((part) => [...weights.tokenize(part.text, part.special)]),
  )
  if (tokens.length >= most) throw tooLarge(`${tokens.length}`, most)
  const form: AnswerForm =
    'prompt' in question.input
      ? { thinking: 'none', tools: null, toolNames: [] }
      : {
          thinking: !template.traits.thinking ? 'none' : isThinkingOpen(text) ? 'open' : 'tags',
          tools: question.tools.length > 0 ? template.traits.tools : null,
          toolNames: question.tools.map(({ name }) => name),
        }
  return { tokens, form, tail: tokens.slice(-tailTokens) }
}

function renderChat(template: ChatTemplate, question: LlamaQuestion, guard: WordGuard): string {
  const messages = 'messages' in question.input ? question.input.messages : []
  const text = template.render(
    messages.map((message) => guard.cover(message)),
    question,
  )
  // What is held to a grammar from its first token on cannot think before.
  return question.grammar === null ? text : closeThinking(text)
}

function withBeginning(weights: Weights, tokens: Token[]): Token[] {
  const { bos, shouldPrependBosToken } = weights.tokens
  if (bos === null) return tokens
  if (tokens.length > 0 && (!shouldPrependBosToken || tokens[0] === bos)) return tokens
  return [bos, ...tokens]
}

function tooLarge(received: string, most: number): EngineError {
  const cure = 'shorten the conversation, or take a larger context'
  return new EngineError('too-large', `Expected a prompt of less than ${most} tokens, received ${received}: ${cure}`)
}

/**
 * Keeps what somebody says from being taken for the template's own words: `<|im_end|>` in a message is text, and ends no turn.
 */
class WordGuard {
  readonly #weights: Weights
  readonly #words: string[] = []

  constructor(weights: Weights) {
    this.#weights = weights
  }

  cover(message: LlamaMessage): LlamaMessage {
    const content = message.content.replaceAll(looksSpecial, (word) =>
      this.#isSpecial(word) ? this.#mark(word) : word,
    )
    return { ...message, content }
  }

  /** The template's own words, and between them what was covered. */
  split(text: string): { readonly text: string; readonly special: boolean }[] {
    const parts: { text: string; special: boolean }[] = []
    let own = ''
    for (const character of text) {
      const word = this.#words[(character.codePointAt(0) ?? 0) - firstMark]
      if (word === undefined) own += character
      else {
        parts.push({ text: own, special: true }, { text: word, special: false })
        own = ''
      }
    }
    return [...parts, { text: own, special: true }].filter((part) => part.text !== '')
  }

  #isSpecial(word: string): boolean {
    const [token, ...others] = this.#weights.tokenize(word, true)
    return others.length === 0 && token !== undefined && this.#weights.isSpecialToken(token)
  }

  #mark(word: string): string {
    const known = this.#words.indexOf(word)
    if (known >= 0) return String.fromCodePoint(firstMark + known)
    if (firstMark + this.#words.length > lastMark)
      throw new EngineError('invalid', 'Expected fewer words in the conversation that look like the model’s own marks')
    this.#words.push(word)
    return String.fromCodePoint(firstMark + this.#words.length - 1)
  }
}

/** Tokens as text: what is half a character waits for its other half. */
export class TokenText {
  readonly #weights: Weights
  #tail: readonly Token[]
  #waiting: Token[] = []

  /** `tail`: the last tokens before. */
  constructor(weights: Weights, tail: readonly Token[]) {
    this.#weights = weights
    this.#tail = tail
  }

  take(token: Token): Piece {
    this.#waiting.push(token)
    const text = this.#text()
    if (text.endsWith('\uFFFD') && this.#waiting.length < maxBrokenTokens) return { text: '', tokens: 0 }
    return this.#give(text)
  }

  /** What still waits, though its other half never comes. */
  end(): Piece {
    return this.#give(this.#waiting.length > 0 ? this.#text() : '')
  }

  #text(): string {
    // Small models go on after their end with the mark of a new beginning, which nobody wants to read or hear.
    const { bos } = this.#weights.tokens
    return this.#weights.detokenize(
      this.#waiting.filter((token) => token !== bos),
      true,
      this.#tail,
    )
  }

  #give(text: string): Piece {
    const piece = { text, tokens: this.#waiting.length }
    this.#tail = [...this.#tail, ...this.#waiting].slice(-tailTokens)
    this.#waiting = []
    return piece
  }
}

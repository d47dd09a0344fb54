import { heldBack } from './held-back.ts'

/** A part of an answer as a model writes it. */
export type AnswerPiece =
  | { readonly type: 'text' | 'thinking'; readonly text: string }
  | { readonly type: 'tool-call'; readonly name: string; readonly arguments: Readonly<Record<string, unknown>> }

type State = 'text' | 'thinking' | 'tool-call'

/** How Qwen and DeepSeek write them, in their chat templates. */
const marks = {
  thinking: { open: '<think>', close: '</think>' },
  'tool-call': { open: '<tool_call>', close: '</tool_call>' },
} as const

/**
 * Splits an answer, as it comes in pieces, into what is said, what is thought (`<think>…</think>`) and which tools are called
 * (`<tool_call>{"name": …, "arguments": {…}}</tool_call>`). A call that is no such JSON is given as the text that it is.
 */
export class AnswerSplitter {
  readonly #kinds: readonly (keyof typeof marks)[]
  #state: State = 'text'
  #held = ''
  #call = ''
  /** White space between the parts belongs to none of them. */
  #trims = false

  /** What the model may write beside text. */
  constructor(kinds: { readonly thinking: boolean; readonly tools: boolean }) {
    this.#kinds = [...(kinds.thinking ? ['thinking' as const] : []), ...(kinds.tools ? ['tool-call' as const] : [])]
  }

  push(text: string): AnswerPiece[] {
    const pieces: AnswerPiece[] = []
    let rest = this.#held + text
    for (;;) {
      const found = this.#firstMark(rest)
      if (!found) break
      pieces.push(...this.#take(rest.slice(0, found.at).trimEnd()), ...this.#enter(found.state))
      rest = rest.slice(found.at + found.mark.length)
    }
    const certain = rest.length - this.#uncertain(rest)
    this.#held = rest.slice(certain)
    pieces.push(...this.#take(rest.slice(0, certain)))
    return pieces
  }

  /** The rest, once the answer is over. A call that was not closed is taken as one if it is whole. */
  flush(): AnswerPiece[] {
    const pieces = this.#take(this.#held)
    this.#held = ''
    if (this.#state === 'tool-call') pieces.push(...this.#endCall(''))
    return pieces
  }

  #marksHere(): readonly { readonly mark: string; readonly state: State }[] {
    if (this.#state !== 'text') return [{ mark: marks[this.#state].close, state: 'text' }]
    return this.#kinds.map((kind) => ({ mark: marks[kind].open, state: kind }))
  }

  #firstMark(text: string) {
    const found = this.#marksHere().map(({ mark, state }) => ({ mark, state, at: text.indexOf(mark) }))
    return found.filter(({ at }) => at >= 0).sort((a, b) => a.at - b.at)[0]
  }

  /** Characters at the end that are not to be given yet: a mark may begin there, and white space before one is dropped. */
  #uncertain(text: string): number {
    const held = heldBack(
      text,
      this.#marksHere().map(({ mark }) => mark),
    )
    if (this.#kinds.length === 0) return held
    const before = text.slice(0, text.length - held)
    return text.length - before.trimEnd().length
  }

  #enter(state: State): AnswerPiece[] {
    const pieces = this.#state === 'tool-call' ? this.#endCall(marks['tool-call'].close) : []
    this.#state = state
    this.#trims = true
    return pieces
  }

  #take(text: string): AnswerPiece[] {
    if (this.#state === 'tool-call') {
      this.#call += text
      return []
    }
    const shown = this.#trims ? text.trimStart() : text
    if (shown === '') return []
    this.#trims = false
    return [{ type: this.#state, text: shown }]
  }

  #endCall(close: string): AnswerPiece[] {
    const body = this.#call
    this.#call = ''
    const call = parseCall(body)
    return [call ?? { type: 'text', text: `${marks['tool-call'].open}${body}${close}` }]
  }
}

function parseCall(body: string): AnswerPiece | undefined {
  const call = parseObject(body)
  if (call === undefined || typeof call.name !== 'string') return undefined
  const given = typeof call.arguments === 'string' ? parseObject(call.arguments) : (call.arguments ?? {})
  return isObject(given) ? { type: 'tool-call', name: call.name, arguments: given } : undefined
}

function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return isObject(value) ? value : undefined
  } catch {
    // Models write JSON that is none.
    return undefined
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

import type { LlamaItem, LlamaToolCall } from './llama-protocol.ts'
import { openEnd, StopTexts } from './llama-stop.ts'
import type { ToolFormat } from './template-traits.ts'

/** A piece of an answer. */
export interface Piece {
  readonly text: string
  readonly tokens: number
}

/** How an answer is to be read. `open`: it begins in the middle of thoughts. */
export interface AnswerForm {
  readonly thinking: 'none' | 'tags' | 'open'
  readonly tools: ToolFormat | null
  readonly toolNames: readonly string[]
}

type State = 'start' | 'text' | 'thinking' | 'call' | 'bare'

const tags = { think: '<think>', thought: '</think>', call: '<tool_call>', called: '</tool_call>' } as const
const pythonTag = '<|python_tag|>'

/** Reads the text of an answer as it comes: thoughts and calls of tools apart from what is said, and nothing after a stop text. */
export class AnswerText {
  readonly #form: AnswerForm
  readonly #stops: StopTexts
  #state: State
  /** Not decided yet: it may be a part of a tag, or is a call that is not complete. */
  #held = ''
  /** Tokens that no item has told yet. */
  #tokens = 0
  /** Blanks between thoughts and what is said belong to neither. */
  #trims = true

  constructor(form: AnswerForm, stop: readonly string[]) {
    this.#form = form
    this.#stops = new StopTexts(stop)
    this.#state = form.thinking === 'open' ? 'thinking' : 'start'
  }

  /** Whether a stop text came: nothing is said any more. */
  get stopped(): boolean {
    return this.#stops.found
  }

  *take({ text, tokens }: Piece): Generator<LlamaItem, void, undefined> {
    this.#tokens += tokens
    this.#held += this.#stops.take(text)
    while (true) {
      const step = this.#step()
      if (!step) return
      yield* step
    }
  }

  /** The rest: nothing more comes. */
  *end(piece: Piece): Generator<LlamaItem, void, undefined> {
    yield* this.take(piece)
    this.#held += this.#stops.end()
    while (true) {
      const step = this.#step()
      if (!step) break
      yield* step
    }
    const rest = this.#held
    this.#held = ''
    const call = this.#state === 'bare' ? this.#toCall(rest.replace(pythonTag, '')) : undefined
    if (call) yield { type: 'tool-call', call, tokens: this.#countTokens() }
    else if (this.#state === 'call') yield* this.#say(this.#toCall(rest) ?? `${tags.call}${rest}`)
    else yield* this.#say(rest)
  }

  /** What can be told of the held text; undefined when it needs more. */
  #step(): Iterable<LlamaItem> | undefined {
    if (this.#state === 'start') return this.#start()
    if (this.#state === 'text') return this.#until(this.#form.tools === 'tags' ? tags.call : undefined, 'call')
    if (this.#state === 'thinking') return this.#until(tags.thought, 'text')
    return this.#state === 'call' ? this.#call() : undefined
  }

  /** Thoughts, and calls in bare JSON, stand at the beginning or nowhere. */
  #start(): Iterable<LlamaItem> | undefined {
    const begun = this.#held.trimStart()
    if (begun === '') return undefined
    if (this.#form.thinking === 'tags' && isPart(begun, tags.think)) {
      if (begun.length < tags.think.length) return undefined
      this.#held = begun.slice(tags.think.length)
      this.#state = 'thinking'
      return []
    }
    if (this.#form.tools === 'bare' && (begun.startsWith('{') || isPart(begun, pythonTag))) this.#state = 'bare'
    else this.#state = 'text'
    // Without thoughts before it, what is said is said to its first blank.
    this.#trims = false
    return []
  }

  #until(tag: string | undefined, next: State): Iterable<LlamaItem> | undefined {
    const at = tag === undefined ? -1 : this.#held.indexOf(tag)
    if (tag !== undefined && at >= 0) {
      const before = this.#held.slice(0, at)
      this.#held = this.#held.slice(at + tag.length)
      const said = [...this.#say(this.#state === 'thinking' ? before.trimEnd() : before)]
      this.#state = next
      this.#trims = true
      return said
    }
    const open = this.#held.length - openEnd(this.#held, tag)
    if (open === 0) return undefined
    const said = this.#held.slice(0, open)
    this.#held = this.#held.slice(open)
    return this.#say(said)
  }

  #call(): Iterable<LlamaItem> | undefined {
    const at = this.#held.indexOf(tags.called)
    if (at < 0) return undefined
    const written = this.#held.slice(0, at)
    this.#held = this.#held.slice(at + tags.called.length)
    this.#state = 'text'
    return this.#say(this.#toCall(written) ?? `${tags.call}${written}${tags.called}`)
  }

  *#say(said: string | LlamaToolCall): Generator<LlamaItem, void, undefined> {
    if (typeof said !== 'string') {
      yield { type: 'tool-call', call: said, tokens: this.#countTokens() }
      return
    }
    const text = this.#trims ? said.trimStart() : said
    if (text === '') return
    this.#trims = false
    yield { type: this.#state === 'thinking' ? 'thinking' : 'text', text, tokens: this.#countTokens() }
  }

  #countTokens(): number {
    const tokens = this.#tokens
    this.#tokens = 0
    return tokens
  }

  /** undefined for what is no call of a tool that was offered. */
  #toCall(written: string): LlamaToolCall | undefined {
    const call = parseObject(written)
    const given = call?.arguments ?? call?.parameters ?? {}
    if (typeof call?.name !== 'string' || !this.#form.toolNames.includes(call.name)) return undefined
    if (typeof given !== 'object' || given === null || Array.isArray(given)) return undefined
    return { name: call.name, arguments: given as Record<string, unknown> }
  }
}

/** Whether one begins with the other, as far as both go. */
function isPart(text: string, tag: string): boolean {
  return text.startsWith(tag) || tag.startsWith(text)
}

function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined
  } catch {
    // A model may write anything: what is no JSON is text.
    return undefined
  }
}

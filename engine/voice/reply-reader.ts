import { ClauseSplitter, isSpeakable } from '../inference/clauses.ts'
import type { LanguageEvent } from '../inference/language.ts'
import type { ReplyEvent } from './events.ts'
import { SpokenText } from './spoken-text.ts'

type Round = Extract<ReplyEvent, { readonly round: number }>
type WithoutTurn<T> = T extends Round ? Omit<T, 'turn' | 'round'> : never

/** What a generation tells the machine, but for the turn and the round. */
export type ReplyPart = WithoutTurn<Round>

/**
 * Reads one generation: the text as it is written, and as soon as they are whole its clauses, clean for the voice, each behind the text that it comes
 * of. Thoughts are neither. One per `generate` effect; what it gives becomes events with the effect's turn and round.
 */
export class ReplyReader {
  readonly #spoken: SpokenText | undefined
  readonly #clauses = new ClauseSplitter()

  /** `text`: nothing is to be spoken. */
  constructor(modality: 'audio' | 'text') {
    this.#spoken = modality === 'audio' ? new SpokenText() : undefined
  }

  read(event: LanguageEvent): ReplyPart[] {
    if (event.type === 'thinking') return []
    if (event.type === 'tool-call') return [{ type: 'tool-call', call: event.call }]
    if (event.type === 'done') return [...this.#finish(), { type: 'generated' }]
    const { text } = event
    return [{ type: 'reply-text', text }, ...toParts(this.#clauses.push(this.#spoken?.push(text) ?? ''))]
  }

  #finish(): ReplyPart[] {
    const rest = this.#clauses.push(this.#spoken?.finish() ?? '')
    return toParts([...rest, ...this.#clauses.finish()])
  }
}

function toParts(clauses: readonly string[]): ReplyPart[] {
  return clauses.filter(isSpeakable).map((text) => ({ type: 'clause', text }))
}
